"""FrameRecorder: keeps the steps of a job's pictures, to make animations of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipdesk.export.animation import frame_steps
from clipdesk.jobs.events import Event, Failure, Progress, Result
from clipdesk.jobs.job import Job
from clipdesk.network.opened import OpenModel
from clipdesk.render.targets import Target

MEMORY = 512 * 2**20
"""What the frames of a group may take; more pictures than fit are not rendered side by side."""


class FrameRecorder:
    """The frames of a job's pictures at the steps that an animation shows, until each picture is done.

    Args:
        iterations: Steps of each picture.
    """

    def __init__(self, iterations: int) -> None:
        self._steps = frozenset(frame_steps(iterations))
        self._frames: dict[Target, list[NDArray[np.uint8]]] = {}

    def wanted(self, step: int, _iterations: int) -> bool:
        """Whether an animation shows the pictures of a step."""
        return step in self._steps

    def most(self, job: Job, opened: OpenModel) -> int:
        """How many pictures may be rendered side by side for their frames to fit into the memory."""
        side = (job.settings.image_size or opened.side) * job.settings.grid
        return max(1, MEMORY // (len(self._steps) * side * side * 3))

    def add(self, event: Event) -> None:
        """Keep the pictures of a step, if there are any; a first step is a new beginning, a failure the end."""
        if isinstance(event, Failure):
            self._frames.pop(event.target, None)
        elif isinstance(event, Progress):
            if event.step == 1:
                self._frames.update({target: [] for target in event.targets})
            if event.images is not None and event.step in self._steps:
                for i, target in enumerate(event.targets):
                    self._frames[target].append(event.images[i])

    def take(self, result: Result) -> list[NDArray[np.uint8]]:
        """The frames of a finished picture, (size, size, 3) each; the last one is the picture. They are given up."""
        frames = self._frames.pop(result.target)
        return frames if len(result.curve) in self._steps else [*frames, result.image]
