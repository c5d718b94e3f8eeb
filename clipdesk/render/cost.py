"""Estimate the time and memory of a render before it starts: measure a few steps, then scale."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from clipdesk.models.loading import resolve_device
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.graphs import repeats_steps
from clipdesk.render.loop import render
from clipdesk.render.objectives import ResolvedTarget
from clipdesk.render.settings import RenderSettings
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Target, Unit

_LEFT_OUT, _TIMED = 1, 2
"""Warm-up steps, and timed steps."""
_LEFT_OUT_ON_GPU, _TIMED_ON_GPU = 5, 10
"""On a GPU step 4 is captured as a CUDA graph; later steps are much faster."""
_SIDE_BY_SIDE, _SIDE_BY_SIDE_ON_GPU = 2, 16
"""Pictures in the second measurement; a GPU renders several in the time of one."""
_SLOW = 1.0
_LEAST_SHARE = 0.05
_IN_FULL = {"start": "noise", "stages": 1}
"""Changes to the settings that make a step as expensive as the last stage, whose pictures are the largest."""


@dataclass(frozen=True)
class Cost:
    """The cost of one step through the whole vision tower.

    Attributes:
        fixed: Seconds of a step, whatever the number of pictures.
        per_picture: Seconds of a step for each picture.
        picture_bytes: Bytes that each picture holds for its gradient.
    """

    fixed: float
    per_picture: float
    picture_bytes: int

    def seconds(self, pictures: int, iterations: int, group: int, depth: float = 1.0) -> float:
        """Seconds to render pictures in groups; `depth` is the depth of the layer in the tower, from 0 to 1."""
        groups = -(-pictures // group)
        return iterations * (groups * self.fixed + pictures * self.per_picture) * depth

    def bytes(self, pictures: int, group: int, depth: float = 1.0) -> int:
        """Bytes that a group needs, without the model."""
        return int(min(pictures, group) * self.picture_bytes * depth)


def measure_cost(
    model: nn.Module,
    settings: RenderSettings,
    inspector: LayerInspector,
    stop: Callable[[], bool] = lambda: False,
    sources: Sources | None = None,
) -> Cost | None:
    """Take a few steps on the model's last layer, first with one picture, then with several.

    Args:
        model: A CLIP.
        settings: How to render.
        inspector: The model's inspector.
        stop: Asked after every step.
        sources: Reads the files that the settings name.

    Returns:
        The cost; None if `stop` says True before it is known.

    Raises:
        ClipDeskError: the device does not exist, or its memory is too small for one picture.
    """
    layer = inspector.get_layer_names()[0]
    sources = sources or Sources()
    target: Target = Unit(layer=layer, index=0)
    size = picture_bytes(model, settings, inspector, target, sources)
    seconds = None if stop() else _timed(model, settings, inspector, [target], sources, stop)
    if seconds is None:
        return None
    count = _SIDE_BY_SIDE_ON_GPU if repeats_steps(resolve_device(settings.device)) else _SIDE_BY_SIDE
    some = None if seconds > _SLOW else _timed(model, settings, inspector, [target] * count, sources, stop)
    # On a slow machine the fixed cost of a step is small against the network's own work.
    more = seconds if some is None else min(seconds, max(_LEAST_SHARE * seconds, (some - seconds) / (count - 1)))
    return Cost(seconds - more, more, size)


def picture_bytes(
    model: nn.Module,
    settings: RenderSettings,
    inspector: LayerInspector,
    target: Target | ResolvedTarget,
    sources: Sources | None = None,
) -> int:
    """Bytes that one picture holds for its gradient, measured in one step.

    Raises:
        UsageError: the target does not exist in the model.
        ClipDeskError: the device does not exist, or its memory is too small.
    """
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    one = settings.model_copy(update=_IN_FULL | {"iterations": 1})
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        next(render(model, [target], one, inspector=inspector, sources=sources))
    return sum(size for place, size in kept.items() if place not in weights)


def _timed(
    model: nn.Module,
    settings: RenderSettings,
    inspector: LayerInspector,
    targets: list[Target],
    sources: Sources,
    stop: Callable[[], bool],
) -> float | None:
    """Mean seconds of a step; None if `stop` says True meanwhile."""
    on_gpu = repeats_steps(resolve_device(settings.device))
    left_out, timed = (_LEFT_OUT_ON_GPU, _TIMED_ON_GPU) if on_gpu else (_LEFT_OUT, _TIMED)
    steps = settings.model_copy(update=_IN_FULL | {"iterations": left_out + timed})
    frames = render(model, targets, steps, inspector=inspector, sources=sources)
    for _ in range(left_out):
        next(frames)
    started = time.monotonic()
    for _ in frames:
        if stop():
            return None
    return (time.monotonic() - started) / timed
