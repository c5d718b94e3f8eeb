"""How near a picture is to a target's top pictures, on a scale that all layers and models share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

_FLOOR = 0.1
"""Variances are raised by this share of the largest one, so that directions in which hardly anything varies, or few
pictures are known, do not speak loudest."""
_LEAST_APART = 0.05
"""Spaces that do not tell the top pictures from others by so much say nothing."""


@dataclass(frozen=True, eq=False)
class Space:
    """An embedding space, whitened: pictures in general vary alike in all its directions, about the origin.

    What all pictures share, and the few directions in which most of them differ, would outweigh the rest.

    Attributes:
        mean: Mean embedding, (width,).
        whitening: (width, width).
    """

    mean: NDArray[np.float64]
    whitening: NDArray[np.float64]

    @classmethod
    def of(cls, mean: NDArray[np.floating], covariance: NDArray[np.floating]) -> Self:
        """The space of embeddings with a mean, (width,), and a covariance, (width, width)."""
        variances, directions = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
        raised = np.maximum(variances, 0) + _FLOOR * max(float(variances.max()), 1e-12)
        return cls(np.asarray(mean, dtype=np.float64), directions / np.sqrt(raised))

    def __call__(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """Embeddings in it, (pictures, width)."""
        return np.asarray((rows - self.mean) @ self.whitening, dtype=np.float64)


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
