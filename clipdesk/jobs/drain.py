"""Work through the queue: claim units, render them, note what became of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from clipdesk.errors import ClipDeskError
from clipdesk.inspector import LayerInspector
from clipdesk.jobs.batch import BatchEvent, Saved, Skipped, run_batch
from clipdesk.jobs.owners import Owner
from clipdesk.jobs.runner import Failure, usual_group_size
from clipdesk.jobs.store import Claim, JobState, JobStore, StoredJob
from clipdesk.models.loading import load_model

if TYPE_CHECKING:
    from clip.model import CLIP

_LOOK_SECONDS = 0.5
_GROUP = 32
"""Units claimed at once: as many as a GPU renders side by side; fewer run at a time where the device needs it."""


@dataclass(frozen=True)
class Step:
    """Something happened to a job of the queue."""

    stored: StoredJob
    event: BatchEvent


def drain(store: JobStore, *, number: int | None = None, stop: Callable[[], bool] = lambda: False) -> Iterator[Step]:
    """Render what waits in the queue, until nothing does.

    Several processes may do this at once: each unit is claimed by one. Killed at any moment, all that was finished is
    there, and what was not is claimed by the next one who comes.

    Args:
        store: The queue.
        number: Only this job.
        stop: Asked after every step; when it says True, what was not finished is given back, and this ends.

    Yields:
        A `Step` for each event of `run_batch`.
    """
    with Owner(store.owners) as owner:
        try:
            while not stop():
                claim = store.claim(owner, _GROUP, number)
                if claim is None:
                    return
                yield from _work(store, claim, stop)
                # What is left of it was halted.
                store.release(owner)
        finally:
            store.release(owner)


def _work(store: JobStore, claim: Claim, stop: Callable[[], bool]) -> Iterator[Step]:
    stored = claim.stored
    left = dict(zip(claim.job.targets, claim.positions, strict=True))
    watch = _Watch(store, stored.number)

    def halt() -> bool:
        return stop() or watch.halted()

    try:
        model, inspector = opened(stored.job.model, stored.job.settings.device)
        size = usual_group_size(stored.job.settings)
        for start in range(0, len(claim.positions), size):
            if halt():
                return
            job = claim.job.model_copy(update={"targets": claim.job.targets[start : start + size]})
            since = None if stored.skip else stored.created
            events = run_batch(
                model, job, stored.folder, since=since, keep_stopped=False, inspector=inspector, stop=halt
            )
            for event in events:
                if isinstance(event, Failure):
                    store.finish(stored.number, left.pop(event.target), reason=event.reason)
                elif isinstance(event, Skipped):
                    store.finish(stored.number, left.pop(event.target), file=event.path.name)
                elif isinstance(event, Saved):
                    store.finish(stored.number, left.pop(event.result.target), file=event.path.name)
                yield Step(stored, event)
    except ClipDeskError as error:
        # Of the job, not of one unit: a model that is not there, a layer that it does not have, a full disk.
        for target, position in left.items():
            store.finish(stored.number, position, reason=str(error))
            yield Step(stored, Failure(target, stored.job.settings_of(target), str(error)))


class _Watch:
    """Whether a job was paused or cancelled from elsewhere; looked up twice a second at most."""

    def __init__(self, store: JobStore, number: int) -> None:
        self._store, self._number = store, number
        self._looked, self._halted = time.monotonic(), False

    def halted(self) -> bool:
        """Whether to stop."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            self._halted = self._store.state(self._number) is not JobState.OPEN
        return self._halted


@lru_cache(maxsize=1)
def opened(name: str, device: str) -> tuple[CLIP, LayerInspector]:
    """A model and its inspector; the last one stays open.

    Raises:
        UsageError, ClipDeskError: as `load_model`.
    """
    model = load_model(name, device)
    return model, LayerInspector(model)
