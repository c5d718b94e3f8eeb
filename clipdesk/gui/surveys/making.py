"""Making surveys, comparisons and sparse autoencoders from the window, as jobs of the queue.

What the window makes itself is made on a thread of its own. Surveys are left to a head where the user wants that.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.errors import first_line
from clipdesk.gui.background import Background
from clipdesk.gui.problems import Problem
from clipdesk.gui.surveys.state import AtHead, Making, jobs_of, place_of
from clipdesk.gui.worker import LazyHere, make_way
from clipdesk.jobs.events import Done, Ended, Failure, Halted, Paused, Progress
from clipdesk.jobs.heads import look_at_heads
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.set_work import SurveyWork
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import default_store
from clipdesk.paths import surveys_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from clipdesk.jobs.events import Event
    from clipdesk.jobs.heads import Head
    from clipdesk.jobs.stored import StoredJob
    from clipdesk.jobs.whole import WholeWork

_LOOK_SECONDS = 1.0
_OPEN = (Status.RUNNING, Status.WAITING)
_ELSEWHERE = "another window or a command is making it …"


class Surveyor(QObject):
    """Makes one survey, one comparison or one sparse autoencoder at a time.

    Args:
        parent: Owns it.
        kind: Which of them it makes.
        folder: Says where they are kept.

    Attributes:
        making: The one that is made, or was left; None if there is none.
        looked: Whether it is known if one was left; see `look`.
        place: Where what workers can share is made, as ``--on`` has it; empty for this window.

    Signals:
        changed: `making` is another.
        numbered: The number that it has in the queue, before this window begins it.
        made: The `WholeWork` of one that is finished, and the name of its folder.
        failed: A `Problem`.
    """

    changed = Signal()
    numbered = Signal(int)
    made = Signal(object, str)
    failed = Signal(object)
    _told = Signal(object)

    def __init__(
        self,
        parent: QObject | None = None,
        kind: type[WholeWork] = SurveyWork,
        folder: Callable[[], Path] = surveys_folder,
    ) -> None:
        super().__init__(parent)
        self._kind, self._folder = kind, folder
        self.making: Making | None = None
        self.looked = False
        self.place = ""
        # Why there are no workers.
        self._problem = ""
        self._at_heads: dict[int, AtHead] = {}
        self._stopping, self._wake = threading.Event(), threading.Event()
        self._begun = 0.0, 0.0
        self._made_folder = ""
        self._worker = Background(self)
        self._asker = Background(self)
        for background in (self._worker, self._asker):
            background.failed.connect(self.failed)
        self._told.connect(self._take)
        # Whether a head is to make it, which the thread looks up before it begins.
        self._leave = False
        # Of the queue; from here on: on the threads only.
        self._number: int | None = None
        self._service: QueueService | None = None

    @property
    def busy(self) -> bool:
        """Whether one is on its way."""
        return self.making is not None and self.making.state in ("waiting", "preparing", "running", "paused")

    @property
    def waits(self) -> bool:
        """Whether one waits for workers."""
        return self.making is not None and self.making.state == "waiting"

    # What the window asks

    def look(self, weights: str | None) -> None:
        """Find one of these weights that was left unfinished or that a head makes, if none is made at the moment."""

        def find() -> None:
            service = self._opened()
            heads = look_at_heads(default_store())
            for stored in service.store.unfinished():
                job = stored.job
                if not isinstance(job, self._kind) or job.weights != weights:
                    continue
                if place := place_of(stored, heads):
                    self._told.emit(Making(job, "waiting", place=place, number=stored.number))
                    return
                if not stored.counts.get("running"):
                    self._told.emit(Making(job, "left", number=stored.number))
                    return
            self._told.emit(None)

        if not self.busy:
            self.looked = False
            self._worker.start(find)

    def begin(self, job: WholeWork) -> None:
        """Make it, from where an earlier one of the same stands; a head does where the user wants that."""
        if self.busy:
            return
        place = self.place if job.for_workers else ""
        self._leave = bool(place)
        self._show(Making(job, "waiting" if place else "preparing", place=place, words=self._problem if place else ""))

        def work() -> None:
            service = self._opened()
            self._number = self._stored(service, job)
            self._told.emit(self._number)
            if not self._leave:
                self.numbered.emit(self._number)
            self._go_on()

        self._make(work)

    def move(self, place: str) -> None:
        """Make at a place what is begun from now on, and what workers have not begun; see `place`."""
        self.place = place
        making = self.making
        if making is None or not (self.busy and making.place):
            return
        self._leave = bool(place)
        if making.state == "waiting":
            if not place and making.number is not None:
                self.numbered.emit(making.number)
            self._show(replace(making, state="waiting" if place else "preparing", place=place, words=""))
        self._wake.set()

    def show_heads(self, heads: Sequence[Head]) -> None:
        """Show what heads say of it."""
        self._at_heads = jobs_of(heads)
        making = self.making
        if making is None or making.number not in self._at_heads:
            return
        if making.state == "left":
            # A head that was started for something else has taken it up.
            self.begin(making.job)
        elif self.busy and making.state != "paused":
            self._show_at_head(making)

    def explain(self, problem: str) -> None:
        """Say why there are no workers; empty where there is nothing to say."""
        self._problem = problem
        if self.making is not None and self.making.state == "waiting" and self.making.words != problem:
            self._show(replace(self.making, words=problem))

    @Slot()
    def pause(self) -> None:
        """Pause it; it keeps what it has."""
        self._ask(Wish.PAUSE)

    @Slot()
    def resume(self) -> None:
        """Let a paused one, or one that was left, go on."""
        if self.making is not None and self.making.state in ("left", "failed"):
            self.begin(self.making.job)
            return
        self._ask(Wish.RUN, go_on=True)

    @Slot()
    def cancel(self) -> None:
        """Give it up; what it has found is kept, should it be asked for again."""
        if self.making is not None and self.making.state in ("left", "failed"):
            job = self.making.job

            def give_up() -> None:
                service = self._opened()
                # What an error has left in hand would look as if somebody were at it.
                service.give_back_lost()
                for stored in service.store.unfinished():
                    if _same(stored, job):
                        service.wish(stored.number, Wish.CANCEL)

            self._show(None)
            self._worker.start(give_up)
            return
        self._ask(Wish.CANCEL, go_on=self.making is not None and self.making.state == "paused")

    def _ask(self, wish: Wish, *, go_on: bool = False) -> None:
        def ask() -> None:
            if self._service is not None and self._number is not None:
                self._service.wish(self._number, wish)
            self._wake.set()
            if go_on:
                self._make(self._go_on)

        self._asker.start(ask)

    def close(self, timeout_ms: int = 20_000) -> bool:
        """Stop, keep what was found, and wait until it is written; False if the thread is stuck.

        What a head makes goes on.
        """
        self._stopping.set()
        self._wake.set()
        asked = self._asker.wait(timeout_ms)

        def end() -> None:
            if self._service is not None:
                list(self._service.wind_up())
                self._service.close()

        self._worker.start(end, urgent=False)
        return self._worker.wait(timeout_ms) and asked

    def _make(self, work: Callable[[], object]) -> None:
        """Have the worker make it. An error that nobody has told of ends it: it has failed, and can be tried again."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                self._told.emit(Failure(None, first_line(error)))
                raise

        self._worker.start(guarded)

    # On the worker's thread

    def _opened(self) -> QueueService:
        if self._service is None:
            self._service = QueueService(default_store(), LazyHere(lambda _done, _step: False), fallback=True)
            _ = self._service.store
            if self._service.notice:
                # Nobody else is told of it: the first to open a damaged queue rescues what is in it.
                self.failed.emit(Problem(self._service.notice))
        return self._service

    def _stored(self, service: QueueService, job: WholeWork) -> int:
        """The number of a job in the queue; of one that was left, if it asks for the same."""
        folder = self._folder()
        left = service.store.again(job, folder)
        return service.add(job, folder) if left is None else left

    def _follow(self, number: int) -> None:
        """Tell what becomes of one that an earlier window has left to a head."""
        self._number = number
        self._go_on()

    def _go_on(self) -> None:
        service, number = self._service, self._number
        if service is None or number is None:
            return
        make_way()
        worked = self._work(service, number)
        # Another window or a command may be at it: what it makes is this one's, and it may die before it is done.
        while (status := self._status(service, number)) in _OPEN and not self._stopping.is_set():
            self._told.emit(status)
            self._wake.wait(_LOOK_SECONDS)
            self._wake.clear()
            service.store.free_the_dead()
            worked = self._work(service, number)
        if not worked and not self._stopping.is_set():
            self._tell_end(service, number, status)

    @staticmethod
    def _status(service: QueueService, number: int) -> Status:
        row = service.store.row(number)
        return Status.CANCELLED if row is None else row.status

    def _work(self, service: QueueService, number: int) -> bool:
        """Do what can be done of it now and here; whether that was anything."""
        worked = False
        if self._leave:
            return worked
        for step in service.steps(
            numbers={number},
            stop=self._stopping.is_set,
            transfer=lambda transfer: self._told.emit(str(transfer)),
            stage=lambda _number, words: self._told.emit(words),
        ):
            worked = True
            self._told.emit(step.event)
        return worked

    def _tell_end(self, service: QueueService, number: int, status: Status) -> None:
        """Tell what has become of it where others have made it."""
        if status is Status.PAUSED:
            row = service.store.row(number)
            self._told.emit(Halted(row.reason) if row is not None and row.reason else Paused())
            return
        if status is Status.FAILED:
            for unit in service.store.units(number):
                self._told.emit(Failure(unit.position, unit.reason))
        if status is Status.DONE:
            for unit in service.store.units(number):
                self._told.emit(Done(unit.position, unit.file))
        self._told.emit(Ended(status))

    # On the window's thread

    @Slot(object)
    def _take(self, news: Event | Making | Status | str | int | None) -> None:
        making = self.making
        if news is None or isinstance(news, Making):
            self.looked = True
            if not self.busy:
                self._found(news)
        elif making is None:
            return
        elif isinstance(news, int):
            self._show(replace(making, number=news))
        elif isinstance(news, str):
            self._show(replace(making, words=news))
        elif isinstance(news, Status):
            self._is_open(making, news)
        elif isinstance(news, Progress):
            self._progressed(replace(making, place=""), news.step / news.iterations)
        elif isinstance(news, Paused):
            self._show(replace(making, state="paused", seconds_left=None, words=""))
        elif isinstance(news, Halted):
            self._show(replace(making, state="paused", seconds_left=None, words=news.reason))
        elif isinstance(news, Failure):
            self._show(replace(making, state="failed", words=news.reason))
        elif isinstance(news, Done):
            self._made_folder = news.file
        elif isinstance(news, Ended):
            self._ended(making, news.status)

    def _found(self, making: Making | None) -> None:
        """One was left unfinished; or a head makes it, which is followed."""
        self._show(making)
        if making is not None and making.number is not None and making.state == "waiting":
            number, self._leave = making.number, True
            self._make(lambda: self._follow(number))
            if number in self._at_heads:
                self._show_at_head(making)

    def _is_open(self, making: Making, status: Status) -> None:
        """It waits, or others are at it."""
        if making.number in self._at_heads:
            self._show_at_head(making)
        elif status is Status.RUNNING:
            begun = making if making.state == "running" else replace(making, state="preparing")
            # A head that was waited for says more within a second.
            self._show(replace(begun, words="" if making.place else _ELSEWHERE))
        elif not self._leave:
            self._show(replace(making, state="preparing", place="", words=""))
        elif making.state != "waiting":
            waits = replace(making, state="waiting", place=self.place or making.place, seconds_left=None)
            self._show(replace(waits, words=self._problem))

    def _show_at_head(self, making: Making) -> None:
        """Show how far a head says that it is."""
        there = self._at_heads.get(making.number or 0)
        if there is None or (making.state == "running" and not making.place):
            # A moment ago; it is made here now.
            return
        making = replace(making, place=there.place)
        if there.reached.share and (making.state != "running" or making.share != there.reached.share):
            # Pictures come many at once: what was told before makes no other estimate.
            self._progressed(making, there.reached.share)
        elif making.state != "running":
            self._show(replace(making, state="preparing", words=there.reached.stage))

    def _progressed(self, making: Making, share: float) -> None:
        now = time.monotonic()
        if making.state != "running":
            self._begun = now, share
        since, first = self._begun
        left = (now - since) / (share - first) * (1 - share) if share > first else None
        self._show(replace(making, state="running", share=share, seconds_left=left, words=""))

    def _ended(self, making: Making, status: Status) -> None:
        if status is not Status.FAILED:
            self._show(None)
        if status is Status.DONE:
            self.made.emit(making.job, self._made_folder)

    def _show(self, making: Making | None) -> None:
        self.making = making
        self.changed.emit()


def _same(stored: StoredJob, job: WholeWork) -> bool:
    """Whether a job of the queue asks for the same, and nobody is at it."""
    return stored.job == job and not stored.counts.get("running")
