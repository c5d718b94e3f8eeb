"""A survey that the window asks: its pictures, its words, and where in a picture a unit fires. Takes torch along."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image
from PySide6.QtGui import QImage
from typing_extensions import Self

from clipdesk.activations.attention import attention_maps, is_of_heads
from clipdesk.activations.checking.second import SecondReader
from clipdesk.activations.checking.usual import usual_reader
from clipdesk.activations.choosing import what_changed
from clipdesk.activations.directions import vocabulary_of
from clipdesk.activations.heatmaps import has_places, heat_maps
from clipdesk.activations.questions.lookup import poolings_of
from clipdesk.activations.questions.words import Lexicon, prepare
from clipdesk.activations.showing import ShownPictures
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.storing import Manifest, all_surveys, open_survey, read_thumbnail
from clipdesk.activations.survey import Survey
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.gui.images import to_image
from clipdesk.gui.surveys.data import Heat, LayerFacts, PooledUnit, Written
from clipdesk.imagesets.reading import decode_image
from clipdesk.models.names import ModelName
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import default_pool
from clipdesk.network.rectifiers import rectifier_of
from clipdesk.paths import surveys_folder

log = logging.getLogger(__name__)

SIDE = 224
"""Side of the pictures that are shown, as thumbnails are kept."""
_PICTURES = 600
"""Thumbnails that stay decoded: 150 kB each."""

_CROP = 0.4
"""Side of what is cut out of a picture, as a share of its own."""


@dataclass(eq=False)
class OpenSurvey:
    """A survey that is asked, with what has been read of it. To be used on the threads beside the window.

    Attributes:
        folder: Where it is.
        manifest: What it is of.
        survey: The survey.
        model: The name of its model, as the window opened it.
        changed: What is another now than when it was made, in words.
        lexicon: The words for its units; None until they are read.
        facts: What was found out of its layers, by their names.
        written: What heads and latents write, by layer and index, as far as it was asked for; it may take seconds.
    """

    folder: Path
    manifest: Manifest
    survey: Survey
    model: ModelName
    changed: tuple[str, ...] = ()
    lexicon: Lexicon | None = None
    facts: dict[str, LayerFacts] = field(default_factory=dict)
    written: dict[tuple[str, int], Written | None] = field(default_factory=dict)
    _pictures: OrderedDict[int, QImage] = field(default_factory=OrderedDict)
    _relatives: dict[str, Survey] = field(default_factory=dict)
    _reader: tuple[OpenModel, SecondReader] | None = None
    _looked: int = -1

    @classmethod
    def open(cls, folder: Path, manifest: Manifest, model: ModelName) -> Self:
        """Open a survey.

        Raises:
            UsageError: it is damaged.
        """
        return cls(folder, manifest, open_survey(folder), model, tuple(what_changed(manifest)))

    def is_same(self, other: OpenSurvey) -> bool:
        """Whether another one is of the same folder with the same contents."""
        return (self.folder, self.manifest) == (other.folder, other.manifest)

    def opened(self) -> OpenModel:
        """The model, opened.

        Raises:
            ClipDeskError: it cannot be opened any more.
        """
        return default_pool().open(self.model, weights=self.manifest.weights)

    def is_rectified(self, layer: str) -> bool:
        """Whether a layer is behind a rectifier; only there do dead and dense mean something."""
        return rectifier_of(layer, self.opened().inspector.layers) is not None

    def pooling(self, pooled: PooledUnit) -> Pooling | None:
        """The pooling that is asked for; the usual one where this survey does not have it for the layer."""
        return pooled.pooling if pooled.pooling in poolings_of(self.survey, pooled.layer) else None

    def is_of_heads(self, layer: str) -> bool:
        """Whether the units of a layer are attention heads."""
        return is_of_heads(self.opened().inspector.visualizable(layer))

    def read_words(self, progress: Callable[[int, int], None]) -> Lexicon:
        """Make the words for its units ready. The model's text tower reads them, which takes minutes for a large one.

        What it has read is kept on the disk.

        Args:
            progress: Told how many texts are read, and of how many.

        Raises:
            UsageError: the model reads no texts.
        """
        if self.lexicon is None:
            self.lexicon = prepare(self.survey, vocabulary_of(self.opened(), progress=progress))
        return self.lexicon

    @cached_property
    def shown(self) -> ShownPictures:
        """Its pictures, from the image set where that is still there."""
        return ShownPictures(self.folder, self.survey, SIDE)

    @cached_property
    def second_reader(self) -> SecondReader | None:
        """The model that reads all rendered pictures beside this survey's; None where there is none at no cost."""
        name = usual_reader(self.model)
        return None if name is None else SecondReader(default_pool().open(name), self.survey, self.shown.read)

    def reader(self, opened: OpenModel) -> SecondReader:
        """A model that reads rendered pictures beside this survey's; of the last one it stays known what it has read.

        Raises:
            UsageError: it is the survey's model.
        """
        if self._reader is None or self._reader[0] is not opened:
            self._reader = opened, SecondReader(opened, self.survey, self.shown.read)
        return self._reader[1]

    def thumbnail(self, picture: int) -> QImage:
        """A picture by its index, small; an empty one where there is none."""
        kept = self._pictures.get(picture)
        if kept is None:
            kept = self._pictures[picture] = self._read(picture)
            while len(self._pictures) > _PICTURES:
                self._pictures.popitem(last=False)
        else:
            self._pictures.move_to_end(picture)
        return kept

    def _read(self, picture: int) -> QImage:
        webp = read_thumbnail(self.folder, self.survey.pictures[picture].place)
        try:
            return QImage() if webp is None else to_qt(decode_image(webp, "a thumbnail"))
        except ClipDeskError:
            return QImage()

    def relatives(self) -> dict[str, Survey]:
        """The newest survey of each other model over the same images, by what its model was asked for by.

        They are looked for anew only after a survey was made or deleted: manifests take long to read.
        """
        folder = surveys_folder()
        changed = folder.stat().st_mtime_ns if folder.is_dir() else 0
        if changed != self._looked:
            self._relatives, self._looked = dict(self._find_relatives()), changed
        return self._relatives

    def _find_relatives(self) -> Iterator[tuple[str, Survey]]:
        seen = {self.manifest.weights}
        for path, manifest in all_surveys():
            if manifest.weights in seen or manifest.fingerprint != self.manifest.fingerprint:
                continue
            seen.add(manifest.weights)
            try:
                yield manifest.model, open_survey(path)
            except UsageError as error:
                # It says so itself where it is asked.
                log.info("not compared: %s", error)

    @cached_property
    def indices(self) -> dict[str, int]:
        """The index of each picture, by its place."""
        return {each.place: index for index, each in enumerate(self.survey.pictures)}

    def heat(self, layer: str, unit: int, pictures: Sequence[int]) -> dict[int, Heat]:
        """Where a unit fires in pictures, by their index; none where the layer has no places in the picture.

        Raises:
            ClipDeskError: the model cannot be opened any more, or has too little memory.
        """
        opened = self.opened()
        info = opened.inspector.visualizable(layer)
        if not has_places(info):
            return {}
        read = {picture: found for picture in pictures if (found := self.shown.read(picture)) is not None}
        # Of a head it says more where it looks than how strong its output is.
        mapped = attention_maps if self.is_of_heads(layer) else heat_maps
        maps = mapped(opened, layer, unit, list(read.values()))
        return {
            picture: Heat(to_qt(maps.over(number, image)), _crop(image, maps.values[number]))
            for number, (picture, image) in enumerate(read.items())
        }


def _crop(image: Image, values: NDArray[np.float32]) -> QImage:
    """The part of a square picture around the largest of a unit's values in it, (rows, columns)."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    side = round(_CROP * image.width)
    left = (column + 0.5) / values.shape[1] * image.width - side / 2
    top = (row + 0.5) / values.shape[0] * image.height - side / 2
    left, top = (round(min(max(0.0, float(each)), image.width - side)) for each in (left, top))
    return to_qt(image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE)))


def to_qt(image: Image) -> QImage:
    """A picture of Pillow's for Qt."""
    return to_image(np.asarray(image.convert("RGB")))
