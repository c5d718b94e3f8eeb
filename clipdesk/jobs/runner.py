"""Render a job in groups of pictures that are made side by side."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from clipdesk.activations.activity import activities_of
from clipdesk.errors import DeviceLostError, RenderError, UsageError
from clipdesk.export.recipe import Activations, Recipe
from clipdesk.jobs.events import Failure, Progress, RenderEvent, Result
from clipdesk.jobs.groups import find_group_size
from clipdesk.jobs.job import Job
from clipdesk.network.opened import OpenModel
from clipdesk.network.precision import precision_of
from clipdesk.render.convergence import Convergence
from clipdesk.render.loop import Frame, render
from clipdesk.render.objectives import ResolvedTarget, resolve
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Target
from clipdesk.version import __version__

Wanted = Callable[[int, int], bool]
"""Asked after each step whether its pictures are wanted; called with the steps done and the steps in all."""


def never(_step: int, _iterations: int) -> bool:
    """Pictures are not wanted before they are finished."""
    return False


def run_job(
    opened: OpenModel,
    job: Job,
    *,
    sources: Sources | None = None,
    group_size: int | None = None,
    wanted: Wanted = never,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[RenderEvent]:
    """Render a job's targets: units first, then all others, which usually need more of the model.

    A group that fails is halved and tried again, so that one bad unit fails alone and too large a group finds its size.

    Args:
        opened: The job's model, on the job's device.
        job: What to render.
        sources: Reads the files that the job names; those that it has read before are not read again.
        group_size: Pictures in a group; by default as `usual_group` finds.
        wanted: Says which steps' pictures come with `Progress`.
        stop: Asked after every step; when it says True, what was reached so far comes as results, and the job ends.

    Yields:
        A `Failure` for each target that is not there; then for each group `Progress` after every step, and a `Result`
        or `Failure` for each of its targets.

    Raises:
        ClipDeskError: the device is not there.
        DeviceLostError: the device has failed; the group that was on it has come as failures, what is left has not.
        UsageError: a file of the settings is not there, or is another than it was.
    """
    sources = sources or Sources()
    sound, failed = resolve(job.targets, opened.inspector, sources)
    _check_files(job, sources)
    for target, problem in failed:
        yield Failure(target, str(problem), known=False)
    size = group_size or _group_size(opened, job, sound, sources)
    groups: deque[tuple[ResolvedTarget, ...]] = deque()
    for units in (True, False):
        targets = tuple(each for each in sound if (each.target.layer is not None) is units)
        groups.extend(targets[i : i + size] for i in range(0, len(targets), size))
    while groups and not stop():
        group = groups.popleft()
        try:
            yield from _run_group(opened, job, group, sources, wanted, stop)
        except DeviceLostError as error:
            # It may be one of these that broke it, so they do not wait for another process; all others may.
            for each in group:
                yield Failure(each.target, error.reason)
            raise
        except RenderError as error:
            if len(group) == 1:
                yield Failure(group[0].target, str(error))
            else:
                half = len(group) // 2
                groups.extendleft((group[half:], group[:half]))


def usual_group(opened: OpenModel, job: Job, sources: Sources | None = None) -> int:
    """How many of a job's pictures are rendered side by side.

    Raises:
        ClipDeskError: the device is not there.
    """
    sources = sources or Sources()
    sound, _ = resolve(job.targets, opened.inspector, sources)
    return _group_size(opened, job, sound, sources)


def _group_size(opened: OpenModel, job: Job, sound: Sequence[ResolvedTarget], sources: Sources) -> int:
    if len(sound) < 2:
        return 1
    # The first name is the tower's, whose end is behind all others.
    names = opened.inspector.get_layer_names()
    depth = {name: i for i, name in enumerate([*names[1:], names[0]])}
    deepest = max(sound, key=lambda each: max(depth[layer] for layer in each.target.reads))
    return find_group_size(opened.network, job.settings, opened.inspector, deepest, sources)


def _check_files(job: Job, sources: Sources) -> None:
    """Check that the files that were read are those that the job was made with."""
    for path, found in sources.sha256.items():
        if job.files.get(path, found) != found:
            raise UsageError(f"{path} is another file than the one that the picture was made with")


def _run_group(
    opened: OpenModel,
    job: Job,
    resolved: Sequence[ResolvedTarget],
    sources: Sources,
    wanted: Wanted,
    stop: Callable[[], bool],
) -> Iterator[RenderEvent]:
    group = tuple(each.target for each in resolved)
    started = time.monotonic()
    # The recipe says what was done, so that the picture can be made again elsewhere.
    computed_in = {"precision": precision_of(job.settings.precision, opened.network, opened.device)}
    settings = [job.settings_of(target).model_copy(update=computed_in) for target in group]
    seeds = [each.seed for each in settings]
    frames = render(opened.network, resolved, job.settings, seeds=seeds, inspector=opened.inspector, sources=sources)
    convergence = Convergence(job.settings, len(group))
    curves: list[NDArray[np.float32]] = []
    steady: dict[int, _Reached] = {}
    for frame in frames:
        if not curves:
            # The start and the spectrum are read by now.
            _check_files(job, sources)
        curves.append(frame.activations)
        if rows := convergence.ended(frame.activations):
            steady |= _reached(frame, rows, curves)
        yield _progress(group, frame, wanted, steady)
        if stop() or convergence.over:
            break
    found = steady | _reached(frame, [row for row in range(len(group)) if row not in steady], curves)
    active = activities_of(opened, group, [Image.fromarray(found[i].image) for i in range(len(group))])
    seconds = time.monotonic() - started
    for i, target in enumerate(group):
        reached = found[i]
        recipe = Recipe(
            clipdesk=__version__,
            torch=str(torch.__version__),
            model=str(job.model),
            weights=opened.sha256,
            latents={each.name: each.latents.sha256 for each in opened.latents},
            target=target,
            settings=settings[i],
            files={path: sources.sha256[path] for path in job.paths_of(target) if path in sources.sha256},
            steps=len(reached.curve),
            steady=i in steady and len(reached.curve) < job.settings.iterations,
            activation=Activations.of(reached.curve, reached.clean),
            active=active[i],
            device=str(opened.device),
            seconds=round(seconds, 3),
            date=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        )
        yield Result(
            target=target,
            settings=settings[i],
            image=reached.image,
            curve=reached.curve,
            activation=reached.clean,
            seconds=seconds,
            complete=recipe.complete,
            recipe=recipe,
            alpha=reached.alpha,
        )


class _Reached(NamedTuple):
    """What a picture has reached at its end; see `Result`."""

    image: NDArray[np.uint8]
    curve: NDArray[np.float32]
    clean: float
    alpha: NDArray[np.uint8] | None


def _reached(frame: Frame, rows: Sequence[int], curves: Sequence[NDArray[np.float32]]) -> dict[int, _Reached]:
    """What some pictures of a group have reached, by their place in it."""
    if not rows:
        return {}
    images, clean, alphas = frame.images(), frame.clean_activations(), frame.alphas()
    if not np.isfinite(clean).all():
        raise RenderError("The finished picture's activation is not a number. Try a lower learning rate")
    steps = np.array(curves, dtype=np.float32)
    return {
        row: _Reached(images[row], steps[:, row].copy(), float(clean[row]), None if alphas is None else alphas[row])
        for row in rows
    }


def _progress(group: tuple[Target, ...], frame: Frame, wanted: Wanted, steady: Mapping[int, _Reached]) -> Progress:
    images = frame.images() if wanted(frame.step, frame.iterations) else None
    if images is not None:
        for row, reached in steady.items():
            images[row] = reached.image
    return Progress(group, frame.step, frame.iterations, frame.activations, frame.penalties, images)
