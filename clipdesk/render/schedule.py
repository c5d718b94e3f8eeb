"""The parameters that change from step to step: learning rate, noise, and the size of crops."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor

from clipdesk.render.settings import RenderSettings

_CROP_SPREAD = 0.05
"""Largest difference between a crop's side and the setting, as a share of the picture's side (as in xplique's MACO)."""
_SMALLEST_CROP = 0.05


class StepParameters(NamedTuple):
    """The parameters of one step.

    All but the last are numbers or, if a captured step is replayed, tensors of one number each that are overwritten
    between the steps.

    Attributes:
        rate: The learning rate.
        strength: The factor of all noises.
        smallest: The smallest share of the picture's side that a view shows.
        largest: The largest share.
        density: Samples per pixel of a view in each direction. If there are several, they are averaged, which keeps
            large pictures free of aliasing.
    """

    rate: float | Tensor
    strength: float | Tensor
    smallest: float | Tensor
    largest: float | Tensor
    density: int


def step_parameters(settings: RenderSettings, size: int, side: int, step: int = 1) -> StepParameters:
    """The parameters of a step, as numbers.

    Args:
        settings: How to render.
        size: Side of the pictures in pixels.
        side: Side of the network's input in pixels.
        step: From 1 to `settings.iterations`.
    """
    remaining = 1 - (step - 1) / settings.iterations
    smallest, largest = _extents(size, side, settings, remaining)
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        # As in Ghiasi et al. 2022: from the full rate to zero.
        rate *= (1 + math.cos(math.pi * (step - 1) / settings.iterations)) / 2
    strength = remaining if settings.noise_schedule == "linear" else 1.0
    return StepParameters(rate, strength, smallest, largest, max(1, math.ceil(size * largest / side)))


def _extents(size: int, side: int, settings: RenderSettings, remaining: float) -> tuple[float, float]:
    """The smallest and the largest share of the picture's side that a view shows."""
    if settings.crop is None and settings.crop_end is None:
        return min(1.0, side / size), 1.0
    begin = 1.0 if settings.crop is None else settings.crop
    end = begin if settings.crop_end is None else settings.crop_end
    now = end + (begin - end) * remaining
    return max(_SMALLEST_CROP, now - _CROP_SPREAD), min(1.0, now + _CROP_SPREAD)
