"""What of a recipe changes from step to step: learning rate, noise, and the size of crops."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

from clipdesk.render.settings import RenderSettings

_CROP_SPREAD = 0.05
"""How far a crop's side is from the one asked for, at most, as a share of the picture's (xplique's MACO: deviation)."""
_SMALLEST_CROP = 0.05


class StepParameters(NamedTuple):
    """The recipe at one step.

    All but the last are numbers, or, where a recorded step is repeated, tensors of one number each that are overwritten
    between the steps.

    Attributes:
        rate: The learning rate.
        strength: What the noises are multiplied by.
        smallest: The smallest share of the picture's side that a view sees.
        largest: The largest.
        density: Samples that are taken for each pixel of a view, across; more than one, averaged afterwards, keep large
            pictures free of aliasing.
    """

    rate: float | Tensor
    strength: float | Tensor
    smallest: float | Tensor
    largest: float | Tensor
    density: int


def step_parameters(settings: RenderSettings, size: int, side: int, step: int = 1) -> StepParameters:
    """The recipe at a step, in numbers.

    Args:
        settings: The recipe.
        size: Side of the pictures.
        side: Side of the network's input.
        step: From 1 to `settings.iterations`.
    """
    remaining = 1 - (step - 1) / settings.iterations
    smallest, largest = _extents(size, side, settings, remaining)
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        # As Ghiasi et al. 2022 do it: from the full rate to zero.
        rate *= (1 + math.cos(math.pi * (step - 1) / settings.iterations)) / 2
    strength = remaining if settings.noise_schedule == "linear" else 1.0
    return StepParameters(rate, strength, smallest, largest, max(1, math.ceil(size * largest / side)))


def _extents(size: int, side: int, settings: RenderSettings, remaining: float) -> tuple[float, float]:
    """The smallest and the largest share of the picture's side that a view sees."""
    if settings.crop is None and settings.crop_end is None:
        return min(1.0, side / size), 1.0
    begin = 1.0 if settings.crop is None else settings.crop
    end = begin if settings.crop_end is None else settings.crop_end
    now = end + (begin - end) * remaining
    return max(_SMALLEST_CROP, now - _CROP_SPREAD), min(1.0, now + _CROP_SPREAD)
