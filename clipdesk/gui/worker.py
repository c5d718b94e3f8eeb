"""The QThread side: opens models and runs jobs. Imports torch only when it runs."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal, Slot

from clipdesk.errors import Cancelled, ClipDeskError
from clipdesk.gui.problems import explained
from clipdesk.models.trust import UntrustedArchive

if TYPE_CHECKING:
    import numpy as np
    from clip.model import CLIP
    from numpy.typing import NDArray

    from clipdesk.jobs.job import Job
    from clipdesk.jobs.runner import Event, Progress
    from clipdesk.models.transfer import Transfer
    from clipdesk.network.inspector import LayerInspector
    from clipdesk.network.layers import LayerNode
    from clipdesk.render.settings import RenderSettings
    from clipdesk.render.targets import Target

log = logging.getLogger(__name__)

FRAMES_PER_SECOND = 30
_MODELS_KEPT = 2
_NICENESS = 10


@dataclass(frozen=True)
class OpenedModel:
    """A model that is ready: its name, its layers, the side of its input, the device it is on, and all devices."""

    name: str
    tree: LayerNode
    input_size: int
    device: str
    devices: tuple[str, ...]


class Order(Enum):
    """What the window wants of the running job; looked at after every step."""

    GO = "go"
    PAUSE = "pause"
    STOP = "stop"


@dataclass
class Live:
    """What the running job has done since the last look.

    Attributes:
        number: The job's number.
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

    def post(self, number: int, progress: Progress) -> None:
        """Called by the worker after every step; takes pictures 30 times a second, and of the first and last step."""
        frame = progress.frame
        now = time.monotonic()
        due = now - self._drawn >= 1 / FRAMES_PER_SECOND or frame.step in (1, frame.iterations)
        images = frame.images() if due else None
        if due:
            self._drawn = now
        with self._lock:
            live = self._lives[-1] if self._lives else None
            if live is None or live.number != number or live.targets != progress.targets or frame.step == 1:
                live = Live(number, progress.targets, 0, [])
                self._lives.append(live)
            live.step = frame.step
            live.points.append(frame.activations)
            for name, values in frame.penalties.items():
                live.penalties.setdefault(name, []).append(values)
            live.images = images if images is not None else live.images

    def take(self) -> list[Live]:
        """Called by the window: what is new; one for each group that ran since the last look."""
        with self._lock:
            lives, self._lives = self._lives, []
        return lives


class Worker(QObject):
    """Lives in its own QThread. Every run of a job ends in exactly one `ended`.

    Signals:
        stage: What opening a model does now, and how much of that is done, 0 to 1; None where that is not known.
        preparing: What a job's model is still to go through.
        opened: An `OpenedModel`.
        open_failed: A name and a `Problem`.
        open_cancelled: A name.
        archive_refused: A name, and the checksum by which `models.trust.allow` lets the archive be opened.
        result: A job's number and a `Result`, incomplete if the job was stopped.
        unit_failed: A job's number, a `Target`, and the reason.
        ended: A job's number, how (``done``, ``paused``, ``stopped``, ``failed``), and a `Problem` or None.
        measured: The `RenderSettings` that were measured, and their `Cost`.
    """

    stage = Signal(str, object)
    preparing = Signal(str)
    opened = Signal(object)
    open_failed = Signal(str, object)
    open_cancelled = Signal(str)
    archive_refused = Signal(str, str)
    result = Signal(int, object)
    unit_failed = Signal(int, object, str)
    ended = Signal(int, str, object)
    measured = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = Mailbox()
        self.order = Order.GO
        self.cancel_opening = threading.Event()
        self.hurry = threading.Event()
        self._models: dict[str, tuple[CLIP, LayerInspector]] = {}
        self._paused: dict[int, Iterator[Event]] = {}

    @Slot()
    def settle(self) -> None:
        """First thing on the new thread: make way for the window when both want the same core."""
        if sys.platform.startswith("linux"):
            # Of this thread alone: Linux takes a thread's number here. Threads that it starts inherit it.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

    @Slot(str)
    def open_model(self, name: str) -> None:
        """Open a model and learn its layers; cancelled between two stages, and during a download."""
        try:
            model, inspector = self._model(name, self.stage.emit, self.cancel_opening.is_set)
            from clipdesk.models.loading import available_devices
            from clipdesk.network.inspector import input_side

            device = str(next(model.parameters()).device)
            opened = OpenedModel(name, inspector.tree, input_side(model), device, tuple(available_devices()))
            _check(self.cancel_opening.is_set)
        except Cancelled:
            self.open_cancelled.emit(name)
        except UntrustedArchive as error:
            self.archive_refused.emit(name, error.sha256)
        except Exception as error:
            self.open_failed.emit(name, explained(error))
        else:
            self.opened.emit(opened)

    def _model(
        self, name: str, say: Callable[[str, float | None], object], cancelled: Callable[[], bool]
    ) -> tuple[CLIP, LayerInspector]:
        """A model and its inspector: kept ones at once, others from their file, which is downloaded if need be.

        Raises:
            Cancelled: `cancelled` said so.
        """
        if name in self._models:
            return self._models[name]
        say("Loading PyTorch …", None)
        from clipdesk.models.loading import load_model
        from clipdesk.network.inspector import LayerInspector

        def show(transfer: Transfer) -> None:
            if transfer.share == 1:
                say(f"Opening {name} …", None)
            else:
                say(str(transfer), transfer.share)

        self._leave_a_core()
        _check(cancelled)
        say(f"Opening {name} …", None)
        model = load_model(name, progress=show, cancelled=cancelled)
        _check(cancelled)
        say("Learning its layers …", None)
        inspector = LayerInspector(model)
        while len(self._models) >= _MODELS_KEPT:
            del self._models[next(iter(self._models))]
        self._models[name] = model, inspector
        return model, inspector

    @staticmethod
    def _leave_a_core() -> None:
        """One core stays free for the window."""
        import torch

        torch.set_num_threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 2) - 1)))

    @Slot(int, object)
    def run(self, number: int, job: Job | None) -> None:
        """Render a job, or go on with a paused one; `order` ends it within one step."""
        try:
            events = self._paused.pop(number, None) or self._events(job)
            outcome = self._pull(number, events)
        except Cancelled:
            # While its model was opened; there is nothing to keep.
            self.ended.emit(number, "paused" if self.order is Order.PAUSE else "stopped", None)
            return
        except Exception as error:
            self.ended.emit(number, "failed", explained(error))
            return
        if outcome == "paused":
            self._paused[number] = events
        self.ended.emit(number, outcome, None)

    def _events(self, job: Job | None) -> Iterator[Event]:
        from clipdesk.jobs.runner import run_job

        if job is None:
            return iter(())
        model, inspector = self._model(
            job.model, lambda text, _: self.preparing.emit(text), lambda: self.order is not Order.GO
        )
        return run_job(model, job, inspector=inspector, stop=lambda: self.order is Order.STOP)

    def _pull(self, number: int, events: Iterator[Event]) -> str:
        from clipdesk.jobs.runner import Failure, Progress

        for event in events:
            if isinstance(event, Progress):
                self.mailbox.post(number, event)
                if self.order is Order.PAUSE:
                    return "paused"
            elif isinstance(event, Failure):
                self.unit_failed.emit(number, event.target, event.reason)
            else:
                self.result.emit(number, event)
        return "stopped" if self.order is Order.STOP else "done"

    @Slot()
    def finish(self) -> None:
        """Give back what the paused jobs have reached, and end the thread."""
        self.order = Order.STOP
        for number in list(self._paused):
            self.run(number, None)
        QThread.currentThread().quit()

    @Slot(str, object)
    def measure(self, name: str, settings: RenderSettings) -> None:
        """Find what a render with these settings would take; given up where a job waits."""
        if name not in self._models or self.hurry.is_set():
            return
        from clipdesk.render.cost import measure_cost

        model, inspector = self._models[name]
        try:
            cost = measure_cost(model, settings, inspector, stop=self.hurry.is_set)
        except ClipDeskError as error:
            log.info("no estimate: %s", error)
            return
        if cost is not None:
            self.measured.emit(settings, cost)


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled
