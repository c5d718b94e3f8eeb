"""The QThread side: opens the model and runs jobs. Imports torch only when it runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThreadPool, Signal, Slot

from clipdesk.errors import ClipDeskError
from clipdesk.paths import log_file

if TYPE_CHECKING:
    from clip.model import CLIP

    from clipdesk.inspector import LayerInspector, LayerNode
    from clipdesk.jobs.job import Job
    from clipdesk.jobs.runner import Progress, Result
    from clipdesk.render.targets import Target

log = logging.getLogger(__name__)

FRAMES_PER_SECOND = 30


@dataclass(frozen=True)
class OpenedModel:
    """A model that is ready: its name, its layers, the side of its input, and the device it is on."""

    name: str
    tree: LayerNode
    input_size: int
    device: str


@dataclass
class Live:
    """What the running job has done since the last look.

    Attributes:
        number: The job's number.
        targets: What is being rendered side by side.
        step: Steps done.
        iterations: Steps in all.
        points: Activations of each step since the last look, (targets,) each.
        images: The newest pictures, (targets, size, size, 3); None if there are no newer ones.
    """

    number: int
    targets: tuple[Target, ...]
    step: int
    iterations: int
    points: list[NDArray[np.float32]]
    images: NDArray[np.uint8] | None = None


class Mailbox:
    """One slot between the threads: the newest pictures replace older ones, so that a slow window never falls behind.

    Activations are few numbers and none is dropped.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._drawn = 0.0

    def post(self, number: int, progress: Progress) -> None:
        """Called by the worker after every step; takes pictures at most 30 times a second, and after the last step."""
        frame = progress.frame
        now = time.monotonic()
        due = now - self._drawn >= 1 / FRAMES_PER_SECOND or frame.step in (1, frame.iterations)
        images = frame.images() if due else None
        if due:
            self._drawn = now
        with self._lock:
            live = self._live
            if live is None or live.number != number or live.targets != progress.targets:
                live = self._live = Live(number, progress.targets, 0, frame.iterations, [])
            live.step = frame.step
            live.points.append(frame.activations)
            live.images = images if images is not None else live.images

    def take(self) -> Live | None:
        """Called by the window: what is new, or None."""
        with self._lock:
            live, self._live = self._live, None
        return live


class Worker(QObject):
    """Lives in its own QThread. Every job ends in exactly one of `finished` and `failed`."""

    opened = Signal(object)
    open_failed = Signal(str)
    finished = Signal(int, object)  # job's number, list of Result; incomplete ones if it was stopped
    failed = Signal(int, str)
    unit_failed = Signal(int, object, str)  # job's number, Target, reason

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = Mailbox()
        self.stop = threading.Event()
        self._model: CLIP | None = None
        self._inspector: LayerInspector | None = None

    @Slot(str)
    def open_model(self, name: str) -> None:
        """Open a model and learn its layers."""
        try:
            from clipdesk.inspector import LayerInspector, input_side
            from clipdesk.models.loading import load_model

            model = load_model(name)
            inspector = LayerInspector(model)
            device = str(next(model.parameters()).device)
            self._model, self._inspector = model, inspector
        except Exception as error:
            self.open_failed.emit(explained(error))
            return
        self.opened.emit(OpenedModel(name, inspector.tree, input_side(model), device))

    @Slot(int, object)
    def run(self, number: int, job: Job) -> None:
        """Render a job; `stop` ends it within one step."""
        try:
            self.finished.emit(number, self._results(number, job))
        except Exception as error:
            self.failed.emit(number, explained(error))

    def _results(self, number: int, job: Job) -> list[Result]:
        from clipdesk.jobs.runner import Failure, Progress, run_job

        if self._model is None:
            raise ClipDeskError("No model is open")
        results: list[Result] = []
        for event in run_job(self._model, job, inspector=self._inspector, stop=self.stop.is_set):
            if isinstance(event, Progress):
                self.mailbox.post(number, event)
            elif isinstance(event, Failure):
                self.unit_failed.emit(number, event.target, event.reason)
            else:
                results.append(event)
        return results


class Saver(QObject):
    """Writes pictures on a thread of Qt's pool, so that neither the window nor a render waits for the disk."""

    saved = Signal(str)
    failed = Signal(str)

    def save(self, pictures: list[tuple[Result, Path]]) -> None:
        """Write PNGs with their recipes; emits `saved` with the last path or their number, or `failed`."""
        QThreadPool.globalInstance().start(self._task(pictures))

    def _task(self, pictures: list[tuple[Result, Path]]) -> Callable[[], None]:
        def write() -> None:
            from clipdesk.export.png import save_png

            try:
                for result, path in pictures:
                    save_png(result.image, path, result.recipe)
            except Exception as error:
                self.failed.emit(explained(error))
                return
            where = pictures[0][1] if len(pictures) == 1 else f"{len(pictures)} pictures in {pictures[0][1].parent}"
            self.saved.emit(f"Saved {where}")

        return write


def explained(error: Exception) -> str:
    """What to tell the user of an error; details of unexpected ones go to the log."""
    if isinstance(error, ClipDeskError):
        return str(error)
    log.error("unexpected", exc_info=error)
    return f"{type(error).__name__}: {error}. Details are in {log_file()}"
