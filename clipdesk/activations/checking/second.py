"""A second model that reads a rendered picture beside the pictures that excite its target most.

What a picture owes to the quirks of the network that it was rendered on, another network does not see.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from clipdesk.activations.checking.beside import named_by
from clipdesk.activations.checking.known import KnownTarget, text_rows
from clipdesk.activations.checking.nearness import Space, nearness
from clipdesk.activations.kept import keep_numbers, kept_numbers
from clipdesk.activations.measuring import Picture, square_of
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.reading import PooledReader
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.given import checked
from clipdesk.network.opened import OpenModel
from clipdesk.paths import cache_folder

ReadPicture = Callable[[int], Image.Image | None]
"""Reads a picture of the survey by its index; None where it is not there any more."""

_OTHERS = 192
"""Pictures drawn by chance that show how pictures in general lie in the reader's space."""
_BATCH = 16


@dataclass(frozen=True)
class Seen:
    """A picture as a second model reads it.

    Attributes:
        reader: What that model was asked for by.
        near: How near the picture is to the target's top pictures in its embedding, from 0, as other pictures, to 1, as
            these are to each other; NaN where they cannot be read, or are not alike to this model.
        higher: For a text, how many concepts stand higher in the picture than the text does.
        concepts: How many concepts that is of; 0 for other targets, and where the model does not read texts.
    """

    reader: str
    near: float
    higher: int = 0
    concepts: int = 0


class SecondReader:
    """Reads pictures of a survey, and keeps what it has read.

    Args:
        opened: The second model.
        survey: The survey, of the first model.
        read: Reads its pictures.
        vocabulary: Concepts, read by the second model, that texts are told apart from; without them, texts are not read
            by name.

    Raises:
        UsageError: it is the same model.
    """

    @checked
    def __init__(
        self, opened: OpenModel, survey: Survey, read: ReadPicture, *, vocabulary: Vocabulary | None = None
    ) -> None:
        if opened.sha256 is not None and survey.weights in (opened.sha256, opened.plain):
            raise UsageError(f"{opened.name} is the model that is checked. The reader has to be another one")
        self._opened, self._survey, self._read_picture, self._vocabulary = opened, survey, read, vocabulary
        self._reader = PooledReader(opened, [], "float32")
        self._kept: dict[int, NDArray[np.float32] | None] = {}

    @property
    def name(self) -> str:
        """What the model was asked for by."""
        return "another model" if self._opened.name is None else str(self._opened.name)

    def see(self, picture: Picture, known: KnownTarget) -> Seen:
        """Read a picture of a target."""
        others, rows, space = self._others
        rest = rows[[each not in known.tops for each in others]]
        (row,) = self._embedded([picture])
        near = nearness(space(row), space(self._rows(known.tops)), space(rest))
        if known.text is None or self._vocabulary is None or not len(rest):
            return Seen(self.name, near)
        try:
            return Seen(self.name, near, *self._concepts_higher(known.text, self._vocabulary, row, rest))
        except UsageError:
            # It reads no texts so long.
            return Seen(self.name, near)

    def place(self, pictures: Sequence[Picture]) -> NDArray[np.float64]:
        """Where pictures are in the reader's whitened embedding, (pictures, width)."""
        return self._others[2](self._embedded(pictures))

    @cached_property
    def _others(self) -> tuple[list[int], NDArray[np.float32], Space]:
        """Pictures drawn by chance, their embeddings, kept on the disk, and the space as they fill it."""
        sample = self._survey.sample.tolist()
        some = sample[:: max(1, len(sample) // _OTHERS)][:_OTHERS]
        file = self._file(some)
        rows = None if file is None else kept_numbers(file, (len(some), self._reader.width))
        if rows is None:
            rows = self._rows(some)
            if file is not None and len(rows) == len(some):
                keep_numbers(file, rows)
        self._kept |= dict(zip(some, rows, strict=True)) if len(rows) == len(some) else {}
        there = [each for each in some if self._kept[each] is not None]
        if len(there) < 2:
            return [], rows[:0], Space.of(np.zeros(self._reader.width), np.eye(self._reader.width))
        return there, rows, Space.of(rows.mean(axis=0), np.cov(rows.T))

    def _file(self, pictures: Sequence[int]) -> Path | None:
        """Where the reader's embeddings of some pictures are kept; None for a model that a caller gave."""
        if self._opened.sha256 is None:
            return None
        ids = [self._survey.pictures[each].id for each in pictures]
        # Pictures are read at the size of the survey's model.
        of = [self._opened.sha256, self.name, self._survey.weights, ids]
        digest = hashlib.sha256(json.dumps(of).encode()).hexdigest()[:24]
        return cache_folder() / "readings" / f"{digest}.safetensors"

    def _concepts_higher(
        self, text: str, vocabulary: Vocabulary, row: NDArray[np.float32], others: NDArray[np.float32]
    ) -> tuple[int, int]:
        rest = [place for place, concept in enumerate(vocabulary.concepts) if not named_by(text, concept)]
        texts = np.concatenate([text_rows(self._opened, [text]), vocabulary.means[rest]])
        usual = others @ texts.T
        heights = (texts @ row - usual.mean(axis=0)) / np.maximum(usual.std(axis=0), 1e-6)
        return int((heights[1:] > heights[0]).sum()), len(rest)

    def _rows(self, pictures: Sequence[int]) -> NDArray[np.float32]:
        """Embeddings of those pictures that are still there, (pictures, width)."""
        new = [each for each in dict.fromkeys(pictures) if each not in self._kept]
        images = {each: self._read_picture(each) for each in new}
        there = {each: image for each, image in images.items() if image is not None}
        self._kept |= dict.fromkeys(new) | dict(zip(there, self._embedded(list(there.values())), strict=True))
        rows = [row for each in pictures if (row := self._kept[each]) is not None]
        return np.stack(rows) if rows else np.zeros((0, self._reader.width), np.float32)

    def _embedded(self, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        parts = [np.zeros((0, self._reader.width), np.float32)]
        for first in range(0, len(pictures), _BATCH):
            squares = [square_of(each, self._opened.side) for each in pictures[first : first + _BATCH]]
            pixels = np.stack([np.asarray(each).transpose(2, 0, 1) for each in squares])
            parts.append(self._reader.read(torch.from_numpy(pixels))[1].cpu().numpy())
        return np.concatenate(parts)
