"""Making surveys, comparisons and sparse autoencoders in the window: jobs of the queue, each on a thread of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.gui.background import Background
from clipdesk.gui.problems import Problem
from clipdesk.gui.worker import LazyHere, make_way
from clipdesk.jobs.events import Done, Ended, Failure, Paused, Progress
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.set_work import SurveyWork
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import default_store
from clipdesk.jobs.whole import WholeWork
from clipdesk.paths import surveys_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from clipdesk.jobs.events import Event
    from clipdesk.jobs.stored import StoredJob

_LOOK_SECONDS = 1.0
_OPEN = (Status.RUNNING, Status.WAITING)
_ELSEWHERE = "another window or a command is making it …"

State = Literal["preparing", "running", "paused", "left", "failed"]
"""``left``: an earlier window, or another program, has not finished it."""


@dataclass(frozen=True)
class Making:
    """How far a survey, a comparison or a training is.

    Attributes:
        job: What is made.
        state: What is done now.
        share: How much of it is done, 0 to 1.
        seconds_left: None where it is not known yet.
        words: What is done while it is prepared, or why it failed.
    """

    job: WholeWork
    state: State = "preparing"
    share: float = 0.0
    seconds_left: float | None = None
    words: str = ""


class Surveyor(QObject):
    """Makes one survey, one comparison or one sparse autoencoder at a time.

    Args:
        parent: Owns it.
        kind: Which of them it makes.
        folder: Says where they are kept.

    Attributes:
        making: The one that is made, or was left; None if there is none.

    Signals:
        changed: `making` is another.
        numbered: The number that it has in the queue, before it begins.
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
        self._stopping = threading.Event()
        self._begun = 0.0, 0.0
        self._made_folder = ""
        self._worker = Background(self)
        self._asker = Background(self)
        for background in (self._worker, self._asker):
            background.failed.connect(self.failed)
        self._told.connect(self._take)
        # Of the queue; from here on: on the threads only.
        self._number: int | None = None
        self._service: QueueService | None = None

    @property
    def busy(self) -> bool:
        """Whether one is on its way."""
        return self.making is not None and self.making.state in ("preparing", "running", "paused")

    # What the window asks

    def look(self, weights: str | None) -> None:
        """Find one of these weights that was left unfinished, if none is made at the moment."""

        def find() -> None:
            service = self._opened()
            for stored in service.store.unfinished():
                job = stored.job
                if isinstance(job, self._kind) and job.weights == weights and not stored.counts.get("running"):
                    self._told.emit(Making(job, "left"))
                    return
            self._told.emit(None)

        if not self.busy:
            self._worker.start(find)

    def begin(self, job: WholeWork) -> None:
        """Make it, from where an earlier one of the same stands."""
        if self.busy:
            return
        self._show(Making(job))

        def work() -> None:
            service = self._opened()
            self._number = self._stored(service, job)
            self.numbered.emit(self._number)
            self._go_on()

        self._worker.start(work)

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
            if go_on:
                self._worker.start(self._go_on)

        self._asker.start(ask)

    def close(self, timeout_ms: int = 20_000) -> bool:
        """Stop, keep what was found, and wait until it is written; False if the thread is stuck."""
        self._stopping.set()
        asked = self._asker.wait(timeout_ms)

        def end() -> None:
            if self._service is not None:
                list(self._service.wind_up())
                self._service.close()

        self._worker.start(end, urgent=False)
        return self._worker.wait(timeout_ms) and asked

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

    def _go_on(self) -> None:
        service, number = self._service, self._number
        if service is None or number is None:
            return
        make_way()
        worked = self._work(service, number)
        # Another window or a command may be at it: what it makes is this one's, and it may die before it is done.
        while (status := self._status(service, number)) in _OPEN and not self._stopping.is_set():
            self._told.emit(_ELSEWHERE)
            self._stopping.wait(_LOOK_SECONDS)
            service.store.free_the_dead()
            worked = self._work(service, number)
        if not worked and not self._stopping.is_set():
            self._tell_end(service, number, status)

    @staticmethod
    def _status(service: QueueService, number: int) -> Status:
        row = service.store.row(number)
        return Status.CANCELLED if row is None else row.status

    def _work(self, service: QueueService, number: int) -> bool:
        """Do what can be done of it now; whether that was anything."""
        worked = False
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
            self._told.emit(Paused())
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
    def _take(self, news: Event | Making | str | None) -> None:
        making = self.making
        if news is None or isinstance(news, Making):
            if not self.busy:
                self._show(news)
        elif making is None:
            return
        elif isinstance(news, str):
            self._show(replace(making, words=news))
        elif isinstance(news, Progress):
            self._progressed(making, news.step / news.iterations)
        elif isinstance(news, Paused):
            self._show(replace(making, state="paused", seconds_left=None))
        elif isinstance(news, Failure):
            self._show(replace(making, state="failed", words=news.reason))
        elif isinstance(news, Done):
            self._made_folder = news.file
        elif isinstance(news, Ended):
            self._ended(making, news.status)

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
