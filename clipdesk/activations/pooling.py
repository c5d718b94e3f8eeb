"""How a unit's values at all positions of a picture become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from clipdesk.activations.statistics import Pooling
from clipdesk.network.capture import pooled
from clipdesk.network.layers import LayerInfo
from clipdesk.network.sparse import Sparse

_FAR = 3e38
"""Large enough that the smallest difference of two float32 numbers above 1e-30 becomes more than any position."""


_MOST_PLACES = 32_767


class Pooled(NamedTuple):
    """Values of all units for some pictures.

    Attributes:
        values: float32, (pictures, units).
        positions: For ``max``, which patch or pixel each value comes from, from 0, int16, (pictures, units).
    """

    values: Tensor
    positions: Tensor | None = None

    def dense(self) -> Pooled:
        """Itself."""
        return self

    def only(self, pictures: Tensor) -> Pooled:
        """The values of some of the pictures, in this order."""
        return Pooled(self.values[pictures], None if self.positions is None else self.positions[pictures])


class PooledEntries(NamedTuple):
    """Values of all units for some pictures of which nearly all are zero, and none is below zero.

    Attributes:
        values: Those that may differ from zero, with one position.
        positions: For ``max``, which patch or pixel each of them comes from, from 0, int16, (entries,). Zeros are of
            the first.
    """

    values: Sparse
    positions: Tensor | None = None

    def dense(self) -> Pooled:
        """All values."""
        if self.positions is None:
            return Pooled(self.values.dense()[:, 0])
        positions = replace(self.values, values=self.positions).dense()[:, 0]
        return Pooled(self.values.dense()[:, 0], positions)

    def only(self, pictures: Tensor) -> PooledEntries:
        """The values of some of the pictures, in this order."""
        values = self.values.only(pictures)
        if self.positions is None:
            return PooledEntries(values)
        return PooledEntries(values, replace(self.values, values=self.positions).only(pictures).values)

    @classmethod
    def joined(cls, parts: Sequence[PooledEntries]) -> PooledEntries:
        """The values of several parts, the pictures of one behind those of another."""
        first, places = 0, list[Tensor]()
        for part in parts:
            pictures, _, units = part.values.shape
            places.append(part.values.places + first * units)
            first += pictures
        values = Sparse((first, 1, units), torch.cat(places), torch.cat([part.values.values for part in parts]))
        placed = [part.positions for part in parts if part.positions is not None]
        return cls(values, torch.cat(placed) if placed else None)

    def by_unit(self) -> UnitRows:
        """The values unit by unit, of those units that have an entry."""
        pictures, _, units = self.values.shape
        picture, unit = self.values.places // units, self.values.places % units
        there = torch.zeros(units, dtype=torch.bool, device=unit.device)
        there[unit] = True
        rows = there.cumsum(0) - 1
        places = rows[unit] * pictures + picture
        shape = (int(there.sum()), pictures)

        def laid_out(entries: Tensor) -> Tensor:
            return entries.new_zeros(shape).flatten().index_copy_(0, places, entries).view(shape)

        positions = None if self.positions is None else laid_out(self.positions)
        return UnitRows(there, laid_out(self.values.values), positions)


class UnitRows(NamedTuple):
    """Values of some units; the others are zero.

    Attributes:
        there: Which units, bool, (all units,).
        values: float32, (units, pictures).
        positions: As `Pooled.positions`, (units, pictures).
    """

    there: Tensor
    values: Tensor
    positions: Tensor | None


def poolings_of(info: LayerInfo) -> tuple[Pooling, ...]:
    """The ways in which a layer can be pooled: a vector has one value for each unit, so its mean says all.

    So does a map with more places than an int16 can number, as the first of RN50x16 and RN50x64 have.
    """
    if info.positions == 1 or info.positions > _MOST_PLACES:
        return ("mean",)
    return ("mean", "max", "class") if info.class_token else ("mean", "max")


class Scratch:
    """Memory for intermediate values, used again and again: to come by new memory takes longer than to fill it."""

    def __init__(self) -> None:
        self._flat = torch.empty(0)

    def like(self, values: Tensor) -> Tensor:
        """Memory for as many values of float32, in their shape; what was in it is lost."""
        if self._flat.numel() < values.numel() or self._flat.device != values.device:
            self._flat = torch.empty(values.numel(), device=values.device)
        return self._flat[: values.numel()].view(values.shape)


def pool(
    output: Tensor | Sparse, info: LayerInfo, pooling: Pooling, scratch: Scratch | None = None
) -> Pooled | PooledEntries:
    """Pool a layer's output, (pictures, positions, units); entries stay entries where none is below zero."""
    if isinstance(output, Sparse):
        if not bool((output.values < 0).any()):
            return _pooled_entries(output, info, pooling)
        output = output.dense()
    if pooling == "mean":
        return Pooled(pooled(output.float(), info))
    if pooling == "class":
        return Pooled(output[:, 0].float())
    patches = output[:, 1:] if info.class_token else output
    return Pooled(*_largest(patches.float(), scratch or Scratch()))


def _pooled_entries(output: Sparse, info: LayerInfo, pooling: Pooling) -> PooledEntries:
    if pooling == "class":
        return PooledEntries(output.between(0, 1))
    patches = output.between(1, output.shape[1]) if info.class_token else output
    return PooledEntries(patches.means()) if pooling == "mean" else PooledEntries(*patches.largest())


def _largest(patches: Tensor, scratch: Scratch) -> tuple[Tensor, Tensor]:
    """The largest value over the positions, (pictures, positions, units), and the first position that has it."""
    count, largest = patches.shape[1], patches.amax(dim=1)
    # On a CPU many times as fast as torch's own search. Counted from behind, the first position has the largest number;
    # where a value is below the largest one, the number is far below zero.
    numbers = torch.arange(count, 0, -1, dtype=torch.float32, device=patches.device)[None, :, None]
    behind = torch.sub(patches, largest[:, None], out=scratch.like(patches)).mul_(_FAR).add_(numbers)
    return largest, (count - behind.amax(dim=1)).to(torch.int16)
