"""Estimate the time and memory of a render before it starts: measure a few steps, then scale."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from clipdesk.models.loading import resolve_device
from clipdesk.network.frozen import alone_with
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
_SIDE_BY_SIDE, _FEW_SIDE_BY_SIDE, _SIDE_BY_SIDE_ON_GPU = 8, 2, 16
"""Pictures in the second measurement; a GPU renders several in the time of one."""
_SLOW, _SLOWEST = 0.15, 1.0
"""Seconds of a step from which on fewer pictures are measured side by side, and only one."""
_LEAST_SHARE = 0.05
_IN_FULL = {"start": "noise", "stages": 1}
"""Changes to the settings that make a step as expensive as the last stage, whose pictures are the largest."""


@dataclass(frozen=True)
class Cost:
    """The cost of one step through the whole vision tower.

    Attributes:
        fixed: Seconds of a step, whatever the number of pictures.
        per_picture: Seconds of a step for each picture.
        shallow: Share of a step that a unit of the first layer takes too, 0 to 1: that of the picture itself.
        picture_bytes: Bytes that each picture holds for its gradient.
    """

    fixed: float
    per_picture: float
    shallow: float
    picture_bytes: int

    def seconds(self, pictures: int, iterations: int, group: int, depth: float = 1.0) -> float:
        """Seconds to render pictures in groups; `depth` is the depth of the layer in the tower, from 0 to 1."""
        groups = -(-pictures // group)
        share = self.shallow + (1 - self.shallow) * depth
        return iterations * (groups * self.fixed + pictures * self.per_picture) * share

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
    """Take a few steps on the model's last layer, with one picture and with several, then on its first.

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
    whole, first = inspector.get_layer_names()[:2]
    sources = sources or Sources()
    target: Target = Unit(layer=whole, index=0)
    size = picture_bytes(model, settings, inspector, target, sources)

    def timed(layer: str, count: int) -> float | None:
        targets: list[Target] = [Unit(layer=layer, index=0)] * count
        return None if stop() else _timed(model, settings, inspector, targets, sources, stop)

    one = timed(whole, 1)
    if one is None:
        return None
    count = _side_by_side(one, settings)
    # On a slow machine the fixed cost of a step is small against the network's own work.
    some = one if count == 1 else timed(whole, count)
    near = None if some is None else timed(first, count)
    if some is None or near is None:
        return None
    more = one if count == 1 else min(one, max(_LEAST_SHARE * one, (some - one) / (count - 1)))
    return Cost(one - more, more, min(1.0, max(_LEAST_SHARE, near / some)), size)


def _side_by_side(one: float, settings: RenderSettings) -> int:
    """How many pictures to measure side by side, where a step with one takes so many seconds."""
    if repeats_steps(resolve_device(settings.device)):
        return _SIDE_BY_SIDE_ON_GPU
    return _SIDE_BY_SIDE if one < _SLOW else _FEW_SIDE_BY_SIDE if one < _SLOWEST else 1


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

    with alone_with(model):
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
