"""The end of a render before its last step: where a picture's activation does not rise any more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clipdesk.render.settings import RenderSettings

RISE = 0.01
"""The activation is taken to rise if it rises by so large a share of its size."""


class Convergence:
    """Says of which pictures the activation does not rise any more, as `RenderSettings.patience` asks.

    Each picture is judged by its own curve, so that it ends at the same step alone and in a group. The curve jumps with
    the random changes of each step, so means over as many steps are compared. A unit that is silent may still wake up,
    and is given all steps; so is a picture that has not reached its last stage.

    Args:
        settings: How the pictures are rendered.
        pictures: How many there are.
    """

    def __init__(self, settings: RenderSettings, pictures: int) -> None:
        self._patience = settings.patience
        # The steps of all stages but the last, as `Optimization.step` divides them.
        self._before = -(-settings.iterations * (settings.stages - 1) // settings.stages)
        self._curves: list[NDArray[np.float32]] = []
        self._rising = set(range(pictures))

    @property
    def over(self) -> bool:
        """Whether no picture rises any more."""
        return not self._rising

    def ended(self, activations: NDArray[np.float32]) -> Sequence[int]:
        """Take a step's activations, (pictures,); returns the pictures that have ended with it, each once."""
        if not self._patience:
            return []
        self._curves.append(activations)
        if len(self._curves) < self._before + 2 * self._patience:
            return []
        recent = np.array(self._curves[-2 * self._patience :], dtype=np.float64)
        before, after = recent[: self._patience].mean(axis=0), recent[self._patience :].mean(axis=0)
        steady = [row for row in sorted(self._rising) if after[row] - before[row] < RISE * abs(before[row])]
        self._rising.difference_update(steady)
        return steady
