"""The questions that the window asks of a survey, each answered in one piece. Takes torch along."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from clipdesk.activations.contributions import written_by
from clipdesk.activations.directions import image_direction, text_directions
from clipdesk.activations.heatmaps import has_places, heat_maps
from clipdesk.activations.measuring import rank_of_picture
from clipdesk.activations.questions import find as finding
from clipdesk.activations.questions.counterparts import counterparts as in_other_model
from clipdesk.activations.questions.examples import exciting
from clipdesk.activations.questions.layer import table
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.questions.overview import overview
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.questions.words import words
from clipdesk.activations.statistics import NONE
from clipdesk.activations.survey import Survey
from clipdesk.activations.writing import words_of_decoder
from clipdesk.gui.surveys.data import FoundUnit, LayerFacts, PooledUnit, Question, Word, Written
from clipdesk.gui.surveys.open_survey import SIDE, OpenSurvey, to_qt
from clipdesk.imagesets.pixels import fitted
from clipdesk.imagesets.reading import read_image
from clipdesk.network.inspector import ROOT
from clipdesk.network.latents.source import LatentsOf
from clipdesk.network.layer_names import short_layer

COUNT = 60
"""Units that a search lists."""
_SHOWN = 4
_AT_ONCE = 2_048
"""Units whose words are looked for at once."""
_MANY, _DRAWN = 64, 6
"""Surprises come from layers with as many units, and from the first of so many layers that has any."""
_COUNTERPARTS = 8
_MAPPED = 24
"""Units of which a search by an image shows where they fire in it."""


def find(survey: OpenSurvey, question: Question) -> list[FoundUnit]:
    """The units that answer to something, best first.

    Raises:
        UsageError: the model cannot read the text or the image, or there is no such unit.
    """
    layers = None if question.layer is None else [question.layer]
    asked = survey.survey
    if question.unit is not None:
        own = question.unit
        listed = finding.like(asked, own.layer, own.unit, own_pooling=survey.pooling(own), layers=layers, count=COUNT)
    elif question.image is not None:
        listed = finding.find(asked, image_direction(survey.opened(), question.image), layers=layers, count=_MAPPED)
    else:
        directions = text_directions(survey.opened(), asked, question.text)
        listed = finding.find(asked, directions, layers=layers, count=COUNT)
    return list(found_units(survey, listed))


def found_units(survey: OpenSurvey, listed: Iterable[finding.Found]) -> Iterator[FoundUnit]:
    """Units as a search gives them, with their top pictures."""
    for each in listed:
        pooled = PooledUnit(each.layer, each.unit, each.pooling)
        yield FoundUnit(pooled, each.correlation, _top(survey.survey, each))


def _top(survey: Survey, found: finding.Found) -> tuple[int, ...]:
    """Pictures that excite a unit most, a few; of a sparse one there may be fewer."""
    own = survey.statistics[found.layer, found.pooling].only(np.array([found.unit]))
    return tuple(each.picture for each in exciting(own)[:_SHOWN])


def counterparts(survey: OpenSurvey, pooled: PooledUnit) -> list[FoundUnit]:
    """The units of other models that are active in the same pictures, best first; none without surveys of these.

    Raises:
        UsageError: the survey does not have the unit.
    """
    found = []
    for model, other in survey.relatives().items():
        listed = in_other_model(
            survey.survey, other, pooled.layer, pooled.unit, own_pooling=survey.pooling(pooled), count=_COUNTERPARTS
        )
        for each in listed:
            places = (other.pictures[index].place for index in _top(other, each))
            pictures = tuple(survey.indices[place] for place in places if place in survey.indices)
            found.append(FoundUnit(PooledUnit(each.layer, each.unit, each.pooling), each.correlation, pictures, model))
    return sorted(found, key=lambda each: -each.correlation)[:_COUNTERPARTS]


def writes_words(survey: OpenSurvey, layer: str) -> bool:
    """Whether what the units of a layer write can be said in words: of heads, and of latents of the image embedding."""
    source = survey.opened().inspector.visualizable(layer).source
    return survey.is_of_heads(layer) or (isinstance(source, LatentsOf) and source.base.name == ROOT)


def words_written(survey: OpenSurvey, pooled: PooledUnit) -> Written | None:
    """What a head or a latent writes: each word with its share of the variance, or with its cosine.

    Returns:
        None for other units, of which this is not shown.

    Raises:
        UsageError: the model reads no texts, or this is not known of its tower.
    """
    unit = pooled.layer, pooled.unit
    if unit not in survey.written:
        survey.written[unit] = _written(survey, *unit)
    return survey.written[unit]


def _written(survey: OpenSurvey, layer: str, unit: int) -> Written | None:
    opened = survey.opened()
    source = opened.inspector.check_unit(layer, unit).source

    def vocabulary() -> Vocabulary:
        return survey.read_words(lambda _done, _total: None).vocabulary

    if survey.is_of_heads(layer):
        spanning, _ = written_by(opened, survey.folder, survey.survey, layer, unit, vocabulary())
        return Written(tuple(Word(each.concept, each.explained, weak=False) for each in spanning))
    if not isinstance(source, LatentsOf):
        return None
    if not writes_words(survey, layer):
        into = short_layer(source.base.name)
        return Written((), f"no words: texts are compared with the image embedding, and it writes into layer {into}")
    found = words_of_decoder(opened, layer, unit, vocabulary)
    return Written(tuple(Word(concept, cosine, weak=False) for concept, cosine in found))


def heat_of_image(survey: OpenSurvey, image: Path, found: list[FoundUnit]) -> Iterator[tuple[int, QImage]]:
    """Where each of the found units fires in an image, with its place in the list; layers without places are left out.

    Raises:
        ClipDeskError: the image or the model cannot be read any more.
    """
    opened, picture = survey.opened(), fitted(read_image(image), SIDE)
    for number, each in enumerate(found):
        layer, unit, _ = each.pooled
        if has_places(opened.inspector.visualizable(layer)):
            yield number, to_qt(heat_maps(opened, layer, unit, [picture]).over(0, picture))


def layer_facts(survey: OpenSurvey, layer: str) -> LayerFacts:
    """What is known of a layer's units; their words only if they were asked for before (`with_words`).

    Raises:
        UsageError: the survey does not have the layer.
    """
    if layer not in survey.facts:
        statistics = statistics_of(survey.survey, layer)
        numbers = table(survey.survey, statistics, rectified=survey.is_rectified(layer))
        kinds = overview(numbers, survey.survey.embeddings)
        # All pictures are alike to a dead unit, and the first of the set is none of its own.
        tops = np.where(numbers.dead, np.int32(NONE), statistics.top.pictures[:, 0])
        survey.facts[layer] = LayerFacts(numbers, kinds, statistics.histogram.counts, tops)
    return survey.facts[layer]


def with_words(survey: OpenSurvey, facts: LayerFacts, going_on: Callable[[], object] = lambda: None) -> LayerFacts:
    """The same, with the first word of each unit, once the words are read.

    Args:
        survey: The survey.
        facts: What is known of a layer.
        going_on: Called again and again meanwhile, since it takes long for ten thousands of units; an error in it ends
            it.
    """
    if survey.lexicon is None or facts.words:
        return facts
    layer = facts.table.layer
    statistics = statistics_of(survey.survey, layer)
    found: list[Word | None] = [None] * statistics.units
    # Units that are the same in all pictures, as most of many latents are, answer to no word.
    varying = np.flatnonzero(statistics.varies)
    for start in range(0, len(varying), _AT_ONCE):
        going_on()
        for each in words(survey.lexicon, layer, varying[start : start + _AT_ONCE].tolist(), count=1).units:
            if each.labels:
                label = each.labels[0]
                found[each.unit] = Word(label.concept, label.pearson, label.weak)
    survey.facts[layer] = replace(facts, words=tuple(found))
    return survey.facts[layer]


def judgement(survey: OpenSurvey, pooled: PooledUnit, picture: Path | NDArray[np.uint8]) -> tuple[float, str]:
    """A unit's activation in a rendered picture, measured as in the survey, and where it stands, in words.

    Raises:
        ClipDeskError: the picture or the model cannot be read any more.
    """
    pixels = picture if isinstance(picture, Path) else picture[..., :3]
    layer, unit, _ = pooled
    found = rank_of_picture(survey.opened(), survey.survey, layer, unit, pixels, pooling=survey.pooling(pooled))
    return found.value, found.in_words


def surprise(survey: OpenSurvey) -> PooledUnit:
    """A unit that is worth looking at: any of the clear ones, which no other unit repeats.

    Some layers are drawn until one has any; a survey without such a unit gives any unit.
    """
    names = list(dict.fromkeys(file.layer for file in survey.manifest.layers if file.units >= _MANY)) or [
        file.layer for file in survey.manifest.layers
    ]
    for layer in random.sample(names, min(_DRAWN, len(names))):
        kinds = layer_facts(survey, layer).overview
        units: list[int] = (kinds.clear & ~kinds.redundant & ~kinds.dense).nonzero()[0].tolist()
        if units:
            return PooledUnit(layer, random.choice(units))
    return PooledUnit(layer, random.randrange(len(kinds.dead)))
