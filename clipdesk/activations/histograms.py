"""Histograms whose bins follow from the smallest and the largest value alone, so that parts add up to the whole."""

from __future__ import annotations

import torch
from torch import Tensor

BINS = 128

_SMALLEST = -100
"""Exponent of the narrowest bin."""
_MOST_BITS = 30
"""A bin's number has at most this many bits."""


class Bins:
    """Counts of each unit's values in bins of width 2 ** exponent; see `statistics.Histogram`.

    Args:
        units: How many.
        device: Where.
    """

    def __init__(self, units: int, device: torch.device) -> None:
        self.exponents = torch.full((units,), _SMALLEST, dtype=torch.int16, device=device)
        self.starts = torch.zeros(units, dtype=torch.int32, device=device)
        self.counts = torch.zeros(units, BINS, dtype=torch.int32, device=device)

    def widen(self, least: Tensor, most: Tensor, units: Tensor) -> None:
        """Make room for values from `least` to `most`, which what is counted already lies between.

        Args:
            least: (units,).
            most: (units,).
            units: The numbers of the units that these are of.
        """
        exponents, starts = _smallest_bins(least, most)
        changed = ((exponents != self.exponents[units]) | (starts != self.starts[units])).nonzero()[:, 0]
        if len(changed):
            some = units[changed]
            before, first = self.exponents[some], self.starts[some]
            after, new_first = exponents[changed], starts[changed]
            self.counts[some] = _moved(self.counts[some], before, first, after, new_first)
            self.exponents[some], self.starts[some] = after, new_first

    def count(self, values: Tensor, units: Tensor | None = None) -> None:
        """Count values for which there is room.

        Args:
            values: float32, (units, pictures).
            units: The numbers of the units that they are of; by default all.
        """
        every = slice(None) if units is None else units
        exponents, starts = self.exponents[every], self.starts[every]
        scale = torch.ldexp(torch.ones_like(exponents, dtype=torch.float32), -exponents.int())
        numbers = (values * scale[:, None]).floor_().long()
        numbers -= starts[:, None]
        ones = torch.ones_like(numbers, dtype=torch.int32)
        if units is None:
            self.counts.scatter_add_(1, numbers, ones)
        else:
            self.counts[units] = self.counts[units].scatter_add_(1, numbers, ones)

    def count_zeros(self, units: Tensor, pictures: int) -> None:
        """Count zeros, for which there is room: one for each of so many pictures, of each of some units."""
        # The bin that zero is in has the number zero.
        self.counts[units, -self.starts[units].long()] += pictures

    def merge(self, other: Bins) -> None:
        """Take in the counts of other pictures, for which there is room."""
        self.counts += _moved(other.counts, other.exponents, other.starts, self.exponents, self.starts)


def _smallest_bins(least: Tensor, most: Tensor) -> tuple[Tensor, Tensor]:
    """Exponent of the narrowest bins that hold everything, and the number of the first, (units,) each."""
    low, high = least.double(), most.double()
    # frexp: range = m * 2 ** e with m in [0.5, 1), so bins of 2 ** (e - 1) / BINS are too narrow or just right.
    narrowest = torch.frexp((high - low) / BINS).exponent - 1
    exponents = torch.where(high > low, narrowest, _SMALLEST)
    largest = torch.frexp(torch.maximum(low.abs(), high.abs())).exponent - _MOST_BITS
    exponents = torch.maximum(exponents, largest).clamp(min=_SMALLEST)
    for _ in range(2):
        first, last = torch.ldexp(low, -exponents).floor(), torch.ldexp(high, -exponents).floor()
        exponents = exponents + (last - first >= BINS).to(exponents.dtype)
    return exponents.to(torch.int16), torch.ldexp(low, -exponents).floor().to(torch.int32)


def _moved(counts: Tensor, before: Tensor, first: Tensor, after: Tensor, new_first: Tensor) -> Tensor:
    """Counts of bins of width 2 ** `before` in bins of width 2 ** `after`, in each of which whole ones of those lie."""
    shifts = (after.int() - before.int()).clamp(0, 62).long()[:, None]
    numbers = first.long()[:, None] + torch.arange(BINS, device=counts.device)
    moved = (numbers >> shifts) - new_first.long()[:, None]
    # Bins that are outside are empty: all values lie inside.
    return torch.zeros_like(counts).scatter_add_(1, moved.clamp(0, BINS - 1), counts)
