"""scan(): one pass of a model over an image set, as a generator."""

from __future__ import annotations

import ctypes
import sys
from bisect import bisect_left
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clipdesk.activations.blocks import Block
from clipdesk.activations.decoding import Prepared, Thumbnail, read_ahead
from clipdesk.activations.layers import usual_layers
from clipdesk.activations.moments import EmbeddingMoments
from clipdesk.activations.reading import PooledReader
from clipdesk.activations.statistics import Embeddings, Key, Surveyed, UnitStatistics
from clipdesk.activations.sums import LayerSums, Sample
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.imagesets.sets import ImageSet, LeftOut
from clipdesk.network.faults import explained
from clipdesk.network.opened import OpenModel
from clipdesk.network.precision import Precision, precision_of

BLOCK = 160
"""Pictures whose values are gathered before they are summed up."""
_ON_CPU, _ON_GPU = 16, 128
"""Pictures in a forward pass."""


class ScanState:
    """What a pass has found so far; it goes on from there.

    Attributes:
        done: Index in the set up to which all pictures have been read or left out.
        pictures: Those that were read: index in the set, and what is known of it.
        left_out: Pictures that could not be read, with the reason.
        sums: By layer and pooling.
        moments: Of the embeddings.
        embeddings: Blocks of them, float16.
        sample: Which pictures are sampled.
    """

    def __init__(self, reader: PooledReader, device: torch.device) -> None:
        self.done = 0
        self.pictures: list[tuple[int, Surveyed]] = []
        self.left_out: list[LeftOut] = []
        self.sums = {
            key: LayerSums(units, reader.width, device, placed=key[1] == "max") for key, units in reader.units().items()
        }
        self.moments = EmbeddingMoments.none(reader.width, device)
        self.embeddings: list[NDArray[np.float16]] = []
        self.sample = Sample()

    def add(self, block: Block) -> None:
        """Take in a block of pictures."""
        numbers, rows = block.numbers, block.embeddings
        indices = torch.tensor(numbers, device=rows.device)
        now = EmbeddingMoments.of(rows)
        centred = (rows.double() - now.mean).float()
        taken = self.sample.take([each.id for _, each in block.pictures], numbers)
        for key, pooled in block.values():
            self.sums[key].add(pooled, indices, centred, now, self.moments)
            self.sums[key].keep(pooled, list(taken.values()), list(taken))
        self.moments.merge(now)
        self.pictures += block.pictures
        self.embeddings.append(rows.to(torch.float16).cpu().numpy())

    def take_up(self, survey: Survey, indices: Sequence[int]) -> None:
        """Go on from a finished survey of some of the set's pictures.

        Args:
            survey: It; of the same weights and layers.
            indices: The index in the set of each of its pictures, ascending.
        """
        numbers = torch.tensor(indices, device=self.moments.mean.device)
        sampled = survey.sample.tolist()
        self.sample.take_up([survey.pictures[each].id for each in sampled], [indices[each] for each in sampled])
        for key, sums in self.sums.items():
            found = survey.statistics[key]
            sums.take_up(found, numbers)
            sums.sample[: len(sampled)] = torch.from_numpy(np.array(found.sample.T)).to(numbers.device)
        known = survey.embeddings
        mean, scatter = (torch.from_numpy(np.array(each)).to(numbers.device) for each in (known.mean, known.scatter))
        self.moments = EmbeddingMoments(len(indices), mean, scatter)
        self.embeddings = [np.array(known.rows)]
        self.pictures = list(zip(indices, survey.pictures, strict=True))

    def merge(self, other: ScanState) -> None:
        """Take in what a pass over other pictures of the same set has found."""
        if other.pictures:
            taken = self.sample.merge(other.sample)
            for key, sums in self.sums.items():
                sums.merge(other.sums[key], other.moments, self.moments)
                sums.sample[list(taken)] = other.sums[key].sample[list(taken.values())]
            self.moments.merge(other.moments)
            self.pictures += other.pictures
            self.embeddings += other.embeddings
            self.put_in_order()
        self.left_out += other.left_out
        self.done = max(self.done, other.done)

    def check_read(self, name: str) -> None:
        """Check that a picture was read.

        Args:
            name: Name of the set.

        Raises:
            UsageError: not one can be read.
        """
        if not self.pictures:
            reason = f": {self.left_out[0].reason}" if self.left_out else ""
            raise UsageError(f"Not one picture of {name} can be read{reason}")

    def put_in_order(self) -> None:
        """Put pictures and embeddings into the order of the set."""
        pictures = self.pictures
        order = sorted(range(len(pictures)), key=lambda row: pictures[row][0])
        if order != list(range(len(pictures))):
            self.pictures = [pictures[row] for row in order]
            self.embeddings = [np.concatenate(self.embeddings)[order]]

    @property
    def settled(self) -> int:
        """How many of the set's pictures need no reading any more."""
        return self.done + sum(index >= self.done for index, _ in self.pictures)

    @property
    def surveyed(self) -> list[Surveyed]:
        """The pictures that were read, in the order of their places."""
        return [picture for _, picture in self.pictures]

    def sampled(self) -> NDArray[np.int32]:
        """As `Survey.sample`."""
        numbers = self._numbers()
        return np.array([int(numbers[self.sample.pictures[place]]) for place in self.sample.order()], dtype=np.int32)

    def all_embeddings(self) -> Embeddings:
        """As `Survey.embeddings`."""
        moments = self.moments
        return Embeddings(np.concatenate(self.embeddings), moments.mean.cpu().numpy(), moments.scatter.cpu().numpy())

    def statistics(self, key: Key) -> UnitStatistics:
        """What is known of a layer's units, as data."""
        numbers = self._numbers()
        return self.sums[key].statistics(key, self.moments.count, self.sample.order(), numbers)

    def _numbers(self) -> Tensor:
        """The index among the pictures that were read, by the index in the set."""
        numbers = torch.full((self.done,), -1, dtype=torch.int64, device=self.moments.mean.device)
        numbers[[index for index, _ in self.pictures]] = torch.arange(len(self.pictures), device=numbers.device)
        return numbers


@dataclass(frozen=True, eq=False)
class Scanned:
    """How far a pass is. It must be used before the next one is pulled.

    Attributes:
        done: Pictures that have been read or left out.
        total: Pictures in the set.
        thumbnails: Of those that were read since the last one.
        state: What has been found.
    """

    done: int
    total: int
    thumbnails: list[Thumbnail]
    state: ScanState


def scan(
    opened: OpenModel,
    images: ImageSet,
    layers: Sequence[str] | None = None,
    *,
    state: ScanState | None = None,
    precision: Precision | None = None,
    batch: int | None = None,
    block: int = BLOCK,
    part: Sequence[int] | None = None,
) -> Generator[Scanned, None, None]:
    """Read every picture of a set once, and sum up what each unit answers to.

    To pause, stop pulling; to stop, close the generator. It holds what it has found in `Scanned.state`.

    Args:
        opened: The model.
        images: The pictures.
        layers: Which layers; by default those that `usual_layers` names.
        state: Found by an earlier pass of the same model over the same set and layers, which is gone on with. Pictures
            that it knows are not read again.
        precision: What to compute in: by default float32 on a CPU, and bfloat16 on a GPU that is fast at it.
        batch: Pictures in a forward pass.
        block: Pictures that are summed up at once. It changes nothing but speed and memory.
        part: Indices of pictures in the set, ascending; by default all.

    Yields:
        After every block how far it is.

    Raises:
        UsageError: at once, if there is no such layer.
        RenderError: the device has too little memory.
        DeviceLostError: the device has failed.
    """
    device = opened.device
    layers = usual_layers(opened.inspector) if layers is None else layers
    reader = PooledReader(opened, layers, precision or precision_for(opened))
    state = state or ScanState(reader, device)
    batch = batch or batch_on(device)
    return _scan(
        opened, images, reader, state, min(batch, block), block, range(len(images.pictures)) if part is None else part
    )


def batch_on(device: torch.device) -> int:
    """How many pictures there are in a forward pass."""
    return _ON_CPU if device.type == "cpu" else _ON_GPU


def precision_for(opened: OpenModel) -> Precision:
    """What a pass computes in: float32 on a CPU, so that its numbers are exact; elsewhere what is fast."""
    return "float32" if opened.device.type == "cpu" else precision_of("auto", opened.network, opened.device)


def new_state(opened: OpenModel, layers: Sequence[str]) -> ScanState:
    """Nothing found yet, for these layers."""
    return ScanState(PooledReader(opened, layers, "float32"), opened.device)


def _scan(
    opened: OpenModel,
    images: ImageSet,
    reader: PooledReader,
    state: ScanState,
    batch: int,
    block: int,
    part: Sequence[int],
) -> Generator[Scanned, None, None]:
    gathered = Block(block)
    waiting, taken, stop = waiting_for(state, part), 0, part[-1] + 1 if part else 0
    with explained(batch, opened.device):
        for prepared in read_ahead(images, waiting, opened.side, batch, opened.device):
            state.left_out += [each for each in prepared if isinstance(each, LeftOut)]
            good = [each for each in prepared if isinstance(each, Prepared)]
            if good:
                pixels = torch.from_numpy(np.stack([each.pixels for each in good]))
                state.left_out += gathered.put(good, *reader.read_entries(pixels))
            taken += len(prepared)
            left = len(waiting) - taken
            if len(gathered.pictures) + batch > block or not left:
                if gathered.pictures:
                    state.add(gathered)
                state.done = waiting[taken] if left else stop
                _give_back_memory()
                yield Scanned(len(part) - left, len(part), gathered.thumbnails, state)
                gathered.clear()
    state.done = max(state.done, stop)
    state.put_in_order()


def waiting_for(state: ScanState, part: Sequence[int]) -> Sequence[int]:
    """Those of some pictures that a pass has not read or left out yet; their indices ascend."""
    rest = part[bisect_left(part, state.done) :]
    known = {index for index, _ in state.pictures if index >= state.done}
    return [index for index in rest if index not in known] if known else rest


def _give_back_memory() -> None:
    """Give free memory back to the system: glibc keeps what lies between memory that is used, some 200 MB here."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
