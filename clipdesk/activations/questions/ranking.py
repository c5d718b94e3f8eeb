"""Where a given activation, such as a rendered picture's, is among those of a survey's pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.statistics import NONE, UnitStatistics

_WORTH_SAYING = 0.05
"""Ratios below this round to nothing, or have the sign of the other side."""


@dataclass(frozen=True)
class Rank:
    """Where an activation is among those of a survey's pictures.

    Attributes:
        value: The activation.
        below: How many pictures excite the unit less; exact among its top and bottom pictures, elsewhere from the
            histogram.
        count: Pictures of the survey.
        ratio: The activation, divided by that of the best picture; NaN where that is not above zero.
    """

    value: float
    below: int
    count: int
    ratio: float

    @property
    def share(self) -> float:
        """Share of the pictures that excite the unit less, in [0, 1]."""
        return self.below / max(1, self.count)

    @property
    def in_words(self) -> str:
        """As a sentence: "more than 99.8 % of 5,000 pictures; 1.4 x the best"."""
        # Rounded down, so that only all of them are called 100 %.
        part = "all" if self.below == self.count else f"{math.floor(self.share * 1000) / 10:.1f} %"
        text = f"more than {part} of {self.count:,} pictures"
        return f"{text}; {self.ratio:,.1f} x the best" if self.ratio >= _WORTH_SAYING else text


def rank(statistics: UnitStatistics, unit: int, value: float) -> Rank:
    """Where an activation is among those of the pictures.

    Args:
        statistics: A layer's.
        unit: Index of the unit.
        value: The activation, pooled as these are.
    """
    most = float(statistics.most[unit])
    ratio = value / most if most > 0 else math.nan
    return Rank(value, _below(statistics, unit, value), statistics.count, ratio)


def apart_from_zeros(statistics: UnitStatistics, unit: int) -> tuple[int, NDArray[np.int64]]:
    """How many pictures leave a unit that is never below zero at zero, and the counts of its bins without these.

    Behind a rectifier most values may be zero. They are one value, and not spread over the bin that they are in.
    """
    counts = statistics.histogram.counts[unit].astype(np.int64)
    if statistics.least[unit] != 0:
        return 0, counts
    zeros = statistics.count - int(statistics.fired[unit])
    counts[int(np.flatnonzero(counts)[0])] -= zeros
    return zeros, counts


def _below(statistics: UnitStatistics, unit: int, value: float) -> int:
    tops, bottoms = (ends.values[unit][ends.pictures[unit] != NONE] for ends in (statistics.top, statistics.bottom))
    count = statistics.count
    if not len(tops) or value > tops[-1]:
        return count - int((tops >= value).sum())
    if value <= bottoms[-1]:
        return int((bottoms < value).sum())
    zeros, counts = apart_from_zeros(statistics, unit)
    sums = np.concatenate([[0], counts.cumsum()])
    between = float(np.interp(value, statistics.histogram.edges(unit), sums)) + zeros * (value > 0)
    return int(np.clip(round(between), len(bottoms), count - len(tops)))
