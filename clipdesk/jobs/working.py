"""A job that is worked on: getting ready, claiming units, and noting in the queue what becomes of each."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from clipdesk.database import StoreError
from clipdesk.errors import (
    Cancelled,
    ClipDeskError,
    DeviceLostError,
    DiskFullError,
    NoWorkersError,
    first_line,
)
from clipdesk.jobs.events import Done, Event, Failure, Halted, Result, Saved, Skipped, UnitEvent
from clipdesk.jobs.executor import Executor, Hooks
from clipdesk.jobs.older import identified
from clipdesk.jobs.owners import Owner
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore
from clipdesk.jobs.stored import StoredJob
from clipdesk.jobs.tasks import TASKS, Task
from clipdesk.jobs.work import Work
from clipdesk.paths import log_file

log = logging.getLogger(__name__)


class Working:
    """A job that this process works on, and the units that it has in hand.

    Args:
        stored: The job.
        store: The queue, on the thread that works.
        executor: Where the work is done.
        hooks: What the executor tells and asks.

    Attributes:
        stored: The job, with its checksums as soon as they are known.
        left: The units that are claimed and have not come to an end, with their positions in the job.
        others_are_on_it: Whether processes of other queues are on all units that were claimed last.
    """

    def __init__(self, stored: StoredJob, store: JobStore, executor: Executor, hooks: Hooks) -> None:
        self.stored = stored
        self.left: dict[object, int] = {}
        self.others_are_on_it = False
        self._store = store
        self._executor = executor
        self._hooks = hooks
        self._group = 0
        self._task: Task | None = None
        self._names: dict[int, str] = {}
        self._fresh: dict[object, int] = {}
        self._mine: dict[object, None] = {}
        self._found: list[UnitEvent] = []
        self._take_more: Callable[[int], bool] = lambda _: False
        self._problem: Exception | None = None
        self._lost: DeviceLostError | None = None

    def prepare(self) -> int:
        """Get ready, once; how many units to claim: a group, or all of them if none can be done.

        Raises:
            Cancelled: that is not wanted any more.
        """
        if self._group:
            return self._group
        self._problem = None
        try:
            job = identified(self.stored, self._store)
            prepared = self._executor.prepare(job, self._hooks)
            self._pin(job, prepared.weights)
            self._task = TASKS[self.stored.job.kind](self.stored)
            self._group = prepared.units
        except (DeviceLostError, NoWorkersError) as error:
            # A device while a step of one of them was measured.
            self._problem = error
            self._lost = error if isinstance(error, DeviceLostError) else None
            return 1
        except (StoreError, Cancelled):
            raise
        except Exception as error:
            self._problem = error
            return len(self.stored.job.units)
        return self._group

    def _pin(self, job: Work, weights: str | None) -> None:
        """From now on the job takes no other weights and files than these."""
        job = job.known()
        if job.weights is None:
            job = job.with_weights(weights)
        if job != self.stored.job:
            self._store.replace(self.stored.number, job)
            self.stored = replace(self.stored, job=job)

    def claim(self, owner: Owner | None, size: int, first: Callable[[], bool] = lambda: True) -> bool:
        """Take the next units; False where none waits any more.

        Args:
            owner: For whom.
            size: How many.
            first: Asked before the executor takes more of this job: whether no other job goes first.
        """
        self.left, self._names = {}, {}
        self.others_are_on_it = False
        self._take_more = lambda size: first() and self._claim(owner, size)
        return self._claim(owner, size)

    def _claim(self, owner: Owner | None, size: int) -> bool:
        claim = self._store.claim(owner, size, self.stored)
        if claim is None:
            return False
        self._fresh = dict(zip(claim.job.units, claim.positions, strict=True))
        self.left |= self._fresh
        self._names |= self._store.names(self.stored.number, claim.positions)
        return True

    def events(self) -> Generator[Event, None, None]:
        """Do what was claimed; each event is noted in the queue first.

        Raises:
            DeviceLostError: the device has failed.
            StoreError: the queue cannot be written.
        """
        for event in self._outcomes() if self._problem is None else self._failures(self._problem):
            self._note(event)
            yield event

    def _outcomes(self) -> Iterator[Event]:
        task = self._task
        if task is None:
            raise RuntimeError("the work was not prepared")
        self._mine, self._found = {}, []
        hooks = replace(self._hooks, more=lambda size: self._more(task, size))
        try:
            self._begin(task)
            yield from self._taken_found()
            if self.left:
                for event in self._executor.run(self._part(), hooks):
                    name = self._names.get(self.left.get(getattr(event, "target", None), -1), "")
                    yield task.after(event, name)
                    yield from self._taken_found()
                yield from self._taken_found()
        except (DeviceLostError, StoreError):
            # No fault of the units that are left.
            raise
        except (DiskFullError, NoWorkersError) as error:
            yield self._halt(error)
        except Cancelled:
            # While the model was opened again; what is left is given back.
            return
        except Exception as error:
            # Of all that are left: a folder that cannot be written to, or a model whose file has changed.
            yield from self._failures(error)
        finally:
            task.release(list(self._mine))

    def _begin(self, task: Task) -> list[int]:
        """Get what was claimed just now ready: the positions of what is to be done of it."""
        mine = task.claim(list(self._fresh))
        self._mine |= dict.fromkeys(mine)
        self._leave_to_others(mine)
        positions = [self._fresh[unit] for unit in mine]
        found = task.before(self.stored.job.part(sorted(positions)))
        self._found += found
        to_do = set(mine) - {event.target for event in found}
        return sorted(position for unit, position in self._fresh.items() if unit in to_do)

    def _more(self, task: Task, size: int) -> Work | None:
        """Take further units for an executor that has room for them; those that are there already are passed over."""
        while self._take_more(size):
            positions = self._begin(task)
            if positions:
                return self.stored.job.part(positions)
            if len(self._found) > _MOST_FOUND or self.others_are_on_it:
                # What has been found is to be noted; and what others are on is looked for again later.
                break
        return None

    def _taken_found(self) -> Iterator[Event]:
        """What was there already of the units that were claimed."""
        while self._found:
            yield self._found.pop(0)

    def _halt(self, error: Exception) -> Halted:
        """Let the job wait until people have seen to something."""
        self._store.halt(self.stored.number, str(error))
        return Halted(str(error))

    def _leave_to_others(self, mine: Sequence[object]) -> None:
        """Give back units that a process of another queue is on, in the same folder; it looks for them again later."""
        mine_too = set(mine)
        theirs = {unit: position for unit, position in self._fresh.items() if unit not in mine_too}
        self._store.give_back(self.stored.number, list(theirs.values()))
        self.left = {unit: position for unit, position in self.left.items() if unit not in theirs}
        self.others_are_on_it = bool(theirs) and not mine_too

    def _part(self) -> Work:
        return self.stored.job.part(sorted(self.left.values()))

    def _failures(self, error: Exception) -> Iterator[Event]:
        if isinstance(error, NoWorkersError):
            yield self._halt(error)
            return
        reason = _reason(error)
        expected = isinstance(error, ClipDeskError) and error.__cause__ is None
        details = "" if expected else "".join(traceback.format_exception(error))
        for unit in list(self.left):
            yield Failure(unit, reason, details=details)
        if self._lost is not None:
            raise self._lost

    def _note(self, event: Event) -> None:
        number = self.stored.number
        if isinstance(event, Saved) and not event.result.complete:
            self._store.keep_name(number, self.left[event.target], event.path.name)
        elif isinstance(event, Failure):
            self._finish(event.target, reason=event.reason)
        elif isinstance(event, Skipped | Saved):
            self._finish(event.target, file=event.path.name)
        elif isinstance(event, Result) and event.complete:
            self._finish(event.target)
        elif isinstance(event, Done):
            self._finish(event.target, file=event.file or None)

    def _finish(self, unit: object, *, file: str | None = None, reason: str | None = None) -> None:
        self._store.finish(self.stored.number, self.left[unit], file=file, reason=reason)
        # Not before: a unit that the queue could not be told of is still ours to give back.
        del self.left[unit]
        if self._task is not None and unit in self._mine:
            # A system looks for a lock among all others: a hundred thousand of them would take it minutes.
            del self._mine[unit]
            self._task.release([unit])

    def give_back(self) -> None:
        """Let the units that have not come to an end wait again."""
        self._store.give_back(self.stored.number, tuple(self.left.values()))
        self.left = {}

    def status(self) -> Status | None:
        """The status of the job; None if it was removed."""
        row = self._store.row(self.stored.number)
        return None if row is None else row.status

    def settle(self) -> None:
        """Bring what the job leaves on the disk up to date."""
        if self._task is not None:
            self._task.settle()


class Wishes:
    """Looks up the wish for the job that runs, ten times a second, and at once after a request in this process.

    Args:
        look: What is wanted of the job of a number.
        asked: Whether somebody has asked for something since this was last called.
    """

    def __init__(self, look: Callable[[int], Wish], asked: Callable[[], bool]) -> None:
        self.number = 0
        self._look = look
        self._asked = asked
        self._wish = Wish.RUN
        self._looked = 0.0

    def turn_to(self, number: int) -> None:
        """From now on it is this job that runs."""
        self.number = number
        self._looked = 0.0

    def __call__(self) -> Wish:
        """The wish for that job."""
        if self._asked() or time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._wish = self._look(self.number)
        return self._wish


_MOST_FOUND = 1_000
"""So many units that are there already are noted at once."""

LOOK_SECONDS = 0.1
"""How often the queue's file is asked whether a job is still wanted."""


def _reason(error: Exception) -> str:
    """Why nothing can be done, for the user; details of what nobody expected go to the log."""
    if isinstance(error, ClipDeskError):
        return error.reason if isinstance(error, DeviceLostError) else str(error)
    log.error("unexpected", exc_info=error)
    return f"{type(error).__name__}: {first_line(error)}. Details are in {log_file()}"
