"""The most extreme pictures of each unit, kept while pictures come in any order."""

from __future__ import annotations

import torch
from torch import Tensor

from clipdesk.activations.statistics import NONE

KEPT = 100

_EMPTY = torch.iinfo(torch.int64).min
_LAST = 2**32 - 1
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

    def add(self, values: Tensor, pictures: Tensor, positions: Tensor | None = None) -> None:
        """Take in new pictures.

        Args:
            values: Finite, float32, (units, pictures).
            pictures: Their indices, int64, (pictures,).
            positions: Where each value was, int16, (units, pictures); None where positions are not kept.
        """
        smallest = self.keys.amin(dim=1)
        least = torch.where(smallest == _EMPTY, -torch.inf, _values(smallest))
        better = values > least[:, None]
        last = torch.where(smallest == _EMPTY, _LAST, _pictures(smallest))
        if bool((pictures.min() < last).any()):
            # Of equal values those of earlier pictures are kept; in the order of the set, none comes that is earlier.
            better |= (values == least[:, None]) & (pictures < last[:, None])
        rows, columns = better.nonzero(as_tuple=True)
        if len(rows) > _COMPACT * values.numel():
            self._keep(_keys(values, pictures), positions)
        elif len(rows):
            self._keep(*_picked(rows, columns, values, pictures, positions))

    def merge(self, other: Largest) -> None:
        """Take in what is kept of other pictures."""
        self._keep(other.keys, other.positions)

    def take_up(self, values: Tensor, pictures: Tensor, positions: Tensor) -> None:
        """Go on from what `sorted` gave, as (units, `KEPT`) each."""
        self.keys = torch.where(pictures == NONE, _EMPTY, _keys(values, pictures.long()))
        if self.positions.numel():
            self.positions = positions.to(torch.int16)

    def sorted(self) -> tuple[Tensor, Tensor, Tensor]:
        """Values (NaN where there are none), pictures and positions (-1 where there are none), the largest first."""
        keys, order = self.keys.sort(dim=1, descending=True)
        there = keys != _EMPTY
        values = torch.where(there, _values(keys), torch.nan)
        pictures = torch.where(there, _pictures(keys), NONE)
        positions = self.positions.gather(1, order) if self.positions.numel() else torch.full_like(order, NONE)
        return values, pictures.int(), positions.to(torch.int16)

    def _keep(self, keys: Tensor, positions: Tensor | None) -> None:
        # Copied into place: memory that stays must not come to lie among memory that goes.
        largest, order = torch.cat([self.keys, keys], dim=1).topk(KEPT, dim=1, sorted=False)
        self.keys.copy_(largest)
        if positions is not None and self.positions.numel():
            self.positions.copy_(torch.cat([self.positions, positions], dim=1).gather(1, order))


def _picked(
    rows: Tensor, columns: Tensor, values: Tensor, pictures: Tensor, positions: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Keys and positions of some values, packed to the left, (units, as many as the unit with most has)."""
    counts = torch.bincount(rows, minlength=len(values))
    places = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[rows]
    keys = torch.full((len(values), int(counts.max())), _EMPTY, dtype=torch.int64, device=values.device)
    keys[rows, places] = _keys(values[rows, columns], pictures[columns])
    if positions is None:
        return keys, None
    packed = torch.full(keys.shape, NONE, dtype=torch.int16, device=values.device)
    packed[rows, places] = positions[rows, columns]
    return keys, packed


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
