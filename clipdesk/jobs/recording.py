"""Keeping the steps of a job's pictures, to make animations of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import nn

from clipdesk.export.animation import frame_steps
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import Event, Failure, Progress, Result, usual_group
from clipdesk.network.inspector import LayerInspector, input_side
from clipdesk.render.targets import Target

MEMORY = 512 * 2**20
"""What the frames of a group may take; more pictures than fit are not rendered side by side."""


class Recording:
    """The frames of a job's pictures at the steps that an animation shows, until each picture is done.

    Attributes:
        group_size: Pictures to render side by side, for `run_job`.

    Raises:
        ClipDeskError: the device is not there.
    """

    def __init__(self, model: nn.Module, inspector: LayerInspector, job: Job) -> None:
        self._steps = frozenset(frame_steps(job.settings.iterations))
        side = (job.settings.image_size or input_side(model)) * job.settings.grid
        fitting = MEMORY // (len(self._steps) * side * side * 3)
        self.group_size = max(1, min(usual_group(model, inspector, job), fitting))
        self._frames: dict[Target, list[NDArray[np.uint8]]] = {}

    def add(self, event: Event) -> None:
        """Keep the pictures of a step, if it is one of those; a first step is a new beginning, a failure the end."""
        if isinstance(event, Failure):
            self._frames.pop(event.target, None)
        elif isinstance(event, Progress):
            if event.frame.step == 1:
                self._frames.update({target: [] for target in event.targets})
            if event.frame.step in self._steps:
                images = event.frame.images()
                for i, target in enumerate(event.targets):
                    self._frames[target].append(images[i])

    def take(self, result: Result) -> list[NDArray[np.uint8]]:
        """The frames of a finished picture, (size, size, 3) each; the last one is the picture. They are given up."""
        frames = self._frames.pop(result.target)
        return frames if len(result.curve) in self._steps else [*frames, result.image]
