"""QueueDesk: what the window asks of the queue, and what it hears of it, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.files import clear_partials
from clipdesk.gui.background import Background
from clipdesk.gui.problems import Problem, explained
from clipdesk.jobs.heads import look_at_heads
from clipdesk.jobs.status import Status, Wish

if TYPE_CHECKING:
    from clipdesk.jobs.heads import Head
    from clipdesk.jobs.job import Job
    from clipdesk.jobs.service import QueueService
    from clipdesk.jobs.stored import StoredJob

_LOOK_MS = 1_000
_FREE_EVERY = 5


@dataclass
class _Watched:
    """A job of this window.

    Attributes:
        units: Its units, in its order.
        folder: Where its files go; None where they are not kept.
        known: The names of the pictures that this window has made, or of which `made` has told.
    """

    units: Sequence[Hashable]
    folder: Path | None
    known: set[str] = field(default_factory=set)


class QueueDesk(Background):
    """Asks for things in the order in which the window does, and looks once a second what others do.

    Every method returns at once; what is asked for is done on the pool's thread.

    Args:
        service: The queue, which the render thread works through.
        parent: Qt's.

    Attributes:
        numbers: The jobs that the render thread may work on here, by their numbers in the queue. The window adds a job
            when it has heard of its number, so that no event of it can come before.

    Signals:
        added: The number of a run, and the number that its job has got in the queue.
        refused: The number of a run whose job could not be put into the queue, and a `Problem`.
        taken: A `StoredJob` that goes on here from now on.
        noted: The number of a job for which `wish` or `retry` is done, or has failed, which `failed` has said.
        changed: For a job of this window, by its number: its `Status`, how many units are in which state, and why the
            first unit that failed did, if the job has failed, or why it has paused by itself.
        made: For a job of this window: targets whose pictures have been made, here or elsewhere, with their files.
        found: The `StoredJob`s that an earlier window left unfinished.
        elsewhere: A `StoredJob` of an earlier window that a head works on, and the head's place.
        others: The list of unfinished `StoredJob` that are not this window's, when it has changed.
    """

    added = Signal(int, int)
    refused = Signal(int, object)
    taken = Signal(object)
    noted = Signal(int)
    changed = Signal(int, object, dict, str)
    made = Signal(int, list)
    found = Signal(list)
    elsewhere = Signal(object, str)
    others = Signal(list)

    def __init__(self, service: QueueService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.numbers: set[int] = set()
        self.made_here: dict[int, set[str]] = {}
        self._closed = False
        self._looking = threading.Event()
        self._service = service
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self.look_again)
        # From here on: on the pool's thread only.
        self._left: list[StoredJob] = []
        self._watched: dict[int, _Watched] = {}
        self._left_out: set[int] = set()
        self._version: tuple[int, int] | None = None
        self._looks = 0
        self._said = ""

    # What the window asks

    def add(self, run: int, job: Job, folder: Path | None, *, urgent: bool) -> None:
        """Put a job into the queue; `added` or `refused` follows.

        Args:
            run: The run's number, by which the answer is known.
            job: What to render.
            folder: Where its pictures are kept; None to keep none.
            urgent: Whether it goes before jobs that are not.
        """

        def add() -> None:
            try:
                # Pictures that the folder has are made anew, but those of this job are not made twice.
                number = self._service.add(job, folder, skip=False, urgent=urgent)
            except Exception as error:
                self.refused.emit(run, explained(error))
                return
            self._watched[number] = _Watched(job.targets, folder)
            self.added.emit(run, number)

        self.start(add)

    @Slot(int, object)
    def wish(self, number: int, wish: Wish) -> None:
        """Pause a job, let it go on or cancel it, whoever works on it; `noted` follows."""
        self._change(number, lambda: self._service.wish(number, wish))

    def retry(self, number: int, *, everything: bool) -> None:
        """Try what failed or was cancelled again, or make everything anew; `noted` follows."""

        def again() -> None:
            store = self._service.store
            if everything:
                store.restart(number)
            else:
                store.retry(number)
            store.move(number, None)
            self._watched[number].known.clear()

        self._change(number, again)

    def _change(self, number: int, change: Callable[[], object]) -> None:
        def task() -> None:
            try:
                change()
            except Exception:
                # The window may show what was not done.
                self._version = None
                raise
            finally:
                self.noted.emit(number)

        self.start(task)
        self.look_again()

    def put_in_order(self, numbers: Sequence[int]) -> None:
        """Let these jobs come in this order, after all others."""

        def put() -> None:
            for number in numbers:
                self._service.store.move(number, None)

        self.start(put)

    def leave(self, number: int, *, cancelled: bool) -> None:
        """A job is not this window's any more.

        Args:
            number: The job's number.
            cancelled: Whether it is cancelled, as one that has not come to an end.
        """
        self.numbers.discard(number)

        def leave() -> None:
            self._watched.pop(number, None)
            if cancelled:
                self._service.wish(number, Wish.CANCEL)

        self.start(leave)
        self.look_again()

    # What an earlier window has left

    def look(self, folder: Path) -> None:
        """Find what an earlier window has left unfinished for this folder; `found` follows if there is something.

        From now on what other programs do to the queue is noticed.
        """

        def find() -> None:
            clear_partials(folder)
            store = self._service.store
            store.free_the_dead()
            self._left = [
                stored
                for stored in store.unfinished(but=self._watched)
                if stored.folder == folder.absolute() and not stored.counts.get("running")
            ]
            place = next((head.row.place for head in self._heads() if not head.row.only), "")
            if place:
                self._leave_to_head(folder, place)
            elif self._left:
                self.found.emit(list(self._left))

        self.start(find)
        self._timer.start()

    def _heads(self) -> list[Head]:
        path = self._service.store.path
        return [] if path is None else [head for head in look_at_heads(path) if head.alive]

    def _leave_to_head(self, folder: Path, place: str) -> None:
        """Watch the jobs for a folder that a head works on or will; it was started by an earlier window."""
        self._left = []
        for stored in self._service.store.unfinished(but=self._watched):
            if stored.folder == folder.absolute() and stored.job.kind == "render" and not stored.urgent:
                self._watched[stored.number] = _Watched(stored.job.units, stored.folder)
                self.elsewhere.emit(stored, place)

    @Slot()
    def go_on(self) -> None:
        """Work on what was found in this window; what has been removed since then is said, and keeps nothing else."""

        def take() -> None:
            for stored in self._left:
                try:
                    self._take(stored.number)
                except UsageError as error:
                    self.failed.emit(explained(error))

        self.start(take)
        self.look_again()

    @Slot()
    def drop(self) -> None:
        """Cancel what was found."""

        def cancel() -> None:
            for stored in self._left:
                # One that has been removed since then is what the user wants.
                with suppress(UsageError):
                    self._service.wish(stored.number, Wish.CANCEL)

        self.start(cancel)
        self.look_again()

    @Slot(int)
    def take(self, number: int) -> None:
        """Work on a job of the queue in this window, too; `taken` follows."""
        self.start(lambda: self._take(number))
        self.look_again()

    def _take(self, number: int) -> None:
        self._service.wish(number, Wish.RUN)
        stored = self._service.store.get(number)
        self._watched[number] = _Watched(stored.job.units, stored.folder)
        self.taken.emit(stored)

    # What becomes of it

    @Slot()
    def look_again(self) -> None:
        """Look around soon; once, however often it is asked for."""
        if not self._closed and not self._looking.is_set():
            self._looking.set()
            self.start(self._look_around)

    @Slot(int)
    def leave_out(self, number: int) -> None:
        """Tell nothing of a job that another part of this window has in hand."""
        self.start(lambda: self._left_out.add(number))
        self.look_anew()

    def look_anew(self) -> None:
        """Tell again what has become of every job, whether or not something has changed."""

        def forget() -> None:
            self._version = None

        self.start(forget)
        self.look_again()

    def _look_around(self) -> None:
        """On the pool's thread: has something changed in the queue?"""
        self._looking.clear()
        try:
            self._look_at_queue()
        except ClipDeskError as error:
            self._say(str(error))
        else:
            self._say(self._service.notice)

    def _say(self, text: str) -> None:
        """Tell the user, unless that is what was told last: this is tried every second."""
        if text and text != self._said:
            self.failed.emit(Problem(text))
        self._said = text

    def _look_at_queue(self) -> None:
        store = self._service.store
        self._looks += 1
        if self._looks % _FREE_EVERY == 0:
            # A killed process cannot report; look for those that have died.
            store.free_the_dead()
        version = store.version()
        if version == self._version:
            return
        self.others.emit(store.unfinished(but=self._watched.keys() | self._left_out))
        for number, watched in self._watched.items():
            row = store.row(number)
            if row is None:
                continue
            watched.known |= self.made_here.pop(number, set())
            if row.counts.get("done", 0) > len(watched.known):
                # Before the job's end is told, so that a job that is done has all its pictures.
                self._find_made(number, watched)
            reason = self._reason(number) if row.status is Status.FAILED else row.reason
            self.changed.emit(number, row.status, row.counts, reason)
        # Not before: what could not be read is looked at again.
        self._version = version

    def _reason(self, number: int) -> str:
        """Why the first unit that has failed did."""
        return next((unit.reason for unit in self._service.store.units(number) if unit.reason), "")

    def _find_made(self, number: int, watched: _Watched) -> None:
        """Tell of the pictures that others have made since the last look. It reads all units, which may be many."""
        units = self._service.store.units(number)
        new = [unit for unit in units if unit.state == "done" and unit.file not in watched.known]
        watched.known.update(unit.file for unit in new)
        if watched.folder is not None:
            folder = watched.folder
            self.made.emit(number, [(watched.units[unit.position], folder / unit.file) for unit in new if unit.file])

    def close(self, timeout_ms: int) -> bool:
        """Wait until all that was asked for is noted.

        Args:
            timeout_ms: How long at most.

        Returns:
            False if it is not noted by then, as where another program holds the queue.
        """
        self._closed = True
        self._timer.stop()
        return self.wait(timeout_ms)
