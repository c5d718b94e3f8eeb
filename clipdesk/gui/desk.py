"""QueueDesk: what the window asks of the queue, and what it hears of it, on a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from clipdesk.export.files import clear_partials
from clipdesk.gui.background import Background
from clipdesk.gui.problems import Problem, explained
from clipdesk.jobs.status import Wish

if TYPE_CHECKING:
    from clipdesk.jobs.job import Job
    from clipdesk.jobs.service import QueueService
    from clipdesk.jobs.stored import StoredJob

log = logging.getLogger(__name__)

_LOOK_MS = 1_000
_FREE_EVERY = 5


class QueueDesk(Background):
    """Asks for things in the order in which the window does, and looks once a second what others do.

    Args:
        service: The queue, which the render thread works through.
        parent: Qt's.

    Attributes:
        numbers: The jobs that this window works on, by their numbers in the queue; read by the render thread.

    Signals:
        added: The number of a run, and the number that its job has got in the queue.
        refused: The number of a run whose job could not be put into the queue, and a `Problem`.
        taken: A `StoredJob` that goes on here from now on.
        noted: The number of a job of which `wish` or `retry` is in the queue's file.
        changed: For a job of this window, by its number: its `Status`, and how many units are in which state.
        made: For a job of this window: targets whose pictures others have made, with their files.
        found: How many jobs, and how many pictures, an earlier window left unfinished.
        others: The list of unfinished `StoredJob` that are not this window's, when it has changed.
    """

    added = Signal(int, int)
    refused = Signal(int, object)
    taken = Signal(object)
    noted = Signal(int)
    changed = Signal(int, object, dict)
    made = Signal(int, list)
    found = Signal(int, int)
    others = Signal(list)

    def __init__(self, service: QueueService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.numbers: set[int] = set()
        self._closed = False
        # From here on: on the pool's thread only.
        self._service = service
        self._left: list[StoredJob] = []
        self._known: dict[int, set[int]] = {}
        self._targets: dict[int, Sequence[Hashable]] = {}
        self._folders: dict[int, Path | None] = {}
        self._version: tuple[int, int] | None = None
        self._looks = 0
        self._said = ""
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(lambda: self.start(self._look_around))

    # What the window asks

    def add(self, run: int, job: Job, folder: Path | None, *, urgent: bool) -> None:
        """Put a job into the queue; `added` or `refused` follows."""

        def add() -> None:
            try:
                # Pictures that the folder has are made anew, but those of this job are not made twice.
                number = self._service.add(job, folder, skip=False, urgent=urgent)
            except Exception as error:
                self.refused.emit(run, explained(error))
                return
            self._watch(number, job.targets, folder)
            # First, so that the window has heard of the number before it hears of the work.
            self.added.emit(run, number)
            self.numbers.add(number)

        self.start(add)

    @Slot(int, object)
    def wish(self, number: int, wish: Wish) -> None:
        """Pause a job, let it go on or cancel it, whoever works on it."""

        def ask() -> None:
            try:
                self._service.wish(number, wish)
            finally:
                self.noted.emit(number)

        self.start(ask)
        self._soon()

    def retry(self, number: int, *, everything: bool) -> None:
        """Try what failed or was cancelled again, or make everything anew."""

        def again() -> None:
            store = self._service.store
            try:
                if everything:
                    store.restart(number)
                else:
                    store.retry(number)
                store.move(number, None)
                self._known[number] = set()
                self.numbers.add(number)
            finally:
                self.noted.emit(number)

        self.start(again)
        self._soon()

    def move(self, number: int, before: int | None) -> None:
        """Put a job before another one, or at the end."""
        self.start(lambda: self._service.store.move(number, before))

    def leave(self, number: int, *, cancelled: bool) -> None:
        """A job is not this window's any more; one that has not come to an end is cancelled."""

        def leave() -> None:
            self.numbers.discard(number)
            if cancelled:
                self._service.wish(number, Wish.CANCEL)

        self.start(leave)
        self._soon()

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
                for stored in store.unfinished(but=self.numbers)
                if stored.folder == folder.absolute() and not stored.counts.get("running")
            ]
            if self._left:
                self.found.emit(len(self._left), sum(stored.counts["waiting"] for stored in self._left))

        self.start(find)
        self._timer.start()

    def go_on(self) -> None:
        """Work on what was found in this window."""
        for stored in self._left:
            self.take(stored.number)

    def drop(self) -> None:
        """Cancel what was found."""
        for stored in self._left:
            self.wish(stored.number, Wish.CANCEL)

    @Slot(int)
    def take(self, number: int) -> None:
        """Work on a job of the queue in this window, too."""
        self.start(lambda: self._take(number))
        self._soon()

    def _take(self, number: int) -> None:
        self._service.wish(number, Wish.RUN)
        stored = self._service.store.get(number)
        self._watch(number, stored.job.units, stored.folder)
        self.taken.emit(stored)
        self.numbers.add(number)

    def _watch(self, number: int, targets: Sequence[Hashable], folder: Path | None) -> None:
        self._targets[number] = targets
        self._folders[number] = folder
        self._known[number] = set()

    # What becomes of it

    def _soon(self) -> None:
        """Look around at once, after what was just started."""
        if not self._closed:
            self.start(self._look_around)

    def look_again(self) -> None:
        """Something has become of a job of this window."""
        self._soon()

    def _look_around(self) -> None:
        """On the pool's thread: has something changed in the queue?"""
        store = self._service.store
        if self._service.notice != self._said:
            self._said = self._service.notice
            self.failed.emit(Problem(self._said))
        self._looks += 1
        if self._looks % _FREE_EVERY == 0:
            # A killed process cannot report; look for those that have died.
            store.free_the_dead()
        version = store.version()
        if version == self._version:
            return
        self._version = version
        self.others.emit(store.unfinished(but=self.numbers))
        for number in list(self.numbers):
            row = store.row(number)
            if row is not None:
                self.changed.emit(number, row.status, row.counts)
                if row.counts.get("done", 0) > len(self._known.get(number, ())):
                    self._find_made(number)

    def _find_made(self, number: int) -> None:
        """Tell of the pictures that have come since the last look, whoever made them."""
        known, targets, folder = self._known[number], self._targets[number], self._folders[number]
        units = self._service.store.units(number)
        new = [unit for unit in units if unit.state == "done" and unit.position not in known]
        known.update(unit.position for unit in new)
        if folder is not None:
            self.made.emit(number, [(targets[unit.position], folder / unit.file) for unit in new if unit.file])

    def close(self) -> None:
        """Wait until all that was asked for is noted."""
        self._closed = True
        self._timer.stop()
        self.wait()
