"""One pass of two models over the same pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from clipdesk.activations.blocks import NOT_NUMBERS, Block, finite_rows
from clipdesk.activations.comparing.pairs import CrossSums, PairSums
from clipdesk.activations.comparing.planning import LayerPair
from clipdesk.activations.decoding import Prepared, Thumbnail, read_ahead
from clipdesk.activations.pooling import Pooled
from clipdesk.activations.reading import PooledReader
from clipdesk.activations.scan import BLOCK, ScanState, precision_for
from clipdesk.activations.statistics import Key, Pooling
from clipdesk.errors import UsageError
from clipdesk.imagesets.sets import ImageSet, LeftOut
from clipdesk.network.faults import explained
from clipdesk.network.opened import OpenModel

_ON_CPU, _ON_GPU = 16, 64


class Half:
    """One of the two models in a pass.

    Args:
        opened: The model.
        layers: Those that are read.
        pooling: The one in which they are read.
    """

    def __init__(self, opened: OpenModel, layers: Sequence[str], pooling: Pooling) -> None:
        self.opened = opened
        self.reader = PooledReader(opened, list(dict.fromkeys(layers)), precision_for(opened), pooling)
        self.state = ScanState(self.reader, opened.device)
        self.block = Block(BLOCK)
        self.keys = {name: (name, pooling) for name, pooling in self.reader.units()}

    def units(self, layer: str) -> int:
        """How many units a layer has."""
        return self.reader.units()[self.keys[layer]]

    def read(self, prepared: Sequence[Prepared]) -> tuple[Mapping[Key, Pooled], Tensor]:
        """Read pictures."""
        return self.reader.read(torch.from_numpy(np.stack([each.pixels for each in prepared])))

    def settle(self, done: int) -> None:
        """Take the block in and begin another."""
        if self.block.pictures:
            self.state.add(self.block)
        self.state.done = done
        self.block.clear()


class Pass:
    """Two models that read the same pictures, and the sums over their units together.

    Args:
        first: A model.
        second: Another.
        pairs: The layers that are compared.
        pooling: How values at positions become one, where a layer has that; else their mean.

    Attributes:
        thumbnails: Of the pictures of the last block.
    """

    def __init__(self, first: OpenModel, second: OpenModel, pairs: Sequence[LayerPair], pooling: Pooling) -> None:
        self.halves = (
            Half(first, [each.first for each in pairs], pooling),
            Half(second, [each.second for each in pairs], pooling),
        )
        self.sums: dict[LayerPair, PairSums | CrossSums] = {}
        for pair in pairs:
            units = self.halves[0].units(pair.first), self.halves[1].units(pair.second)
            self.sums[pair] = PairSums(units[0], first.device) if pair.same else CrossSums(*units, first.device)
        self.thumbnails: list[Thumbnail] = []

    @property
    def done(self) -> int:
        """Index in the set up to which all pictures have been read or left out."""
        return self.halves[0].state.done

    @property
    def left_out(self) -> list[LeftOut]:
        """Pictures that could not be read."""
        return self.halves[0].state.left_out

    def over(self, images: ImageSet, batch: int | None = None) -> Iterator[int]:
        """Read a set from where the pass stands; how many pictures are done, after every block.

        Args:
            images: The pictures.
            batch: Pictures in a forward pass.

        Raises:
            UsageError: not one picture can be read.
            RenderError: the device has too little memory.
            DeviceLostError: the device has failed.
        """
        first = self.halves[0]
        batch = min(batch or (_ON_CPU if first.opened.device.type == "cpu" else _ON_GPU), BLOCK)
        done, total = self.done, len(images.pictures)
        with explained(batch, first.opened.device):
            for prepared in self._prepared(images, batch):
                self._take([each for each in prepared if _readable(each)])
                self.left_out.extend(each for each, _ in prepared if isinstance(each, LeftOut))
                done += len(prepared)
                if len(first.block.pictures) + batch > BLOCK or done == total:
                    self._settle(done)
                    yield done
        if not first.state.pictures:
            reason = f": {self.left_out[0].reason}" if self.left_out else ""
            raise UsageError(f"Not one picture of {images.name} can be read{reason}")

    def _prepared(self, images: ImageSet, batch: int) -> Iterator[list[tuple[Prepared | LeftOut, Prepared | LeftOut]]]:
        """Batches of pictures as each of the models wants them; read once where both want the same."""
        first, second = (each.opened for each in self.halves)
        indices = range(self.done, len(images.pictures))
        if first.side == second.side:
            for batched in read_ahead(images, indices, first.side, batch, first.device):
                yield [(each, each) for each in batched]
            return
        both = (read_ahead(images, indices, each.side, batch, first.device) for each in (first, second))
        for left, right in zip(*both, strict=True):
            yield list(zip(left, right, strict=True))

    def _take(self, prepared: Sequence[tuple[Prepared | LeftOut, Prepared | LeftOut]]) -> None:
        if not prepared:
            return
        sides = [[each for each in side if isinstance(each, Prepared)] for side in zip(*prepared, strict=True)]
        read = [half.read(side) for half, side in zip(self.halves, sides, strict=True)]
        finite = finite_rows(*read[0]).cpu() & finite_rows(*read[1]).cpu()
        rows = finite.nonzero()[:, 0].tolist()
        # A picture counts for both or for none, so that their blocks hold the same ones.
        for half, side, (values, embeddings) in zip(self.halves, sides, read, strict=True):
            kept = {key: _rows(each, rows) for key, each in values.items()}
            half.block.put([side[row] for row in rows], kept, embeddings[rows])
        away = (~finite).nonzero()[:, 0].tolist()
        self.left_out.extend(LeftOut(sides[0][row].picture.place, NOT_NUMBERS) for row in away)

    def _settle(self, done: int) -> None:
        first, second = self.halves
        left, right = dict(first.block.values()), dict(second.block.values())
        self.thumbnails = first.block.thumbnails
        if first.block.pictures:
            for pair, sums in self.sums.items():
                values = left[first.keys[pair.first]].dense().values, right[second.keys[pair.second]].dense().values
                sums.add(*values)
        for half in self.halves:
            half.settle(done)


def _readable(pair: tuple[Prepared | LeftOut, Prepared | LeftOut]) -> bool:
    return all(isinstance(each, Prepared) for each in pair)


def _rows(pooled: Pooled, rows: list[int]) -> Pooled:
    if len(rows) == len(pooled.values):
        return pooled
    return Pooled(pooled.values[rows], None if pooled.positions is None else pooled.positions[rows])
