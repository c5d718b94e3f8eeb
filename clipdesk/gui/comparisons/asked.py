"""AskedComparison: a comparison with all that the window asks of it. Takes torch along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from typing_extensions import Self

from clipdesk.activations.comparing.comparison import Comparison, Drifted
from clipdesk.activations.comparing.manifests import ComparisonManifest, all_comparisons, read_comparison_manifest
from clipdesk.activations.comparing.planning import LayerPair
from clipdesk.activations.comparing.storing import FIRST, open_comparison
from clipdesk.activations.directions import vocabularies_of
from clipdesk.activations.questions.unit import histogram_of
from clipdesk.activations.questions.words import Lexicon, prepare, words
from clipdesk.activations.statistics import NONE, UnitStatistics
from clipdesk.activations.storing import read_thumbnail
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.comparison_json import top_pictures
from clipdesk.gui.comparisons.data import Changed, Layers, Listed, Side
from clipdesk.gui.comparisons.hung import HungUnits
from clipdesk.gui.comparisons.pairs import Pairs, Triple
from clipdesk.gui.surveys.data import Photo, Word
from clipdesk.gui.surveys.open_survey import to_qt
from clipdesk.gui.wall.source import Picture
from clipdesk.imagesets.reading import decode_image
from clipdesk.models.names import parse_name, short_name
from clipdesk.network.layer_names import short_layer
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import default_pool
from clipdesk.render.settings import RenderSettings

_LISTED = 1000
"""Units of the table."""
_TOP, _WORDS = 12, 5
_FEW = 2
"""Layers that are named in the list of comparisons."""


def comparisons_of(weights: str) -> list[tuple[Path, ComparisonManifest]]:
    """The comparisons of a model with others, newest first."""
    return [each for each in all_comparisons() if each[1].weights[0] == weights]


def listed(found: list[tuple[Path, ComparisonManifest]]) -> list[Listed]:
    """The same for people."""
    return [Listed(path, f"{_short(each.models[1])}, {each.images}: {_in_words(each)}") for path, each in found]


@dataclass(eq=False)
class AskedComparison:
    """A comparison that is asked. To be used on the threads beside the window.

    Attributes:
        folder: Where it is.
        manifest: What it is of.
        found: The comparison.
        units: Those of the table, the most changed first.
        pairs: Their pictures.
        lexicons: The words for the units of each model; None until they are read.
    """

    folder: Path
    manifest: ComparisonManifest
    found: Comparison = field(repr=False)
    units: list[Drifted] = field(init=False, repr=False)
    pairs: Pairs = field(init=False, repr=False)
    lexicons: tuple[Lexicon, Lexicon] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.units = self.found.drifted(_LISTED)
        self.pairs = Pairs(self.folder, self.found)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a comparison.

        Raises:
            UsageError: there is none, or it is damaged.
        """
        return cls(folder, read_comparison_manifest(folder), open_comparison(folder))

    @property
    def names(self) -> tuple[str, str]:
        """The two models, for people."""
        first, second = self.manifest.models
        return _short(first), _short(second)

    def rows(self) -> list[Changed]:
        """The units of the table."""
        return [
            Changed(at, _name(each), each.drift, each.moved, each.weights, each.density, each.top, each.note)
            for at, each in enumerate(self.units)
        ]

    def layers(self) -> Layers:
        """The CKA of each layer with each."""
        found = self.found
        rows, columns = (tuple(map(short_layer, each)) for each in (found.rows, found.columns))
        return Layers(rows, columns, tuple(map(tuple, found.cka.tolist())))

    def sides(self, place: int) -> tuple[Side, ...]:
        """A unit of the table in both models; in the first alone where it has no counterpart."""
        each = self.units[place]
        layer = self.found.layer(each.layer.first)
        sides = [self._side(0, layer.first, each.unit)]
        if each.other != NONE:
            sides.append(self._side(1, layer.second, each.other))
        return tuple(sides)

    def tops(self, place: int, count: int) -> tuple[tuple[int, ...], ...]:
        """The pictures that excite a unit of the table most in A, and in B if it has a counterpart there."""
        each = self.units[place]
        layer = self.found.layer(each.layer.first)
        sides = (layer.first, each.unit), (layer.second, each.other)
        return tuple(
            tuple(picture for picture, _ in top_pictures(statistics, unit, count))
            for statistics, unit in sides
            if unit != NONE
        )

    def thumbnail(self, picture: int) -> QImage:
        """A picture by its index, small; an empty one where there is none."""
        webp = read_thumbnail(self.folder / FIRST, self.found.first.pictures[picture].place)
        try:
            return QImage() if webp is None else to_qt(decode_image(webp, "a thumbnail"))
        except ClipDeskError:
            return QImage()

    def read_words(self, progress: Callable[[int, int], None]) -> None:
        """Make the words ready; the text towers may take minutes.

        Raises:
            ClipDeskError: a model reads no texts, or cannot be opened any more.
        """
        if self.lexicons is None:
            left, right = vocabularies_of(self._models(), progress=progress)
            self.lexicons = prepare(self.found.first, left), prepare(self.found.second, right)

    def words(self, place: int) -> tuple[tuple[Word, ...], ...]:
        """The words of a unit in each model, once they are read."""
        each = self.units[place]
        if self.lexicons is None:
            return ()
        sides = (self.lexicons[0], each.layer.first, each.unit), (self.lexicons[1], each.layer.second, each.other)
        return tuple(tuple(_words(*side)) for side in sides if side[2] != NONE)

    def first_words(self, places: Sequence[int]) -> dict[int, tuple[Word | None, Word | None]]:
        """The first word of some units of the table in each model, once they are read; None for none."""
        found: list[dict[int, Word]] = [{}, {}]
        for side, lexicon in enumerate(self.lexicons or ()):
            layers: dict[str, list[int]] = {}
            for place in places:
                pair = self.units[place].layer
                if side == 0 or self.has_counterpart(place):
                    layers.setdefault((pair.first, pair.second)[side], []).append(place)
            for layer, those in layers.items():
                indices = [(self.units[place].unit, self.units[place].other)[side] for place in those]
                for place, unit in zip(those, words(lexicon, layer, indices, count=1).units, strict=True):
                    for label in unit.labels:
                        found[side][place] = Word(label.concept, label.pearson, label.weak)
        return {place: (found[0].get(place), found[1].get(place)) for place in places}

    def row_photos(self, places: Sequence[int], side: int) -> dict[int, tuple[QImage, QImage]]:
        """The photos that excite some units of the table most in each model, for squares of a side."""
        keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        found = {}
        for place in places:
            tops = [self.thumbnail(each) for pictures in self.tops(place, 1) for each in pictures[:1]]
            first, second = [image.scaled(side, side, keep, smooth) for image in [*tops, QImage(), QImage()][:2]]
            found[place] = first, second
        return found

    def kept(self, place: int, settings: RenderSettings) -> Triple | None:
        """A unit's pictures that were rendered before with these settings; None if there are none."""
        return self.pairs.kept(self.units[place], settings)

    def rendered(self, place: int, settings: RenderSettings, progress: Callable[[int, int], None]) -> Triple:
        """A unit rendered in both models, and as their difference.

        Raises:
            ClipDeskError: a model cannot be opened any more, or has too little memory.
        """
        each = self.units[place]
        if each.other == NONE:
            raise UsageError("The unit has no counterpart in the other model")
        return self.pairs.render(each, settings, self._models(), progress)

    def hung(self, places: Sequence[int]) -> HungUnits:
        """Units of the table for the wall."""
        return HungUnits(places, self.tops, self.thumbnail)

    def has_counterpart(self, place: int) -> bool:
        """Whether a unit of the table is compared with one of the other model."""
        return self.units[place].other != NONE

    def kept_tiles(self, places: Sequence[int], settings: RenderSettings) -> dict[int, Picture]:
        """Tiles of the wall that were rendered before with these settings, by the place of their unit."""
        found = {place: self.pairs.kept_tile(self.units[place], settings) for place in places}
        return {place: tile for place, tile in found.items() if tile is not None}

    def rendered_tiles(
        self, places: Sequence[int], settings: RenderSettings, progress: Callable[[int, int], None]
    ) -> dict[int, Picture]:
        """The same, rendered now; units without a counterpart are left out.

        Raises:
            ClipDeskError: as `rendered`.
        """
        units = [self.units[place] for place in places]
        tiles = self.pairs.render_tiles(units, settings, self._models(), progress)
        return {place: tile for place, tile in zip(places, tiles, strict=True) if tile is not None}

    def _models(self) -> tuple[OpenModel, OpenModel]:
        first, second = (
            default_pool().open(parse_name(name), weights=weights)
            for name, weights in zip(self.manifest.models, self.manifest.weights, strict=True)
        )
        return first, second

    def _side(self, side: int, statistics: UnitStatistics, unit: int) -> Side:
        bins = histogram_of(statistics.only(np.array([unit])))
        known = self.found.first.pictures
        top = (Photo(at, value, known[at].place, known[at].label) for at, value in top_pictures(statistics, unit, _TOP))
        density, mean = statistics.densities[unit], statistics.means[unit]
        return Side(
            f"{'AB'[side]}: {self.names[side]}, {short_layer(statistics.layer)}:{unit}",
            f"above zero in {density:.2%}, mean {mean:.3g}, sd {statistics.deviations[unit]:.3g}",
            tuple(bins.edges.tolist()),
            tuple(bins.counts.tolist()),
            tuple(top),
        )


def _words(lexicon: Lexicon, layer: str, unit: int) -> Iterator[Word]:
    for each in words(lexicon, layer, [unit], count=_WORDS).units[0].labels:
        yield Word(each.concept, each.pearson, each.weak)


def _name(each: Drifted) -> str:
    first, second = (f"{short_layer(name)}:" for name in (each.layer.first, each.layer.second))
    same = first == second and each.unit == each.other
    return f"{first}{each.unit}" + ("" if same or each.other == NONE else f" = {second}{each.other}")


def _in_words(manifest: ComparisonManifest) -> str:
    """What a comparison is of, beside the second model and the images."""
    parts = [f"{manifest.pictures:,} pictures"]
    if len(manifest.pairs) <= _FEW:
        names = [LayerPair(each.first, each.second, each.same).short for each in manifest.pairs]
        parts.append(", ".join(names))
    if manifest.pooling != "mean":
        parts.append({"max": "largest patch", "class": "class token"}[manifest.pooling])
    if not all(each.same for each in manifest.pairs):
        parts.append("partners")
    return ", ".join(parts)


def _short(model: str) -> str:
    return short_name(parse_name(model))
