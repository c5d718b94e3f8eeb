"""How near a picture is to a target's top pictures, on a scale that all layers and models share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_LEAST_APART = 0.05
"""Spaces that do not tell the top pictures from others by so much say nothing."""


def nearness(row: NDArray[np.floating], tops: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """From 0, as other pictures, to 1, as the top pictures are to each other, by the cosine with their mean.

    Args:
        row: A picture in some space whose origin is the mean of all pictures, (width,).
        tops: The top pictures, (tops, width).
        others: Other pictures, (others, width).

    Returns:
        It may be below 0 or above 1; NaN for fewer than two top pictures or no others, and for a space that does not
        tell these apart.
    """
    if len(tops) < 2 or not len(others):
        return math.nan
    mean = tops.mean(axis=0)
    # Each top picture beside the mean of the rest, as the picture is beside the mean of all.
    rest = (tops.sum(axis=0) - tops) / (len(tops) - 1)
    same = float(np.mean([_cosine(own, left) for own, left in zip(tops, rest, strict=True)]))
    other = float(np.mean([_cosine(each, mean) for each in others]))
    return (_cosine(row, mean) - other) / (same - other) if same - other > _LEAST_APART else math.nan


def _cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(a @ b / max(1e-12, float(np.linalg.norm(a) * np.linalg.norm(b))))
