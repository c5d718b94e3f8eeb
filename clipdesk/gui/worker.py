"""The threads beside the window: one works through the queue, one opens models. Torch is loaded only when they run."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal, Slot

from clipdesk.errors import Cancelled, ClipDeskError
from clipdesk.gui.problems import explained
from clipdesk.jobs.events import Event, Progress
from clipdesk.jobs.service import QueueService, Step
from clipdesk.models.names import ModelName, find_name
from clipdesk.models.trust import UntrustedArchive

if TYPE_CHECKING:
    from collections.abc import Container

    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.jobs.executor import Executor, Hooks, Prepared
    from clipdesk.jobs.here import Here
    from clipdesk.jobs.work import Work
    from clipdesk.models.transfer import Transfer
    from clipdesk.network.layers import LayerNode
    from clipdesk.render.settings import RenderSettings
    from clipdesk.render.targets import Target

log = logging.getLogger(__name__)

FRAMES_PER_SECOND = 30
_NICENESS = 10


@dataclass(frozen=True)
class OpenedModel:
    """A model that is ready, as the panels know it.

    Attributes:
        name: What it was asked for by.
        weights: SHA-256 of its weights.
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


@dataclass
class Live:
    """What the running job has done since the last look.

    Attributes:
        number: The job's number in the queue.
        targets: What is being rendered side by side.
        step: Steps done.
        points: Activations of each step since the last look, (targets,) each.
        penalties: By name, as the points.
        images: The newest pictures, (targets, size, size, 3); None if there are no newer ones.
    """

    number: int
    targets: tuple[Target, ...]
    step: int
    points: list[NDArray[np.float32]]
    penalties: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)
    images: NDArray[np.uint8] | None = None


class Mailbox:
    """One slot between the threads: the newest pictures replace older ones, so that a slow window never falls behind.

    Activations are few numbers and none is dropped.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lives: list[Live] = []
        self._drawn = 0.0

    def wanted(self, step: int, iterations: int) -> bool:
        """Whether the window would show the pictures of a step: 30 times a second, and the first and last step's."""
        due = time.monotonic() - self._drawn >= 1 / FRAMES_PER_SECOND or step in (1, iterations)
        if due:
            self._drawn = time.monotonic()
        return due

    def post(self, number: int, progress: Progress) -> None:
        """Called by the worker after every step."""
        with self._lock:
            live = self._lives[-1] if self._lives else None
            if live is None or live.number != number or live.targets != progress.targets or progress.step == 1:
                live = Live(number, progress.targets, 0, [])
                self._lives.append(live)
            live.step = progress.step
            live.points.append(progress.activations)
            for name, values in progress.penalties.items():
                live.penalties.setdefault(name, []).append(values)
            live.images = progress.images if progress.images is not None else live.images

    def take(self) -> list[Live]:
        """Called by the window: what is new; one for each group that ran since the last look."""
        with self._lock:
            lives, self._lives = self._lives, []
        return lives


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
            from clipdesk.jobs.here import Here

            leave_a_core()
            self._here = Here(wanted=self._wanted)
        return self._here


class Worker(QObject):
    """Lives in its own QThread and works through the queue.

    Args:
        service: The queue.
        mailbox: Where the steps go.

    Signals:
        happened: The number of a job in the queue, and an event other than `Progress`.
        preparing: What a job's model is still to go through.
        rested: There is nothing that could be done now.
        failed: A `Problem` that ended the work; what was on the device is lost if it says so.
        measured: The `RenderSettings` that were measured, their `Cost`, and how many pictures fit side by side.
    """

    happened = Signal(int, object)
    preparing = Signal(str)
    rested = Signal()
    failed = Signal(object)
    measured = Signal(object, object, int)

    def __init__(self, service: QueueService, mailbox: Mailbox, numbers: Container[int]) -> None:
        super().__init__()
        self.stopping = threading.Event()
        self.hurry = threading.Event()
        self._service = service
        self._mailbox = mailbox
        self._numbers = numbers

    @Slot()
    def settle(self) -> None:
        """First thing on the new thread: make way for the window when both want the same core."""
        make_way()

    @Slot()
    def work(self) -> None:
        """Work through the window's jobs, until nothing is left that could be done now."""
        if self.stopping.is_set():
            return
        try:
            for step in self._service.steps(
                numbers=self._numbers,
                stop=self.stopping.is_set,
                transfer=lambda transfer: self.preparing.emit(str(transfer)),
                stage=lambda _number, text: self.preparing.emit(text),
            ):
                self._tell(step)
        except Exception as error:
            self.failed.emit(explained(error))
        self.rested.emit()

    def _tell(self, step: Step) -> None:
        if isinstance(step.event, Progress):
            self._mailbox.post(step.stored.number, step.event)
        else:
            self.happened.emit(step.stored.number, step.event)

    @Slot()
    def finish(self) -> None:
        """Keep what the paused jobs have reached, give back what is not finished, and end the thread."""
        try:
            for step in self._service.wind_up():
                self._tell(step)
        except (ClipDeskError, RuntimeError) as error:
            log.warning("ending the paused jobs: %s", error)
        self._service.close()
        QThread.currentThread().quit()

    @Slot(object, object)
    def measure(self, name: ModelName, settings: RenderSettings) -> None:
        """Find what a render with these settings would take; given up where a job waits."""
        if self.hurry.is_set() or "torch" not in sys.modules:
            return
        from clipdesk.jobs.groups import fitting
        from clipdesk.models.loading import resolve_device
        from clipdesk.network.opened import default_pool
        from clipdesk.render.cost import measure_cost

        try:
            model = default_pool().kept(name)
            if model is None:
                return
            cost = measure_cost(model.network, settings, model.inspector, stop=self.hurry.is_set)
        except ClipDeskError as error:
            log.info("no estimate: %s", error)
            return
        if cost is not None:
            self.measured.emit(settings, cost, fitting(cost.picture_bytes, resolve_device(settings.device)))


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

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = threading.Event()

    @Slot()
    def settle(self) -> None:
        """First thing on the new thread: make way for the window when both want the same core."""
        make_way()

    @Slot(str)
    def open_model(self, name: str) -> None:
        """Open a model and learn its layers; cancelled between two stages, and during a download."""
        try:
            opened = self._open(name)
            if self.cancelled.is_set():
                raise Cancelled
        except Cancelled:
            self.open_cancelled.emit(name)
        except UntrustedArchive as error:
            self.archive_refused.emit(name, error.sha256)
        except Exception as error:
            self.open_failed.emit(name, explained(error))
        else:
            self.opened.emit(opened)

    def _open(self, text: str) -> OpenedModel:
        name = find_name(text)
        self.stage.emit("Loading PyTorch …", None)
        from clipdesk.models.loading import available_devices
        from clipdesk.network.opened import default_pool

        leave_a_core()
        model = default_pool().open(
            name,
            progress=self._show,
            stage=lambda words: self.stage.emit(words, None),
            cancelled=self.cancelled.is_set,
        )
        return OpenedModel(
            name=name,
            weights=model.sha256,
            tree=model.inspector.tree,
            input_size=model.side,
            device=str(model.device),
            devices=tuple(available_devices()),
            activation=model.activation,
            remarks=model.remarks,
        )

    def _show(self, transfer: Transfer) -> None:
        if transfer.share != 1:
            self.stage.emit(str(transfer), transfer.share)


def make_way() -> None:
    """Let the window's thread go before this one, where Linux can do that."""
    if sys.platform.startswith("linux"):
        # Of this thread alone: Linux takes a thread's number here. Threads that it starts inherit it.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def leave_a_core() -> None:
    """One core stays free for the window."""
    import torch

    torch.set_num_threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 2) - 1)))
