"""Values of pictures, gathered until there are enough to be summed up at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from clipdesk.activations.decoding import Prepared, Thumbnail
from clipdesk.activations.pooling import Pooled, PooledEntries
from clipdesk.activations.statistics import Key, Surveyed
from clipdesk.imagesets.sets import LeftOut

NOT_NUMBERS = "the model's activations for it are not numbers"


def finite_rows(values: Mapping[Key, Pooled | PooledEntries], embeddings: Tensor) -> Tensor:
    """For which pictures all of a model's numbers are numbers, bool, (pictures,)."""
    finite = embeddings.isfinite().all(dim=1)
    for each in values.values():
        if isinstance(each, PooledEntries):
            entries = each.values
            finite[entries.places[~entries.values.isfinite()] // entries.shape[2]] = False
            continue
        # In float64, finite numbers add up to a finite one: a sum tells as much as a look at each.
        finite &= each.values.sum(dim=1, dtype=torch.float64).isfinite()
    return finite


class Block:
    """Values of up to `size` pictures. Its memory is used again and again: memory that comes and goes leaves holes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: dict[Key, Pooled] = {}
        self._entries: dict[Key, list[PooledEntries]] = {}
        self._laid: set[Key] = set()
        """Whose values are all in `_values`: those of a layer come as entries only where none is below zero."""
        self._embeddings: Tensor | None = None
        self.pictures: list[tuple[int, Surveyed]] = []
        """Index in the set, and what is known of each picture."""
        self.thumbnails: list[Thumbnail] = []

    @property
    def numbers(self) -> list[int]:
        """The pictures' indices in the set."""
        return [number for number, _ in self.pictures]

    @property
    def embeddings(self) -> Tensor:
        """float32, (pictures, width)."""
        return torch.empty(0, 0) if self._embeddings is None else self._embeddings[: len(self.pictures)]

    def values(self) -> Iterator[tuple[Key, Pooled | PooledEntries]]:
        """The values by layer and pooling."""
        count = len(self.pictures)
        for key, parts in self._entries.items():
            yield key, PooledEntries.joined(parts)
        for key in self._laid:
            values, positions = self._values[key]
            yield key, Pooled(values[:count], None if positions is None else positions[:count])

    def put(
        self, prepared: Sequence[Prepared], values: Mapping[Key, Pooled | PooledEntries], embeddings: Tensor
    ) -> list[LeftOut]:
        """Take in pictures, but for those for which the model's numbers are none; these are returned.

        Args:
            prepared: The pictures.
            values: Their values, by layer and pooling.
            embeddings: float32, (pictures, width).
        """
        finite = finite_rows(values, embeddings)
        rows = finite.nonzero()[:, 0]
        begin, end = len(self.pictures), len(self.pictures) + len(rows)
        if self._embeddings is None:
            self._embeddings = embeddings.new_empty(self._size, embeddings.shape[1])
        self._embeddings[begin:end] = embeddings[rows]
        for key, each in values.items():
            if isinstance(each, PooledEntries) and key not in self._laid:
                self._entries.setdefault(key, []).append(each.only(rows) if len(rows) < len(finite) else each)
                continue
            self._laid.add(key)
            if key in self._entries:
                self._lay(key, PooledEntries.joined(self._entries.pop(key)).dense(), 0)
            self._lay(key, each.dense().only(rows), begin)
        good = [prepared[row] for row in rows.tolist()]
        self.pictures += [(each.number, each.picture) for each in good]
        self.thumbnails += [each.thumbnail for each in good]
        return [LeftOut(prepared[row].picture.place, NOT_NUMBERS) for row in (~finite).nonzero()[:, 0].tolist()]

    def clear(self) -> None:
        """Begin anew, in the same memory."""
        self.pictures, self.thumbnails = [], []
        self._entries, self._laid = {}, set()

    def _lay(self, key: Key, values: Pooled, begin: int) -> None:
        kept, end = self._kept(key, values), begin + len(values.values)
        kept.values[begin:end] = values.values
        if kept.positions is not None and values.positions is not None:
            kept.positions[begin:end] = values.positions

    def _kept(self, key: Key, like: Pooled) -> Pooled:
        if key not in self._values:
            shape = (self._size, like.values.shape[1])
            positions = None if like.positions is None else like.positions.new_empty(shape)
            self._values[key] = Pooled(like.values.new_empty(shape), positions)
        return self._values[key]
