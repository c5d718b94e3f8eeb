"""Run a job in groups of pictures that are rendered side by side."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from clipdesk.errors import DeviceLostError, RenderError, UsageError
from clipdesk.export.recipe import Activations, Recipe
from clipdesk.jobs.groups import find_group_size
from clipdesk.jobs.job import Job
from clipdesk.models.loading import resolve_device, weights_sha256
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.precision import precision_of
from clipdesk.render.loop import Frame, render
from clipdesk.render.objectives import check_target
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target
from clipdesk.version import __version__


@dataclass(frozen=True)
class Progress:
    """A group has done a step. The frame's methods are valid until the next event is pulled."""

    targets: tuple[Target, ...]
    frame: Frame


@dataclass(frozen=True)
class Result:
    """A picture.

    Attributes:
        target: What it is to excite.
        settings: How it was made, with its own seed.
        image: uint8, (size, size, 3).
        curve: The objective at each step, under that step's transforms.
        activation: The objective of the picture itself.
        seconds: Time its group took.
        complete: False if the job was stopped before the last step.
        recipe: All of this and what it ran on.
        alpha: How opaque each pixel is, uint8, (size, size); None where all are.
    """

    target: Target
    settings: RenderSettings
    image: NDArray[np.uint8]
    curve: NDArray[np.float32]
    activation: float
    seconds: float
    complete: bool
    recipe: Recipe
    alpha: NDArray[np.uint8] | None = None

    @property
    def saved_image(self) -> NDArray[np.uint8]:
        """What is saved: RGB, or RGBA where transparency was asked for."""
        return self.image if self.alpha is None else np.dstack([self.image, self.alpha])


@dataclass(frozen=True)
class Failure:
    """A target that could not be rendered, and why."""

    target: Target
    settings: RenderSettings
    reason: str


Event = Progress | Result | Failure


def run_job(
    model: nn.Module,
    job: Job,
    *,
    inspector: LayerInspector | None = None,
    group_size: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Render a job's targets: units first, then all others, which usually need more of the model.

    A group that fails is halved and tried again, so that one bad unit fails alone and too large a group finds its size.

    Args:
        model: The job's model, opened.
        job: What to render.
        inspector: The model's inspector, to save tracing it again.
        group_size: Pictures in a group; by default as `usual_group` finds.
        stop: Asked after every step; when it says True, what was reached so far comes as results, and the job ends.

    Yields:
        A `Failure` for each target that is not there; then for each group `Progress` after every step, and a `Result`
        or `Failure` for each of its targets.

    Raises:
        ClipDeskError: the device is not there.
        DeviceLostError: the device has failed; the group that was on it has come as failures, what is left has not.
        UsageError: a file of the settings is not there, or is another than it was.
    """
    job = job.with_files()
    inspector = inspector or LayerInspector(model)
    sound: list[Target] = []
    for target in job.targets:
        problem = problem_with(target, inspector)
        if problem:
            yield Failure(target, job.settings_of(target), problem)
        else:
            sound.append(target)
    size = group_size or usual_group(model, inspector, job)
    groups: deque[tuple[Target, ...]] = deque()
    for units in (True, False):
        targets = tuple(target for target in sound if (target.layer is not None) is units)
        groups.extend(targets[i : i + size] for i in range(0, len(targets), size))
    while groups and not stop():
        group = groups.popleft()
        try:
            yield from _run_group(model, job, group, inspector, stop)
        except DeviceLostError as error:
            # It may be one of these that broke it, so they do not wait for another process; all others may.
            for target in group:
                yield Failure(target, job.settings_of(target), error.reason)
            raise
        except RenderError as error:
            if len(group) == 1:
                yield Failure(group[0], job.settings_of(group[0]), str(error))
            else:
                half = len(group) // 2
                groups.extendleft((group[half:], group[:half]))


def problem_with(target: Target, inspector: LayerInspector) -> str:
    """Why a target cannot be rendered at all; empty if it can."""
    try:
        check_target(target, inspector)
    except UsageError as error:
        return str(error)
    return ""


def usual_group(model: nn.Module, inspector: LayerInspector, job: Job) -> int:
    """How many of a job's pictures are rendered side by side.

    Raises:
        ClipDeskError: the device is not there.
    """
    sound = [target for target in job.targets if not problem_with(target, inspector)]
    if len(sound) < 2:
        return 1
    # The first name is the tower's, whose end is behind all others.
    names = inspector.get_layer_names()
    depth = {name: i for i, name in enumerate([*names[1:], names[0]])}
    deepest = max(sound, key=lambda target: max(depth[layer] for layer in target.reads))
    return find_group_size(model, job.settings, inspector, deepest)


def _run_group(
    model: nn.Module, job: Job, group: Sequence[Target], inspector: LayerInspector, stop: Callable[[], bool]
) -> Iterator[Event]:
    targets, started = tuple(group), time.monotonic()
    device = resolve_device(job.settings.device)
    # The recipe says what was done, so that the picture can be made again elsewhere.
    computed_in = {"precision": precision_of(job.settings.precision, model, device)}
    settings = [job.settings_of(target).model_copy(update=computed_in) for target in targets]
    frames = render(model, targets, job.settings, seeds=[s.seed for s in settings], inspector=inspector)
    curves: list[NDArray[np.float32]] = []
    for frame in frames:
        curves.append(frame.activations)
        yield Progress(targets, frame)
        if stop():
            break
    images, clean, alphas = frame.images(), frame.clean_activations(), frame.alphas()
    if not np.isfinite(clean).all():
        raise RenderError("The finished picture's activation is not a number. Try a lower learning rate")
    seconds = time.monotonic() - started
    weights = weights_sha256(job.model)
    for i, target in enumerate(targets):
        curve = np.array([row[i] for row in curves], dtype=np.float32)
        recipe = Recipe(
            clipdesk=__version__,
            torch=str(torch.__version__),
            model=job.model,
            weights=weights,
            target=target,
            settings=settings[i],
            files=job.files_of(target),
            steps=len(curve),
            activation=_activations(curve, float(clean[i])),
            device=str(device),
            seconds=round(seconds, 3),
            date=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        )
        complete = len(curve) == job.settings.iterations
        alpha = None if alphas is None else alphas[i]
        yield Result(target, settings[i], images[i], curve, float(clean[i]), seconds, complete, recipe, alpha)


def _activations(curve: NDArray[np.float32], picture: float) -> Activations:
    start, end, best = float(curve[0]), float(curve[-1]), float(curve.max())
    return Activations(start=round(start, 6), end=round(end, 6), best=round(best, 6), picture=round(picture, 6))
