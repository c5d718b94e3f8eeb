"""scan(): one pass of a model over an image set, as a generator."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clipdesk.activations.layers import usual_layers
from clipdesk.activations.moments import EmbeddingMoments
from clipdesk.activations.pooling import Pooled
from clipdesk.activations.reading import PooledReader
from clipdesk.activations.statistics import Embeddings, Key, Surveyed, UnitStatistics
from clipdesk.activations.sums import LayerSums, Sample
from clipdesk.errors import UsageError
from clipdesk.imagesets.pixels import fitted
from clipdesk.imagesets.sets import ImageSet, LeftOut
from clipdesk.network.faults import explained
from clipdesk.network.opened import OpenModel
from clipdesk.network.precision import Precision, precision_of

BLOCK = 128
"""Pictures whose values are gathered before they are summed up."""
THUMBNAIL = 224
"""Side of a thumbnail, in pixels."""

_ON_CPU, _ON_GPU = 16, 128
"""Pictures in a forward pass."""
_AHEAD = 3
"""Forward passes whose pictures are read ahead."""
_QUALITY = 80


class ScanState:
    """What a pass has found so far; it goes on from there.

    Attributes:
        done: How many of the set's pictures have been read or left out.
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

    def add(self, pictures: Sequence[tuple[int, Surveyed]], values: Sequence[dict[Key, Pooled]], rows: Tensor) -> None:
        """Take in a block of pictures, their values in parts, which are used up, and their embeddings."""
        device = rows.device
        indices = torch.tensor([index for index, _ in pictures], device=device)
        now = EmbeddingMoments.of(rows)
        centred = (rows.double() - now.mean).float()
        taken = self.sample.take([each.id for _, each in pictures], [index for index, _ in pictures])
        for key in list(values[0]):
            block = _joined([part.pop(key) for part in values])
            self.sums[key].add(block, indices, centred, now, self.moments)
            self.sums[key].keep(block, list(taken.values()), list(taken))
        self.moments.merge(now)
        self.pictures += pictures
        self.embeddings.append(rows.to(torch.float16).cpu().numpy())

    def merge(self, other: ScanState) -> None:
        """Take in what a pass over other pictures of the same set has found."""
        taken = self.sample.merge(other.sample)
        for key, sums in self.sums.items():
            sums.merge(other.sums[key], other.moments, self.moments)
            sums.sample[list(taken)] = other.sums[key].sample[list(taken.values())]
        self.moments.merge(other.moments)
        pictures = [*self.pictures, *other.pictures]
        order = sorted(range(len(pictures)), key=lambda row: pictures[row][0])
        self.pictures = [pictures[row] for row in order]
        self.embeddings = [np.concatenate([*self.embeddings, *other.embeddings])[order]]
        self.left_out += other.left_out
        self.done = max(self.done, other.done)

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


class Thumbnail(NamedTuple):
    """A picture as the model sees it.

    Attributes:
        picture: Its index in the set.
        webp: As WebP, 224 px.
    """

    picture: int
    webp: bytes


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
    part: range | None = None,
) -> Iterator[Scanned]:
    """Read every picture of a set once, and sum up what each unit answers to.

    To pause, stop pulling; to stop, close the generator. It holds what it has found in `Scanned.state`.

    Args:
        opened: The model.
        images: The pictures.
        layers: Which layers; by default those that `usual_layers` names.
        state: Found by an earlier pass of the same model over the same set and layers, which is gone on with.
        precision: What to compute in: by default float32 on a CPU, and bfloat16 on a GPU that is fast at it.
        batch: Pictures in a forward pass.
        block: Pictures that are summed up at once. It changes nothing but speed and memory.
        part: Which pictures of the set; by default all.

    Yields:
        After every block how far it is.

    Raises:
        UsageError: at once, if there is no such layer; from the generator, if not one picture can be read.
        RenderError: the device has too little memory.
        DeviceLostError: the device has failed.
    """
    device = opened.device
    layers = usual_layers(opened.inspector) if layers is None else layers
    reader = PooledReader(opened, layers, precision or precision_for(opened))
    state = state or ScanState(reader, device)
    batch = batch or (_ON_CPU if device.type == "cpu" else _ON_GPU)
    return _scan(opened, images, reader, state, min(batch, block), block, part or range(len(images.pictures)))


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
    part: range,
) -> Iterator[Scanned]:
    gathered = _Block()
    begin = max(part.start, state.done)
    with explained(batch, opened.device):
        for prepared in _batches(images, range(begin, part.stop), opened.side, batch):
            good = [each for each in prepared if not isinstance(each.found, LeftOut)]
            state.left_out += [each.found for each in prepared if isinstance(each.found, LeftOut)]
            if good:
                pixels = torch.from_numpy(np.stack([each.pixels for each in good]))
                _gather(gathered, good, *reader.read(pixels), state)
            done = prepared[-1].number + 1
            if len(gathered.pictures) + batch > block or done == part.stop:
                if gathered.pictures:
                    state.add(gathered.pictures, gathered.values, torch.cat(gathered.embeddings))
                state.done = done
                yield Scanned(done, part.stop, gathered.thumbnails, state)
                gathered = _Block()
    if not state.pictures:
        reason = f": {state.left_out[0].reason}" if state.left_out else ""
        raise UsageError(f"Not one picture of {images.name} can be read{reason}")


@dataclass
class _Block:
    pictures: list[tuple[int, Surveyed]] = field(default_factory=list)
    values: list[dict[Key, Pooled]] = field(default_factory=list)
    embeddings: list[Tensor] = field(default_factory=list)
    thumbnails: list[Thumbnail] = field(default_factory=list)


def _joined(parts: Sequence[Pooled]) -> Pooled:
    positions = [part.positions for part in parts if part.positions is not None]
    return Pooled(torch.cat([part.values for part in parts]), torch.cat(positions) if positions else None)


def _gather(
    block: _Block, prepared: Sequence[_Prepared], values: dict[Key, Pooled], embeddings: Tensor, state: ScanState
) -> None:
    """Put pictures into a block, but for those for which the model's numbers are none."""
    finite = embeddings.isfinite().all(dim=1)
    for each in values.values():
        finite &= each.values.isfinite().all(dim=1)
    rows = finite.nonzero()[:, 0]
    if len(rows) < len(prepared):
        bad = (~finite).nonzero()[:, 0].tolist()
        reason = "the model's activations for it are not numbers"
        state.left_out += [LeftOut(prepared[row].place, reason) for row in bad]
        values = {
            key: Pooled(each.values[rows], None if each.positions is None else each.positions[rows])
            for key, each in values.items()
        }
        embeddings = embeddings[rows]
    for row in rows.tolist():
        picture = prepared[row]
        assert isinstance(picture.found, Surveyed)
        block.pictures.append((picture.number, picture.found))
        block.thumbnails.append(Thumbnail(picture.number, picture.thumbnail))
    if len(rows):
        block.values.append(values)
        block.embeddings.append(embeddings)


class _Prepared(NamedTuple):
    """A picture that is ready for the model, or why it is not."""

    number: int
    place: str
    found: Surveyed | LeftOut
    pixels: NDArray[np.uint8]
    thumbnail: bytes


def _batches(images: ImageSet, indices: range, side: int, batch: int) -> Iterator[list[_Prepared]]:
    """Pictures in batches, read ahead on other threads."""
    with ThreadPoolExecutor(max(2, (os.cpu_count() or 2) - 1), thread_name_prefix="pictures") as pool:
        ahead: deque[Future[_Prepared]] = deque()
        left = iter(indices)
        try:
            while True:
                while len(ahead) < _AHEAD * batch and (index := next(left, None)) is not None:
                    ahead.append(pool.submit(_prepare, images, index, side))
                if not ahead:
                    return
                yield [ahead.popleft().result() for _ in range(min(batch, len(ahead)))]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare(images: ImageSet, index: int, side: int) -> _Prepared:
    picture = images.pictures[index]
    try:
        read = images.read(index, max(side, THUMBNAIL))
    except UsageError as error:
        return _Prepared(index, picture.place, LeftOut(picture.place, str(error)), np.empty(0, np.uint8), b"")
    seen = fitted(read.image, side)
    small = seen if side == THUMBNAIL else fitted(read.image, THUMBNAIL)
    file = BytesIO()
    small.save(file, "WEBP", quality=_QUALITY, method=0)
    known = Surveyed(f"{read.sha256[:16]}:{picture.place}", picture.place, picture.label, picture.caption)
    pixels = np.ascontiguousarray(np.asarray(seen).transpose(2, 0, 1))
    return _Prepared(index, picture.place, known, pixels, file.getvalue())
