"""Shards: parts of one pass over an image set, which other processes read, and which are added up in their order."""

from __future__ import annotations

import math
import os
import re
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from clipdesk.activations.checkpoints import read_checkpoint, save_state
from clipdesk.activations.decoding import Thumbnail
from clipdesk.activations.scan import ScanState, new_state, scan
from clipdesk.errors import ClipDeskError
from clipdesk.imagesets.sets import ImageSet
from clipdesk.network.opened import OpenModel
from clipdesk.network.precision import Precision

Shard = tuple[tuple[int, int], ...]
"""Indices of pictures in a set, ascending, as runs: each from its first one to the one after its last."""

PIECE = 4 * 2**20
"""Bytes of what was found that are given at once."""
_BYTES_A_PICTURE = 100_000
"""So many bytes of sums take a small part of the time of a picture, to be sent, kept and added up."""
_FEWEST = 320
"""Pictures of a shard, where there are enough."""
_NAME = re.compile(r"shard-(\d{1,10})-(\d{1,10})-(\d{1,10})")
_WRITING = ".writing"


def shard_of(indices: Sequence[int]) -> Shard:
    """Indices as runs."""
    if isinstance(indices, range) and indices.step == 1:
        return ((indices.start, indices.stop),) if indices else ()
    runs = (list(each) for _, each in groupby(enumerate(indices), lambda pair: pair[1] - pair[0]))
    return tuple((run[0][1], run[-1][1] + 1) for run in runs)


def indices_of(shard: Shard) -> Sequence[int]:
    """The indices of a shard."""
    if len(shard) == 1:
        return range(*shard[0])
    return [index for run in shard for index in range(*run)]


def size_of_shards(pictures: int, workers: int, size: int, batch: int) -> int:
    """How many pictures a shard has: so many that its sums cost little beside them, yet all workers end together.

    It is whole batches, so that each picture is read in the batch in which one pass reads it: a network's last bits
    depend on that.

    Args:
        pictures: How many there are.
        workers: Who read them.
        size: Bytes of a shard's sums.
        batch: Pictures in a forward pass.
    """
    wanted = max(_FEWEST, size // _BYTES_A_PICTURE)
    # As many for each worker, and rather two than one, so that a worker's end costs less.
    each = max(1, math.ceil(pictures / wanted / workers))
    return batch * max(1, -(-pictures // (each * workers * batch)))


@dataclass(frozen=True)
class Piece:
    """Bytes of what was found in a shard.

    Attributes:
        done: How many of its pictures were read or left out, in order.
        start: Where they belong.
        data: The bytes.
    """

    done: int
    start: int
    data: bytes


@dataclass(frozen=True)
class Part:
    """How far a shard is.

    Attributes:
        done: Pictures of it that were read or left out.
        thumbnails: Of those that were read since the last one.
    """

    done: int
    thumbnails: Sequence[Thumbnail]


def read_shard(
    opened: OpenModel,
    images: ImageSet,
    layers: Sequence[str],
    precision: Precision,
    shard: Shard,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Part | Piece, None, None]:
    """Read a shard's pictures; then what was found comes in pieces.

    Args:
        opened: The model.
        images: The set.
        layers: Names of layers.
        precision: What to compute in.
        shard: Which pictures.
        stop: Asked after every block; when it says True, what was found so far comes.

    Raises:
        RenderError, DeviceLostError: as `scan`.
        ClipDeskError: there is no room for temporary files.
    """
    state, done = new_state(opened, layers), 0
    indices = indices_of(shard)
    with closing(scan(opened, images, layers, state=state, precision=precision, part=indices)) as passes:
        for scanned in passes:
            done = scanned.done
            yield Part(done, scanned.thumbnails)
            if stop():
                break
    if not done:
        return
    try:
        yield from _pieces(state, done)
    except OSError as error:
        raise ClipDeskError(f"Cannot write to {tempfile.gettempdir()}: {error.strerror or error}") from None


def _pieces(state: ScanState, done: int) -> Iterator[Piece]:
    # In a file: the sums of a large model take a gigabyte, and should not be in memory twice.
    with tempfile.TemporaryFile() as file:
        save_state(file, state)
        file.seek(0)
        start = 0
        while data := file.read(PIECE):
            yield Piece(done, start, data)
            start += len(data)


class ShardFiles:
    """Shards on the disk that were read and are not added up yet, so that a pass that was killed goes on with them.

    Args:
        folder: Where the pass keeps what it has found.
        waiting: Indices of the pictures that are to be read, ascending. Files that are of others are removed.
    """

    def __init__(self, folder: Path, waiting: Sequence[int]) -> None:
        self._folder, self._waiting = folder, waiting
        self._next = 0
        self._there: dict[int, int] = {}
        remove_shards(folder, waiting[0] if waiting else 0)
        for first, stop, count in sorted(_named(folder)):
            begin = self._place(first)
            fits = begin < len(waiting) and waiting[begin] == first and self._place(stop) - begin == count
            if fits and begin >= max((self._next, *(place + each for place, each in self._there.items()))):
                self._there[begin] = count
            else:
                self._path(first, stop, count).unlink()

    def _place(self, index: int) -> int:
        return bisect_left(self._waiting, index)

    def _path(self, first: int, stop: int, count: int) -> Path:
        return self._folder / f"shard-{first}-{stop}-{count}"

    def _path_at(self, begin: int) -> Path:
        count = self._there[begin]
        return self._path(self._waiting[begin], self._waiting[begin + count - 1] + 1, count)

    @property
    def done(self) -> int:
        """Pictures that are in a shard that was read, whether or not it is added up."""
        return self._next + sum(self._there.values())

    def missing(self, size: int) -> list[Shard]:
        """What is still to be read, in shards of up to so many pictures."""
        found: list[Shard] = []
        begin = self._next
        for place, count in sorted([*self._there.items(), (len(self._waiting), 0)]):
            cuts = range(begin, place, size)
            found += [shard_of(self._waiting[cut : min(cut + size, place)]) for cut in cuts]
            begin = place + count
        return found

    def take(self, shard: Shard, start: int, data: bytes) -> None:
        """Take a piece of a shard; its first one begins anew.

        Raises:
            OSError: it cannot be written.
        """
        with self._writing(shard).open("ab" if start else "wb") as file:
            file.write(data)

    def _writing(self, shard: Shard) -> Path:
        return self._folder / f"shard-{shard[0][0]}{_WRITING}"

    def finish(self, shard: Shard, done: int) -> None:
        """All pieces of a shard have come, after so many of its pictures.

        Raises:
            OSError: its file cannot be written.
        """
        begin = self._place(shard[0][0])
        self._there[begin] = done
        with self._writing(shard).open("rb+") as file:
            os.fsync(file.fileno())
        self._writing(shard).replace(self._path_at(begin))

    def add_up(self, state: ScanState, blank: Callable[[], ScanState]) -> None:
        """Add those shards to a pass whose turn it is. One that cannot be read is missing again.

        Args:
            state: Of the pass.
            blank: Gives one that has found nothing yet.
        """
        while self._next in self._there:
            path, found = self._path_at(self._next), blank()
            count = self._there.pop(self._next)
            if not read_checkpoint(self._folder, found, path.name):
                path.unlink(missing_ok=True)
                return
            state.merge(found)
            self._next += count


def _named(folder: Path) -> Iterator[tuple[int, int, int]]:
    """The first index, the one after the last, and the number of pictures of each shard's file."""
    for path in folder.glob("shard-*"):
        if match := _NAME.fullmatch(path.name):
            yield int(match[1]), int(match[2]), int(match[3])


def remove_shards(folder: Path, done: int | None = None) -> None:
    """Remove the files of shards, and what is left of those that were being written.

    Args:
        folder: Where they are.
        done: Only those whose pictures are all before this index; by default all.
    """
    for path in folder.glob("shard-*"):
        match = _NAME.fullmatch(path.name)
        if done is None or (match and int(match[2]) <= done):
            path.unlink()
