"""Work through the queue: claim units, render them, note what became of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from clipdesk.errors import Cancelled, ClipDeskError, DeviceLostError
from clipdesk.jobs.batch import BatchEvent, Saved, Skipped, run_batch
from clipdesk.jobs.database import StoreError
from clipdesk.jobs.job import Job
from clipdesk.jobs.owners import Owner
from clipdesk.jobs.runner import Failure, Progress, usual_group
from clipdesk.jobs.store import Claim, JobState, JobStore, StoredJob
from clipdesk.models.catalogue import check_name
from clipdesk.models.loading import fetch_model, load_model
from clipdesk.models.transfer import Transfer
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.targets import Target

if TYPE_CHECKING:
    from clip.model import CLIP

_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Paused:
    """A job was paused from elsewhere in the middle of its pictures; they wait as they are."""


@dataclass(frozen=True)
class Step:
    """Something happened to a job of the queue."""

    stored: StoredJob
    event: BatchEvent | Paused


def drain(
    store: JobStore,
    *,
    number: int | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Transfer], None] = lambda _: None,
) -> Iterator[Step]:
    """Render what waits in the queue, until nothing does.

    Several processes may do this at once: each unit is claimed by one. Killed at any moment, all that was finished is
    there, and what was not is claimed by the next one who comes. A job that is paused meanwhile stands as it is, and
    goes on from there when it is resumed; until then the others are rendered, and when there are none, this waits.

    Args:
        store: The queue.
        number: Only this job.
        stop: Asked after every step; when it says True, what was not finished is given back, and this ends.
        progress: Told how far the download of a job's model is.

    Yields:
        A `Step` for each event of `run_batch`, and for each pause.

    Raises:
        DeviceLostError: a device has failed; what was on it has failed, the rest waits.
        StoreError: the queue cannot be read or written.
    """
    with Owner(store.owners) as owner:
        try:
            yield from _Drain(store, owner, number, stop, progress).steps()
        finally:
            store.release(owner)


class _Drain:
    """One who works through the queue, and what it has in hand."""

    def __init__(
        self,
        store: JobStore,
        owner: Owner,
        number: int | None,
        stop: Callable[[], bool],
        progress: Callable[[Transfer], None],
    ) -> None:
        self._store, self._owner, self._number, self._stop, self._progress = store, owner, number, stop, progress
        self._held: list[_Work] = []
        self._sizes: dict[int, int] = {}

    def steps(self) -> Iterator[Step]:
        """Until nothing is left to do, or `stop` says so."""
        while not self._stop():
            try:
                work = self._resumed() or self._claimed()
            except Cancelled:
                # In a download: this is to end, or the job is to rest or was cancelled.
                continue
            if work is not None:
                yield from self._pull(work)
            elif self._held:
                time.sleep(_LOOK_SECONDS)
            else:
                return

    def _resumed(self) -> _Work | None:
        """A held job that is not to rest any more; a cancelled one ends without another step."""
        for work in self._held:
            if self._store.state(work.stored.number) is not JobState.PAUSED:
                self._held.remove(work)
                return work
        return None

    def _claimed(self) -> _Work | None:
        """The next units that wait; a group of them, or if the job cannot run, all."""
        while (stored := self._store.next(self._number)) is not None:
            work = _Work(self._store, stored, self._stop)
            self._sizes[stored.number] = work.prepare(self._sizes.get(stored.number), self._progress)
            claim = self._store.claim(self._owner, self._sizes[stored.number], stored.number)
            if claim is not None:
                work.begin(claim)
                return work
        return None

    def _pull(self, work: _Work) -> Iterator[Step]:
        for event in work.events:
            yield Step(work.stored, event)
            if isinstance(event, Progress) and work.look() is JobState.PAUSED:
                self._held.append(work)
                yield Step(work.stored, Paused())
                return
        self._store.give_back(work.stored.number, tuple(work.left.values()))


class _Work:
    """A group of a job's units on its way."""

    def __init__(self, store: JobStore, stored: StoredJob, stop: Callable[[], bool]) -> None:
        self._store, self.stored, self._stop = store, stored, stop
        self._problem = ""
        self._lost: DeviceLostError | None = None
        self._state, self._looked = JobState.OPEN, time.monotonic()
        self.left: dict[Target, int] = {}

    def prepare(self, group: int | None, progress: Callable[[Transfer], None]) -> int:
        """Open the model; how many units to claim: a group, or all of them if none can be rendered.

        Raises:
            Cancelled: its download is not wanted any more.
        """
        job = self.stored.job
        try:
            self._opened = opened(job.model, job.settings.device, progress=progress, cancelled=self._unwanted)
            self._group = group or usual_group(*self._opened, job)
        except DeviceLostError as error:
            # While a step of one of them was measured.
            self._problem, self._lost = error.reason, error
            return 1
        except ClipDeskError as error:
            self._problem = str(error)
            return len(job.targets)
        return self._group

    def _unwanted(self) -> bool:
        return self._stop() or self.look() is not JobState.OPEN

    def begin(self, claim: Claim) -> None:
        """Start on what was claimed."""
        self.left = dict(zip(claim.job.targets, claim.positions, strict=True))
        self.events = self._noted(self._failed(claim.job) if self._problem else self._rendered(claim.job))

    def _failed(self, job: Job) -> Iterator[BatchEvent]:
        for target in job.targets:
            yield Failure(target, job.settings_of(target), self._problem)
        if self._lost is not None:
            raise self._lost

    def _rendered(self, job: Job) -> Iterator[BatchEvent]:
        model, inspector = self._opened
        try:
            yield from run_batch(
                model,
                job,
                self.stored.folder,
                since=None if self.stored.skip else self.stored.created,
                keep_stopped=False,
                inspector=inspector,
                group_size=self._group,
                stop=lambda: self._stop() or self.look() is JobState.CANCELLED,
            )
        except (DeviceLostError, StoreError):
            # No fault of the units that are left.
            raise
        except ClipDeskError as error:
            # Of them all: a folder that cannot be written to, or that holds another model's batch.
            self._problem = str(error)
            yield from self._failed(job.model_copy(update={"targets": tuple(self.left)}))

    def _noted(self, events: Iterator[BatchEvent]) -> Iterator[BatchEvent]:
        """The events, each noted in the queue first."""
        number = self.stored.number
        for event in events:
            if isinstance(event, Failure):
                self._store.finish(number, self.left.pop(event.target), reason=event.reason)
            elif isinstance(event, Skipped):
                self._store.finish(number, self.left.pop(event.target), file=event.path.name)
            elif isinstance(event, Saved):
                self._store.finish(number, self.left.pop(event.result.target), file=event.path.name)
            yield event

    def look(self) -> JobState:
        """What is to become of the job; looked up ten times a second at most."""
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._looked = time.monotonic()
            self._state = self._store.state(self.stored.number)
        return self._state


def opened(
    name: str,
    device: str,
    *,
    progress: Callable[[Transfer], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[CLIP, LayerInspector]:
    """A model and its inspector; the last one stays open.

    Args:
        name: Name or file of the model.
        device: Where to put it.
        progress: Told how far its download is, if there is one.
        cancelled: Asked during the download; True ends it.

    Raises:
        UsageError, ClipDeskError, Cancelled: as `load_model`.
    """
    check_name(name)
    fetch_model(name, progress=progress, cancelled=cancelled)
    return _opened(name, device)


@lru_cache(maxsize=1)
def _opened(name: str, device: str) -> tuple[CLIP, LayerInspector]:
    model = load_model(name, device)
    return model, LayerInspector(model)
