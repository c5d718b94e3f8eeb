"""Which units of two layers belong together, by how their activations correlate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.comparing.assignment import NOBODY, best_assignment

ALONE = 0.5
"""A unit that correlates with none of the other layer by more than this is without a partner."""


@dataclass(frozen=True, eq=False)
class Partners:
    """The partners of a layer's units.

    Attributes:
        best: The unit of the other layer that each correlates with most, (units,); -1 for one that does not vary.
        correlations: With that one, (units,); NaN for one that does not vary.
        own: A unit of the other layer for each, which no other gets, so that correlations add up to the most, (units,);
            -1 for one that does not vary, or for which none is left.
        own_correlations: With that one, (units,).
        back: For each unit of the other layer, its largest correlation with one of this, (other's units,).
    """

    best: NDArray[np.int64]
    correlations: NDArray[np.float64]
    own: NDArray[np.int64]
    own_correlations: NDArray[np.float64]
    back: NDArray[np.float64]

    @property
    def alone(self) -> NDArray[np.bool_]:
        """Which units vary, and have no partner, (units,)."""
        return self.correlations < ALONE

    @property
    def mean(self) -> float:
        """Mean of the largest correlations over the units that vary: how alike the layers are; NaN for none."""
        varying = self.correlations[np.isfinite(self.correlations)]
        return float(varying.mean()) if len(varying) else float("nan")


def partners(
    correlations: NDArray[np.floating], first_varies: NDArray[np.bool_], second_varies: NDArray[np.bool_]
) -> Partners:
    """The partners of a layer's units.

    Args:
        correlations: Of each with each, (units, other's units).
        first_varies: Which of the layer's units vary.
        second_varies: Which of the other's do.
    """
    rows, columns = np.flatnonzero(first_varies), np.flatnonzero(second_varies)
    units, others = correlations.shape
    best, own = (np.full(units, NOBODY) for _ in range(2))
    largest, given = (np.full(units, np.nan) for _ in range(2))
    back = np.full(others, np.nan)
    if len(rows) and len(columns):
        among = correlations[np.ix_(rows, columns)]
        best[rows], largest[rows] = columns[among.argmax(axis=1)], among.max(axis=1)
        back[columns] = among.max(axis=0)
        assigned = best_assignment(among)
        there = assigned != NOBODY
        own[rows[there]] = columns[assigned[there]]
        given[rows[there]] = among[there, assigned[there]]
    return Partners(best, largest, own, given, back)
