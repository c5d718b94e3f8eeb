"""The questions that the window asks of a survey, each answered in one piece that the panels can show."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clipdesk.network.layer_names import short_layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QImage

    from clipdesk.activations.questions.find import Found
    from clipdesk.activations.questions.layer import UnitTable
    from clipdesk.activations.questions.overview import Overview
    from clipdesk.gui.surveys.reading import OpenSurvey

COUNT = 60
"""Units that a search lists."""
_SHOWN = 4
_MANY, _DRAWN = 64, 6
"""Surprises come from layers with as many units, and from the first of so many layers that has any."""
_MAPPED = 24
"""Units of which a search by an image shows where they fire in it."""


@dataclass(frozen=True)
class Question:
    """What units are looked for by: a text, an image, or another unit.

    Attributes:
        text: A word or a sentence.
        image: An image of the user's.
        unit: Another unit, by layer and index.
        layer: Only units of this layer; of all layers by default.
    """

    text: str = ""
    image: Path | None = None
    unit: tuple[str, int] | None = None
    layer: str | None = None

    @property
    def words(self) -> str:
        """What is looked for, for people."""
        if self.unit is not None:
            return f"units like {short_layer(self.unit[0])}:{self.unit[1]}"
        return f'"{self.text}"' if self.image is None else self.image.name


class FoundUnit(NamedTuple):
    """A unit that was found.

    Attributes:
        layer: Dotted name of its layer.
        unit: Its index.
        correlation: Pearson correlation with what was looked for.
        pictures: Indices of its top pictures.
    """

    layer: str
    unit: int
    correlation: float
    pictures: tuple[int, ...]


class Word(NamedTuple):
    """A unit's first word.

    Attributes:
        concept: The word.
        pearson: Correlation of the unit with it, in pictures that were held out.
        weak: Whether chance reaches as much.
    """

    concept: str
    pearson: float
    weak: bool


@dataclass(frozen=True, eq=False)
class LayerFacts:
    """What the table of neurons and the wall show of a layer's units.

    Attributes:
        table: The numbers.
        overview: Which of them are dead, dense, clear and redundant.
        counts: The histogram of each unit, (units, bins).
        tops: Index of each unit's top picture, (units,); -1 where there is none.
        words: The first word of each unit, None for one that has none; empty as long as they are not known.
    """

    table: UnitTable
    overview: Overview
    counts: NDArray[np.uint32]
    tops: NDArray[np.int32]
    words: tuple[Word | None, ...] = ()


def find(survey: OpenSurvey, question: Question) -> list[FoundUnit]:
    """The units that answer to something, best first.

    Raises:
        UsageError: the model cannot read the text or the image, or there is no such unit.
    """
    from clipdesk.activations.directions import image_direction, text_directions
    from clipdesk.activations.questions import find as finding

    layers = None if question.layer is None else [question.layer]
    asked = survey.survey
    if question.unit is not None:
        listed = finding.like(asked, *question.unit, layers=layers, count=COUNT)
    elif question.image is not None:
        listed = finding.find(asked, image_direction(survey.opened(), question.image), layers=layers, count=_MAPPED)
    else:
        directions = text_directions(survey.opened(), asked, question.text)
        listed = finding.find(asked, directions, layers=layers, count=COUNT)
    return list(found_units(survey, listed))


def found_units(survey: OpenSurvey, listed: Iterable[Found]) -> Iterator[FoundUnit]:
    """Units as a search gives them, with their top pictures."""
    for each in listed:
        pictures = survey.survey.statistics[each.layer, each.pooling].top.pictures[each.unit, :_SHOWN]
        yield FoundUnit(each.layer, each.unit, each.correlation, tuple(int(place) for place in pictures if place >= 0))


def heat_of_image(survey: OpenSurvey, image: Path, found: list[FoundUnit]) -> Iterator[tuple[int, QImage]]:
    """Where each of the found units fires in an image, with its place in the list; layers without places are left out.

    Raises:
        ClipDeskError: the image or the model cannot be read any more.
    """
    from clipdesk.activations.heatmaps import has_places, heat_maps
    from clipdesk.gui.surveys.reading import SIDE, to_qt
    from clipdesk.imagesets.pixels import fitted
    from clipdesk.imagesets.reading import read_image

    opened, picture = survey.opened(), fitted(read_image(image), SIDE)
    for place, each in enumerate(found):
        if has_places(opened.inspector.visualizable(each.layer)):
            yield place, to_qt(heat_maps(opened, each.layer, each.unit, [picture]).over(0, picture))


def layer_facts(survey: OpenSurvey, layer: str) -> Iterator[LayerFacts]:
    """What is known of a layer's units: first their numbers, then with their words.

    Raises:
        UsageError: the survey does not have the layer, or the model reads no texts.
    """
    from clipdesk.activations.questions.layer import table
    from clipdesk.activations.questions.lookup import statistics_of
    from clipdesk.activations.questions.overview import overview
    from clipdesk.activations.questions.words import words

    statistics = statistics_of(survey.survey, layer)
    numbers = table(survey.survey, statistics, rectified=survey.is_rectified(layer))
    facts = LayerFacts(
        numbers,
        overview(numbers, survey.survey.embeddings),
        statistics.histogram.counts,
        statistics.top.pictures[:, 0],
    )
    yield facts
    listed = words(survey.lexicon, layer, count=1).units
    yield replace(
        facts,
        words=tuple(
            Word(each.labels[0].concept, each.labels[0].pearson, each.labels[0].weak) if each.labels else None
            for each in listed
        ),
    )


def judgement(survey: OpenSurvey, layer: str, unit: int, picture: Path | NDArray[np.uint8]) -> tuple[float, str]:
    """A unit's activation in a rendered picture, measured as in the survey, and where it stands, in words.

    Raises:
        ClipDeskError: the picture or the model cannot be read any more.
    """
    from clipdesk.activations.measuring import rank_of_picture

    pixels = picture if isinstance(picture, Path) else picture[..., :3]
    found = rank_of_picture(survey.opened(), survey.survey, layer, unit, pixels)
    return found.value, found.in_words


def surprise(survey: OpenSurvey) -> tuple[str, int]:
    """A unit that is worth looking at, by layer and index: any of the clear ones, which no other unit repeats.

    Some layers are drawn until one has any; a survey without such a unit gives any unit.
    """
    from clipdesk.activations.questions.layer import table
    from clipdesk.activations.questions.lookup import statistics_of
    from clipdesk.activations.questions.overview import overview

    names = list(dict.fromkeys(file.layer for file in survey.manifest.layers if file.units >= _MANY)) or [
        file.layer for file in survey.manifest.layers
    ]
    for layer in random.sample(names, min(_DRAWN, len(names))):
        numbers = table(survey.survey, statistics_of(survey.survey, layer), rectified=survey.is_rectified(layer))
        kinds = overview(numbers, survey.survey.embeddings)
        units: list[int] = (kinds.clear & ~kinds.redundant & ~kinds.dense).nonzero()[0].tolist()
        if units:
            return layer, random.choice(units)
    return names[0], random.randrange(len(kinds.dead))
