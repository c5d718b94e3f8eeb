"""The threads beside the window: one works through the queue, one opens models. Torch is loaded only when they run."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal, Slot

from clipdesk.errors import Cancelled, ClipDeskError
from clipdesk.gui.live import Mailbox
from clipdesk.gui.problems import explained
from clipdesk.jobs.events import Event, Progress, Result, Saved, Skipped
from clipdesk.jobs.service import QueueService, Step
from clipdesk.models.names import ModelName, find_name
from clipdesk.models.trust import UntrustedArchive

if TYPE_CHECKING:
    from collections.abc import Container

    from clipdesk.jobs.executor import Executor, Hooks, Prepared
    from clipdesk.jobs.here import Here
    from clipdesk.jobs.work import Work
    from clipdesk.models.transfer import Transfer
    from clipdesk.network.layers import LayerNode
    from clipdesk.render.settings import RenderSettings

log = logging.getLogger(__name__)

_NICENESS = 10


@dataclass(frozen=True)
class OpenedModel:
    """A model that is ready, as the panels know it.

    Attributes:
        name: What it was asked for by.
        weights: SHA-256 of its weights.
        plain: That without sparse autoencoders; None where it has none.
        tree: Its layers.
        input_size: Side of its input, in pixels.
        device: The device it is on.
        devices: All devices of this machine.
        activation: The rectifier of its vision tower.
        remarks: How its checkpoint was read, a sentence each.
    """

    name: ModelName
    weights: str | None
    tree: LayerNode
    input_size: int
    device: str
    devices: tuple[str, ...]
    activation: str = ""
    remarks: tuple[str, ...] = ()
    plain: str | None = None


class LazyHere:
    """`jobs.here.Here`, which loads torch, made when there is work for it."""

    def __init__(self, wanted: Callable[[int, int], bool]) -> None:
        self._wanted = wanted
        self._here: Here | None = None

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`."""
        hooks.stage("Loading PyTorch …")
        return self._made().prepare(job, hooks)

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """As `Executor.run`."""
        return self._made().run(job, hooks)

    def _made(self) -> Executor:
        if self._here is None:
            from clipdesk.gui.computing import here

            self._here = here(self._wanted)
        return self._here


class Worker(QObject):
    """Lives in its own QThread and works through the queue.

    Args:
        service: The queue.
        mailbox: Where the steps go.
        numbers: The jobs to work on, by their numbers in the queue.
        made_here: Is told the names of the pictures that are made here, by the number of their job.

    Attributes:
        stopping: Set for good when the window closes: what runs ends after its step.
        hurry: Set while there is work: what is being measured is given up.
        called: Set while a call of `work` is on its way.

    Signals:
        happened: The number of a job in the queue, and an event other than `Progress`.
        result: The number of a job in the queue, and a `Result` that has come of it, whole or not.
        preparing: The number of a job in the queue, and what is done before it can begin, in words.
        opened: The `OpenedModel` that the window has from now on.
        rested: There is nothing that could be done now.
        failed: A `Problem` that ended the work; what was on the device is lost if it says so.
        measured: The name of the model and the `RenderSettings` that were measured, their `Cost`, and how many pictures
            fit side by side.
    """

    happened = Signal(int, object)
    result = Signal(int, object)
    preparing = Signal(int, str)
    opened = Signal(object)
    rested = Signal()
    failed = Signal(object)
    measured = Signal(object, object, object, int)

    def __init__(
        self, service: QueueService, mailbox: Mailbox, numbers: Container[int], made_here: dict[int, set[str]]
    ) -> None:
        super().__init__()
        self._made_here = made_here
        self.stopping = threading.Event()
        self.hurry = threading.Event()
        self.called = threading.Event()
        self._service = service
        self._mailbox = mailbox
        self._numbers = numbers
        self._prepared = 0
        self._lost = False

    @Slot()
    def settle(self) -> None:
        """First thing on the new thread: make way for the window when both want the same core."""
        make_way()

    @Slot()
    def work(self) -> None:
        """Work through the window's jobs, until nothing is left that could be done now."""
        self.called.clear()
        if self.stopping.is_set() or self._lost:
            return
        try:
            for step in self._service.steps(
                numbers=self._numbers,
                stop=self.stopping.is_set,
                transfer=lambda transfer: self.preparing.emit(self._prepared, str(transfer)),
                stage=self._stage,
            ):
                self._tell(step)
        except Exception as error:
            problem = explained(error)
            # What waits is left to the next start: on a device that has failed it would fail as well.
            self._lost = problem.device_lost
            self.failed.emit(problem)
        self.rested.emit()

    def _stage(self, number: int, text: str) -> None:
        self._prepared = number
        self.preparing.emit(number, text)

    def _tell(self, step: Step) -> None:
        number, event = step.stored.number, step.event
        if isinstance(event, Progress):
            self._mailbox.post(number, event)
            return
        if isinstance(event, Skipped) or (isinstance(event, Saved) and event.result.complete):
            self._made_here.setdefault(number, set()).add(event.path.name)
        if isinstance(event, Saved | Result):
            self.result.emit(number, event.result if isinstance(event, Saved) else event)
        self.happened.emit(number, event)

    @Slot(bool)
    def finish(self, close: bool) -> None:
        """Keep what the paused jobs have reached, give back what is not finished, and end the thread.

        Args:
            close: Whether to close the queue's file; another thread that still waits for it must not lose it.
        """
        try:
            for step in self._service.wind_up():
                self._tell(step)
        except (ClipDeskError, RuntimeError) as error:
            log.warning("ending the paused jobs: %s", error)
        if close:
            self._service.close()
        QThread.currentThread().quit()

    @Slot(object, object)
    def measure(self, name: ModelName, settings: RenderSettings) -> None:
        """Find what a render with these settings would take; given up where a job waits."""
        if self.hurry.is_set() or "torch" not in sys.modules:
            return
        from clipdesk.gui.computing import measured

        try:
            found = measured(name, settings, self.hurry.is_set)
        except ClipDeskError as error:
            log.info("no estimate: %s", error)
            return
        if found is not None:
            self.measured.emit(name, settings, *found)


class Opener(QObject):
    """Lives in its own QThread and opens models, whatever is rendered meanwhile.

    Signals:
        stage: What opening a model does now, and how much of that is done, 0 to 1; None where that is not known.
        opened: An `OpenedModel`.
        open_failed: A name and a `Problem`.
        open_cancelled: A name.
        archive_refused: A name, and the checksum by which `models.trust.allow` lets the archive be opened.
    """

    stage = Signal(str, object)
    opened = Signal(object)
    open_failed = Signal(str, object)
    open_cancelled = Signal(str)
    archive_refused = Signal(str, str)

    @Slot()
    def settle(self) -> None:
        """First thing on the new thread: make way for the window when both want the same core."""
        make_way()

    @Slot(str, object)
    def open_model(self, name: str, cancelled: threading.Event) -> None:
        """Open a model and learn its layers.

        Args:
            name: Its name or file.
            cancelled: Set to give that up, between two stages and during a download.
        """
        try:
            opened = self._open(name, cancelled.is_set)
            if cancelled.is_set():
                raise Cancelled
        except Cancelled:
            self.open_cancelled.emit(name)
        except UntrustedArchive as error:
            self.archive_refused.emit(name, error.sha256)
        except Exception as error:
            self.open_failed.emit(name, explained(error))
        else:
            self.opened.emit(opened)

    def _open(self, text: str, cancelled: Callable[[], bool]) -> OpenedModel:
        name = find_name(text)
        self.stage.emit("Loading PyTorch …", None)
        from clipdesk.gui.computing import devices, open_model

        model = open_model(name, self._show, lambda words: self.stage.emit(words, None), cancelled)
        return OpenedModel(
            name=name,
            weights=model.sha256,
            tree=model.inspector.tree,
            input_size=model.side,
            device=str(model.device),
            devices=devices(),
            activation=model.activation,
            remarks=model.remarks,
            plain=model.plain,
        )

    def _show(self, transfer: Transfer) -> None:
        if transfer.share != 1:
            self.stage.emit(str(transfer), transfer.share)


def make_way() -> None:
    """Let the window's thread go before this one, where Linux can do that."""
    if sys.platform.startswith("linux"):
        # Of this thread alone: Linux takes a thread's number here. Threads that it starts inherit it.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
