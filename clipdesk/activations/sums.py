"""Everything that a survey gathers, while it is gathered: sums that add up, on the model's device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clipdesk.activations.extremes import KEPT, Largest
from clipdesk.activations.histograms import BINS, Bins
from clipdesk.activations.moments import EmbeddingMoments, UnitMoments
from clipdesk.activations.pooling import Pooled, PooledEntries
from clipdesk.activations.statistics import NONE, Extremes, Histogram, Key, UnitStatistics

_ROWS = 8_192
"""Units at once; see `extremes`."""
SAMPLED = 512
"""Pictures whose activations are all kept."""

_LARGEST_HALF = 65_504.0
"""Largest number that float16 holds."""


class LayerSums:
    """What is known so far of the units of one layer, pooled in one way.

    Args:
        units: How many.
        width: Of the image embedding.
        device: Where.
        placed: Whether the positions of extreme values are kept.
    """

    def __init__(self, units: int, width: int, device: torch.device, *, placed: bool) -> None:
        self.least = torch.full((units,), torch.inf, device=device)
        self.most = torch.full((units,), -torch.inf, device=device)
        self.fired = torch.zeros(units, dtype=torch.int64, device=device)
        self.moments = UnitMoments(units, width, device)
        self.top, self.bottom = (Largest(units, device, placed=placed) for _ in range(2))
        self.bins = Bins(units, device)
        self.sample = torch.zeros(SAMPLED, units, dtype=torch.float16, device=device)

    def add(
        self,
        block: Pooled | PooledEntries,
        pictures: Tensor,
        centred: Tensor,
        now: EmbeddingMoments,
        before: EmbeddingMoments,
    ) -> None:
        """Take in new pictures: their values, indices and embeddings, as the parts want them."""
        if isinstance(block, PooledEntries):
            there, values, positions = block.by_unit()
            units, idle = there.nonzero()[:, 0], (~there).nonzero()[:, 0]
            self._add_zeros(idle, pictures)
        else:
            units = None
            values, positions = block.values.T.contiguous(), block.positions
            positions = None if positions is None else positions.T
        self._widen(values.amin(dim=1), values.amax(dim=1), units)
        self.bins.count(values, units)
        self.fired[slice(None) if units is None else units] += (values > 0).sum(dim=1)
        self.moments.add(values, centred, now, before, units)
        self.top.add(values, pictures, positions, units)
        self.bottom.add(-values, pictures, positions, units)

    def _add_zeros(self, units: Tensor, pictures: Tensor) -> None:
        """Take in new pictures in which some units are zero; all but the moments."""
        zeros = torch.zeros_like(self.least[units])
        self._widen(zeros, zeros, units)
        self.bins.count_zeros(units, len(pictures))
        self.top.add_zeros(units, pictures)
        self.bottom.add_zeros(units, pictures)

    def keep(self, block: Pooled | PooledEntries, rows: Sequence[int], places: Sequence[int]) -> None:
        """Keep the values of some of a block's pictures at places of the sample."""
        if not len(rows):
            return
        values = block.only(torch.tensor(rows, device=self.sample.device)).dense().values
        self.sample[list(places)] = values.clamp(-_LARGEST_HALF, _LARGEST_HALF).to(torch.float16)

    def merge(self, other: LayerSums, now: EmbeddingMoments, before: EmbeddingMoments) -> None:
        """Take in the sums over other pictures, whose embeddings are `now`; all but the sample."""
        self._widen(other.least, other.most)
        self.bins.merge(other.bins)
        self.fired += other.fired
        self.moments.merge(other.moments, now, before)
        self.top.merge(other.top)
        self.bottom.merge(other.bottom)

    def take_up(self, found: UnitStatistics, numbers: Tensor) -> None:
        """Go on from what a finished survey knows, all but the sample.

        Args:
            found: What it knows.
            numbers: The index in the set of each of its pictures.
        """

        def tensor(array: NDArray[Any]) -> Tensor:
            # Copied, since a survey's arrays are files that cannot be written to.
            return torch.from_numpy(np.array(array)).to(self.least.device)

        self.least, self.most, self.fired = tensor(found.least), tensor(found.most), tensor(found.fired)
        moments, bins, histogram = self.moments, self.bins, found.histogram
        moments.means, moments.squares = tensor(found.means), tensor(found.squares)
        moments.cross = tensor(found.cross)
        bins.exponents, bins.starts = tensor(histogram.exponents), tensor(histogram.starts)
        bins.counts = tensor(histogram.counts.view("int32"))
        for largest, ends, sign in ((self.top, found.top, 1), (self.bottom, found.bottom, -1)):
            # Behind the last number, that of none.
            renumbered = torch.cat([numbers, numbers.new_tensor([NONE])])[tensor(ends.pictures).long()]
            largest.take_up(tensor(ends.values) * sign, renumbered, tensor(ends.positions))

    def tensors(self) -> dict[str, Tensor]:
        """All of it, by name; `restore` takes it back."""
        return {name: getattr(part, last) for name, part, last in self._parts()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        for name, part, last in self._parts():
            setattr(part, last, tensors[name].to(self.least.device))

    def statistics(self, key: Key, count: int, sampled: Sequence[int], numbers: Tensor) -> UnitStatistics:
        """What is known, as data.

        Args:
            key: The layer and its pooling.
            count: Pictures.
            sampled: The places of the sample, in the order of the pictures.
            numbers: The index in the finished survey of each picture of the set.
        """
        moments, bins = self.moments, self.bins
        return UnitStatistics(
            layer=key[0],
            pooling=key[1],
            count=count,
            means=moments.means.cpu().numpy(),
            squares=moments.squares.cpu().numpy(),
            least=self.least.cpu().numpy(),
            most=self.most.cpu().numpy(),
            fired=self.fired.cpu().numpy(),
            cross=moments.cross.cpu().numpy(),
            top=_extremes(self.top, numbers, 1),
            bottom=_extremes(self.bottom, numbers, -1),
            histogram=Histogram(
                bins.exponents.cpu().numpy(), bins.starts.cpu().numpy(), bins.counts.cpu().numpy().view("uint32")
            ),
            sample=self.sample[list(sampled)].T.contiguous().cpu().numpy(),
        )

    def _widen(self, least: Tensor, most: Tensor, units: Tensor | None = None) -> None:
        """Make room for values from `least` to `most`, of all or of some units, (units,) each."""
        every = slice(None) if units is None else units
        low, high = self.least[every], self.most[every]
        wider = ((least < low) | (most > high)).nonzero()[:, 0]
        some = wider if units is None else units[wider]
        self.least[some] = torch.minimum(low, least)[wider]
        self.most[some] = torch.maximum(high, most)[wider]
        self.bins.widen(self.least[some], self.most[some], some)

    def _parts(self) -> Iterator[tuple[str, object, str]]:
        names = ["least", "most", "fired", "sample", "moments.means", "moments.squares", "moments.cross"]
        names += [f"{end}.{what}" for end in ("top", "bottom") for what in ("keys", "positions")]
        names += [f"bins.{what}" for what in ("exponents", "starts", "counts")]
        for name in names:
            first, _, last = name.rpartition(".")
            yield name, getattr(self, first) if first else self, last


class Sample:
    """Which pictures are sampled: those whose ids have the smallest SHA-256, whatever the order in which they come."""

    def __init__(self) -> None:
        self.ranks: list[int] = []
        self.pictures: list[int] = []

    def take(self, ids: Sequence[str], pictures: Sequence[int]) -> dict[int, int]:
        """Take in new pictures; returns the place of each that is in the sample now, by its place in `ids`."""
        taken: dict[int, int] = {}
        for row, (id_, picture) in enumerate(zip(ids, pictures, strict=True)):
            place = self._place(_rank(id_), picture)
            if place is not None:
                taken[place] = row
        return taken

    def take_up(self, ids: Sequence[str], pictures: Sequence[int]) -> None:
        """Go on from the sample of a finished survey."""
        self.ranks, self.pictures = [_rank(each) for each in ids], list(pictures)

    def merge(self, other: Sample) -> dict[int, int]:
        """Take in another sample; returns the place there of each picture that came from it, by its place here."""
        taken: dict[int, int] = {}
        for theirs, (rank, picture) in enumerate(zip(other.ranks, other.pictures, strict=True)):
            place = self._place(rank, picture)
            if place is not None:
                taken[place] = theirs
        return taken

    def _place(self, rank: int, picture: int) -> int | None:
        if len(self.ranks) < SAMPLED:
            self.ranks.append(rank)
            self.pictures.append(picture)
            return len(self.ranks) - 1
        place = max(range(SAMPLED), key=self.ranks.__getitem__)
        if rank >= self.ranks[place]:
            return None
        self.ranks[place], self.pictures[place] = rank, picture
        return place

    def order(self) -> list[int]:
        """The places, by the index of the picture."""
        return sorted(range(len(self.pictures)), key=self.pictures.__getitem__)


def _rank(id_: str) -> int:
    return int.from_bytes(sha256(id_.encode()).digest()[:8], "big")


def bytes_of(units: int, width: int) -> int:
    """Memory that `LayerSums` of so many units take, for an embedding of this width."""
    return units * (4 * width + 2 * KEPT * 10 + 4 * BINS + 2 * SAMPLED + 40)


def _extremes(largest: Largest, numbers: Tensor, sign: int) -> Extremes:
    values, pictures, positions = largest.sorted()
    # Behind the last number, that of none.
    renumbered = torch.cat([numbers, numbers.new_tensor([NONE])]).int()
    for rows in torch.split(pictures, _ROWS):
        rows.copy_(renumbered[rows.long()])
    values *= sign
    return Extremes(values.cpu().numpy(), pictures.cpu().numpy(), positions.cpu().numpy())
