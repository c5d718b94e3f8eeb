"""QueueService: the queue, and working through it. It is under the window, the commands and the Python API alike.

It imports neither Qt nor torch: an `Executor` does the work, and events tell what happens.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Container, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clipdesk.database import StoreError
from clipdesk.errors import Cancelled, ClipDeskError, UsageError
from clipdesk.jobs.events import Began, Ended, Event, Paused, Progress
from clipdesk.jobs.executor import Executor, Hooks
from clipdesk.jobs.owners import Owner
from clipdesk.jobs.rescue import open_store
from clipdesk.jobs.status import Wish
from clipdesk.jobs.store import JobStore, owners_of
from clipdesk.jobs.stored import StoredJob
from clipdesk.jobs.work import Work
from clipdesk.jobs.working import LOOK_SECONDS, Wishes, Working
from clipdesk.models.transfer import Transfer

log = logging.getLogger(__name__)


_BUSY_SECONDS = 0.5


@dataclass(frozen=True)
class Step:
    """Something happened to a job of the queue."""

    stored: StoredJob
    event: Event


class QueueService:
    """The queue and its work. Any thread may ask for something; one thread works, by pulling `steps`.

    Several processes may work through one queue at once: units are claimed a group at a time. A process that is killed
    at any moment loses at most the group that it was on.

    Args:
        path: The queue's file; None for a queue in memory, which this service has to itself, on one thread.
        executor: Where work is done.
        fallback: Whether a queue of this process alone is used where the file cannot be opened at all.

    Attributes:
        notice: What there is to say about the queue's file since it was opened; empty if all is well.
        hold: While it is set, no work is begun, and what runs is paused.
    """

    def __init__(self, path: Path | None, executor: Executor, *, fallback: bool = False) -> None:
        self.notice = ""
        self.hold = threading.Event()
        self._path = path
        self._fallback = fallback
        self._executor = executor
        self._lock = threading.Lock()
        # By the system's number of each thread: a thread that Qt has started looks like another one to Python at each
        # call, so threading.local would open a connection each time.
        self._stores: dict[int, JobStore] = {}
        self._owner: Owner | None = None
        self._asked = threading.Event()
        self._wishes = Wishes(lambda number: self.store.wished(number), self._was_asked)
        self._works: dict[int, Working] = {}
        self._unreadable: set[int] = set()
        self._busy: dict[int, float] = {}
        self._paused: dict[int, Generator[Event, None, None]] = {}
        self._stop: Callable[[], bool] = lambda: False
        self._transfer: Callable[[Transfer], object] = lambda _: None
        self._stage: Callable[[int, str], object] = lambda _number, _stage: None
        self._hooks = Hooks(
            transfer=lambda transfer: self._transfer(transfer),
            stage=lambda text: self._stage(self._wishes.number, text),
            unwanted=lambda: self._stop() or self.hold.is_set() or self._wishes() is not Wish.RUN,
            stop=lambda: self._stop() or self._wishes() is Wish.CANCEL,
        )

    # Asking

    @property
    def store(self) -> JobStore:
        """The queue's file, for the thread that asks.

        Raises:
            StoreError: it cannot be opened.
        """
        with self._lock:
            thread = threading.get_ident()
            if thread not in self._stores:
                self._stores[thread] = self._open()
            return self._stores[thread]

    def _open(self) -> JobStore:
        if self._path is None:
            return JobStore(None)
        try:
            found, notice = open_store(self._path)
        except StoreError as error:
            # Another thread has it open: a second queue beside it would hide what that one puts in.
            if not self._fallback or self._stores:
                raise
            self.notice = f"{error}. Until ClipDesk is closed, the queue is kept in a temporary file"
            self._fallback = False
            self._path = Path(tempfile.mkdtemp(prefix="clipdesk-")) / "queue.sqlite"
            return JobStore(self._path)
        self.notice = notice or self.notice
        return found

    @property
    def owner(self) -> Owner | None:
        """Under whose name this service claims units; None for a queue in memory, which nobody shares.

        Raises:
            ClipDeskError: there can be no lock file, as on a full disk.
        """
        with self._lock:
            if self._owner is None and self._path is not None:
                self._owner = Owner(owners_of(self._path))
            return self._owner

    def add(
        self,
        job: Work,
        folder: Path | None,
        *,
        skip: bool = True,
        urgent: bool = False,
        names: Sequence[str] = (),
        listed: bool = True,
    ) -> int:
        """Put a job at the end of the queue, or of its urgent part; its number.

        Args:
            job: What is asked for. The files that it names are taken as they are now.
            folder: Where its files go. Without one nothing is kept, and only this service works on the job.
            skip: Whether pictures that the folder has already are left as they are.
            urgent: Whether it goes before jobs that are not.
            names: Names of the units' files; by default each gets one when it is done.
            listed: Whether what it makes is noted in the metadata of the folder.

        Raises:
            UsageError: a file that the job names is not there, or is another than it was.
            StoreError: the queue cannot be written.
        """
        owner = self.owner if folder is None else None
        return self.store.add(job.known(), folder, skip=skip, urgent=urgent, names=names, listed=listed, owner=owner)

    def wish(self, number: int, wish: Wish) -> None:
        """Pause a job, let it go on or cancel it; here it is obeyed within a step, elsewhere within a second.

        Raises:
            UsageError: there is no such job.
            StoreError: the queue cannot be written.
        """
        self.store.wish(number, wish)
        self.look_again()

    def look_again(self) -> None:
        """Have the work that runs ask at its next step whether it is still wanted."""
        self._asked.set()

    def _was_asked(self) -> bool:
        asked = self._asked.is_set()
        self._asked.clear()
        return asked

    # Working

    def steps(
        self,
        *,
        numbers: Container[int] | None = None,
        stop: Callable[[], bool] = lambda: False,
        wait: bool = False,
        transfer: Callable[[Transfer], object] = lambda _: None,
        stage: Callable[[int, str], object] = lambda _number, _stage: None,
    ) -> Iterator[Step]:
        """Work through the queue until nothing is left that could be done now.

        Urgent jobs go first: one that is added meanwhile begins when the group that runs is done. A job that is paused
        stands as it is and goes on from there when it is resumed; meanwhile others are worked on. What a job that is
        cancelled or stopped had reached is kept; should it go on later, the finished picture replaces it.

        Args:
            numbers: The jobs to work on; None for all.
            stop: Asked after every step; when it says True, this ends, and what is not finished waits for another time.
            wait: Whether to wait for jobs that are paused in the middle, when nothing else is left.
            transfer: Told how far the download of a job's model is.
            stage: Told, for a job's number, what is done while it is prepared.

        Raises:
            DeviceLostError: a device has failed; what was on it has failed, the rest waits.
            StoreError: the queue cannot be read or written.
        """
        self._stop = stop
        self._transfer = transfer
        self._stage = stage
        while not stop():
            work = self._next(numbers)
            if work is not None:
                yield from self._pull(work)
            elif (wait and self._paused) or self._busy:
                time.sleep(LOOK_SECONDS)
            else:
                return

    def _next(self, numbers: Container[int] | None) -> Working | None:
        """What to work on now, begun or resumed; None if there is nothing."""
        self.give_back_lost()
        # One that was cancelled ends with what it has, even while nothing else runs.
        ready = (Wish.CANCEL,) if self.hold.is_set() else (Wish.CANCEL, Wish.RUN)
        resumed = next((number for number in self._paused if self.store.wished(number) in ready), None)
        while not (self._stop() or self.hold.is_set()):
            number = self.store.next(self.owner, numbers, but=self._unreadable | self._elsewhere())
            if number is None or number in self._paused:
                break
            try:
                work = self._work(number)
            except UsageError as error:
                # Of another version of ClipDesk, or removed at this moment.
                log.warning("%s", error)
                self._unreadable.add(number)
                continue
            if resumed is not None and not work.stored.urgent:
                break
            self._wishes.turn_to(number)
            # Cancelled in a download: this is to end, or the job is to rest or was cancelled.
            with suppress(Cancelled):
                if work.claim(self.owner, work.prepare(), partial(self._is_first, number, numbers)):
                    return work
        return None if resumed is None else self._works[resumed]

    def _is_first(self, number: int, numbers: Container[int] | None) -> bool:
        """Whether a job that is worked on is still the one to take units of."""
        if self._stop() or self.hold.is_set() or self._wishes() is not Wish.RUN:
            return False
        but = self._unreadable | self._elsewhere() | (self._paused.keys() - {number})
        return self.store.next(self.owner, numbers, but=but) == number

    def _elsewhere(self) -> set[int]:
        """Jobs to be left alone for a moment, since processes of other queues are on their next units."""
        now = time.monotonic()
        self._busy = {number: until for number, until in self._busy.items() if until > now}
        return set(self._busy)

    def give_back_lost(self) -> None:
        """Let units wait again whose work has ended in an error, as when the queue could not be written.

        `steps` does it by itself. To be called where they are pulled.

        Raises:
            StoreError: the queue cannot be written.
        """
        for number, work in list(self._works.items()):
            if work.left and number not in self._paused:
                work.give_back()
                # Begun anew, it finds pictures that are in the folder and that the queue could not be told of.
                self._works.pop(number).settle()

    def _work(self, number: int) -> Working:
        if number not in self._works:
            self._works[number] = Working(self.store.get(number), self.store, self._executor, self._hooks)
        return self._works[number]

    def _pull(self, work: Working) -> Iterator[Step]:
        number = work.stored.number
        self._wishes.turn_to(number)
        events = self._paused.pop(number, None) or work.events()
        yield Step(work.stored, Began())
        for event in events:
            yield Step(work.stored, event)
            if isinstance(event, Progress) and (self.hold.is_set() or self._wishes() is Wish.PAUSE):
                self._paused[number] = events
                work.settle()
                yield Step(work.stored, Paused())
                return
        work.give_back()
        if work.others_are_on_it:
            self._busy[number] = time.monotonic() + _BUSY_SECONDS
        status = work.status()
        if status is None or status.finished:
            self._works.pop(number).settle()
        if status is not None and status.finished:
            yield Step(work.stored, Ended(status))

    def wind_up(self) -> Iterator[Step]:
        """End the jobs that are paused in the middle, when `stop` has said True; what they had reached is kept."""
        for number in list(self._paused):
            yield from self._pull(self._works[number])

    def close(self) -> None:
        """Give back what is not finished, and close the queue's file. To be called where `steps` are pulled."""
        for events in self._paused.values():
            events.close()
        self._paused.clear()
        for work in self._works.values():
            work.settle()
        self._works.clear()
        if self._owner is not None:
            with suppress(StoreError):
                self.store.release(self._owner)
            with suppress(ClipDeskError, OSError):
                self._owner.close()
            self._owner = None
        with self._lock:
            for store in self._stores.values():
                store.close()
            self._stores.clear()
