"""What the running job does, on its way from the render thread to the window."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.gui.runs import Run
    from clipdesk.jobs.events import Progress
    from clipdesk.render.targets import Target

FRAMES_PER_SECOND = 30


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


def take_in(run: Run, live: Live) -> None:
    """Note in a run what the worker has done."""
    if live.points and live.step == len(live.points):
        for target in live.targets:
            run.track(target).clear()
    run.advance(live.targets, live.step, len(live.points) * len(live.targets))
    for i, target in enumerate(live.targets):
        track = run.track(target)
        for point in live.points:
            track.curve.append(float(point[i]))
        for name, rows in live.penalties.items():
            series = track.penalties.setdefault(name, type(track.curve)())
            for row in rows:
                series.append(float(row[i]))
        if live.images is not None:
            track.frames.add(live.step, live.images[i])
