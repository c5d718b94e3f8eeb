"""The most extreme pictures of each unit, kept while pictures come in any order."""

from __future__ import annotations

import torch
from torch import Tensor

from clipdesk.activations.statistics import NONE

KEPT = 100

_EMPTY = torch.iinfo(torch.int64).min
_LAST = 2**32 - 1
_ROWS = 8_192
"""Units at once, so that what is made on the way is small: to come by much new memory takes longer than to fill it."""
_COMPACT = 0.25
"""Up to this share of new values that may be kept, they are picked out first."""


class Largest:
    """The pictures with the largest values of each unit.

    A value and its picture are one number, which sorts as they do: the value's bits above, the picture's index below.

    Args:
        units: How many.
        device: Where.
        placed: Whether positions are kept.
    """

    def __init__(self, units: int, device: torch.device, *, placed: bool) -> None:
        self.keys = torch.full((units, KEPT), _EMPTY, dtype=torch.int64, device=device)
        self.positions = torch.full((units, KEPT if placed else 0), NONE, dtype=torch.int16, device=device)

    @property
    def keys(self) -> Tensor:
        """What is kept of each unit, in any order, int64, (units, `KEPT`)."""
        return self._kept

    @keys.setter
    def keys(self, keys: Tensor) -> None:
        self._kept, self._smallest = keys, keys.amin(dim=1)

    def add(
        self, values: Tensor, pictures: Tensor, positions: Tensor | None = None, units: Tensor | None = None
    ) -> None:
        """Take in new pictures.

        Args:
            values: Finite, float32, (units, pictures).
            pictures: Their indices, int64, (pictures,).
            positions: Where each value was, int16, (units, pictures); None where positions are not kept.
            units: The numbers of the units that the values are of; by default all.
        """
        smallest = self._smallest if units is None else self._smallest[units]
        least = torch.where(smallest == _EMPTY, -torch.inf, _values(smallest))
        better = values > least[:, None]
        last = torch.where(smallest == _EMPTY, _LAST, _pictures(smallest))
        if bool((pictures.min() < last).any()):
            # Of equal values those of earlier pictures are kept; in the order of the set, none comes that is earlier.
            better |= (values == least[:, None]) & (pictures < last[:, None])
        rows, columns = better.nonzero(as_tuple=True)
        if len(rows) > _COMPACT * values.numel():
            self._keep(_keys(values, pictures), positions, units)
        elif len(rows):
            some, keys, packed = _picked(rows, columns, values, pictures, positions)
            self._keep(keys, packed, some if units is None else units[some])

    def add_zeros(self, units: Tensor, pictures: Tensor) -> None:
        """Take in new pictures in which some units are zero everywhere.

        Args:
            units: The numbers of the units.
            pictures: The pictures' indices, int64, (pictures,).
        """
        keys = _keys(torch.zeros_like(pictures, dtype=torch.float32), pictures)
        keys = keys.topk(min(KEPT, len(keys))).values
        row = self._kept.new_full((KEPT,), _EMPTY)
        row[: len(keys)] = keys
        for some in torch.split(units[self._smallest[units] < keys[0]], _ROWS):
            # Nearly all of these have nothing yet, so that what is kept of them is the same.
            blank = self._kept[some].amax(dim=1) == _EMPTY
            same, others = some[blank], some[~blank]
            self._kept[same] = row
            self._smallest[same] = row.amin()
            zeros = None
            if self.positions.numel():
                self.positions[same] = torch.where(row == _EMPTY, NONE, 0).to(torch.int16)
                zeros = self.positions.new_zeros(len(others), len(keys))
            self._keep(keys.expand(len(others), -1), zeros, others)

    def merge(self, other: Largest) -> None:
        """Take in what is kept of other pictures."""
        self._keep(other.keys, other.positions)

    def take_up(self, values: Tensor, pictures: Tensor, positions: Tensor) -> None:
        """Go on from what `sorted` gave, as (units, `KEPT`) each."""
        self.keys = torch.where(pictures == NONE, _EMPTY, _keys(values, pictures.long()))
        if self.positions.numel():
            self.positions = positions.to(torch.int16)

    def sorted(self) -> tuple[Tensor, Tensor, Tensor]:
        """Values (NaN where there are none), pictures and positions (-1 where there are none), the largest first.

        Returns:
            float32, int32 and int16, (units, `KEPT`) each.
        """
        kinds = torch.float32, torch.int32, torch.int16
        found = [torch.empty_like(self._kept, dtype=kind) for kind in kinds]
        for start in range(0, len(self._kept), _ROWS):
            rows = slice(start, start + _ROWS)
            keys, order = self._kept[rows].sort(dim=1, descending=True)
            there = keys != _EMPTY
            positions = self.positions[rows].gather(1, order) if self.positions.numel() else NONE
            for each, part in zip(found, (_values(keys), _pictures(keys), positions), strict=True):
                each[rows] = torch.where(there, part, torch.nan if each.is_floating_point() else NONE)
        return found[0], found[1], found[2]

    def _keep(self, keys: Tensor, positions: Tensor | None, units: Tensor | None = None) -> None:
        """Keep the largest of what is kept of some units and of other keys of theirs, (units, any)."""
        for start in range(0, len(keys), _ROWS):
            rows = slice(start, start + _ROWS)
            some = rows if units is None else units[rows]
            largest, order = torch.cat([self._kept[some], keys[rows]], dim=1).topk(KEPT, dim=1, sorted=False)
            # Copied into place: memory that stays must not come to lie among memory that goes.
            self._kept[some] = largest
            self._smallest[some] = largest.amin(dim=1)
            if positions is not None and self.positions.numel():
                self.positions[some] = torch.cat([self.positions[some], positions[rows]], dim=1).gather(1, order)


def _picked(
    rows: Tensor, columns: Tensor, values: Tensor, pictures: Tensor, positions: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Some values' rows, and by these their keys and positions, packed to the left, (rows, as many as the most has)."""
    some, inverse, counts = torch.unique_consecutive(rows, return_inverse=True, return_counts=True)
    places = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[inverse]
    keys = torch.full((len(some), int(counts.max())), _EMPTY, dtype=torch.int64, device=values.device)
    keys[inverse, places] = _keys(values[rows, columns], pictures[columns])
    if positions is None:
        return some, keys, None
    packed = torch.full(keys.shape, NONE, dtype=torch.int16, device=values.device)
    packed[inverse, places] = positions[rows, columns]
    return some, keys, packed


def _keys(values: Tensor, pictures: Tensor) -> Tensor:
    # Adding zero makes minus zero equal to zero. As whole numbers, negative floats sort the wrong way round.
    bits = (values + 0.0).view(torch.int32)
    return (_flipped(bits).long() << 32) | (_LAST - pictures)


def _values(keys: Tensor) -> Tensor:
    return _flipped((keys >> 32).int()).view(torch.float32)


def _pictures(keys: Tensor) -> Tensor:
    return _LAST - (keys & _LAST)


def _flipped(bits: Tensor) -> Tensor:
    """The bits of a float as a whole number that sorts as it does, or back."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)
