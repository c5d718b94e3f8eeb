"""A layer's values as entries, where nearly all are zero: ten thousands of latents, of which a few are active."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


@dataclass(frozen=True, eq=False)
class Sparse:
    """The values of a layer that may differ from zero, each an entry. No place has two.

    Attributes:
        shape: Pictures, positions and units.
        places: Where each is in the values of all, flattened, int64, (entries,).
        values: float32, (entries,).
    """

    shape: tuple[int, int, int]
    places: Tensor
    values: Tensor

    def dense(self) -> Tensor:
        """All values, (pictures, positions, units)."""
        pictures, positions, units = self.shape
        flat = torch.zeros(pictures * positions * units, dtype=self.values.dtype, device=self.values.device)
        return flat.index_copy_(0, self.places, self.values).view(self.shape)

    def between(self, first: int, end: int) -> Sparse:
        """The values at some of the positions."""
        pictures, positions, units = self.shape
        position = self.places // units % positions
        there = (position >= first) & (position < end)
        kept, at = self.places[there], position[there]
        picture = kept // (units * positions)
        places = (picture * (end - first) + at - first) * units + kept % units
        return Sparse((pictures, end - first, units), places, self.values[there])

    def only(self, pictures: Tensor) -> Sparse:
        """The values of some of the pictures, in this order."""
        count, positions, units = self.shape
        numbers = torch.full((count,), -1, dtype=torch.int64, device=self.places.device)
        numbers[pictures] = torch.arange(len(pictures), device=self.places.device)
        size = positions * units
        number = numbers[self.places // size]
        there = number >= 0
        places = number[there] * size + self.places[there] % size
        return Sparse((len(pictures), positions, units), places, self.values[there])

    def means(self) -> Sparse:
        """Mean over the positions, with one position."""
        pictures, positions, units = self.shape
        sums = torch.zeros(pictures * units, dtype=torch.float64, device=self.values.device)
        sums.index_add_(0, self._columns(), self.values.double())
        places = sums.nonzero()[:, 0]
        return Sparse((pictures, 1, units), places, (sums[places] / positions).float())

    def largest(self) -> tuple[Sparse, Tensor]:
        """The largest value over the positions, with one position; and the first that has it, int16, (entries,).

        Values below zero are not expected. Where a value is zero, the first position has it.
        """
        pictures, positions, units = self.shape
        columns = self._columns()
        most = torch.zeros(pictures * units, dtype=self.values.dtype, device=self.values.device)
        most.scatter_reduce_(0, columns, self.values, "amax")
        has = (self.values == most[columns]) & (self.values > 0)
        first = torch.full_like(most, positions, dtype=torch.int16)
        first.scatter_reduce_(0, columns[has], (self.places // units % positions)[has].to(torch.int16), "amin")
        places = most.nonzero()[:, 0]
        return Sparse((pictures, 1, units), places, most[places]), torch.where(most[places] > 0, first[places], 0)

    def _columns(self) -> Tensor:
        """Where each entry's picture and unit are among those of all, (entries,)."""
        _, positions, units = self.shape
        return self.places // (units * positions) * units + self.places % units


class SparseSource(Protocol):
    """Where the values of a layer come from as entries."""

    def attach(self, network: nn.Module, keep: Callable[[Sparse], None]) -> list[RemovableHandle]:
        """Register hooks that read the layer in every forward pass; as `LayerSource.attach`, without gradients."""
