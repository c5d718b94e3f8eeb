"""What speaks against a word of a unit: pictures in which the unit and the word disagree, and words that it shuns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clipdesk.activations.questions.examples import Example, exciting
from clipdesk.activations.questions.holding import statistics_without
from clipdesk.activations.questions.scoring import ALPHA
from clipdesk.activations.questions.words import Label, Lexicon, fits_of
from clipdesk.activations.statistics import UnitStatistics

COUNT = 6


@dataclass(frozen=True)
class Against:
    """What speaks against a unit's word.

    Attributes:
        concept: The word.
        without: Top pictures of the unit (`Examples.top`) that show the word less than pictures do on average, the most
            active first.
        without_share: How many of its top pictures these are.
        silent: Of the held-out pictures that show the word most, those that excite the unit less than pictures do on
            average, the one that shows the word most first.
        silent_share: How many of these pictures that are.
        opposite: Concepts that the unit is least active for, each with its correlation below zero, the smallest first.
    """

    concept: str
    without: tuple[Example, ...]
    without_share: float
    silent: tuple[Example, ...]
    silent_share: float
    opposite: tuple[tuple[str, float], ...]


def against(lexicon: Lexicon, own: UnitStatistics, label: Label, *, count: int = COUNT) -> Against:
    """What speaks against a word of a unit.

    Args:
        lexicon: A survey and a vocabulary, prepared.
        own: The unit's statistics alone (`UnitStatistics.only`), of the lexicon's survey.
        label: The word.
        count: Pictures and words of each kind, at most.
    """
    place = lexicon.vocabulary.concepts.index(label.concept)
    top = exciting(own)
    rows = lexicon.survey.embeddings.unit_rows(np.array([each.picture for each in top], dtype=np.intp))
    shown = (rows - lexicon.survey.embeddings.mean) @ lexicon.directions[label.template, place]
    without = [each for each, much in zip(top, shown, strict=True) if much < 0]

    held, signal = lexicon.held, lexicon.signals[label.template, place]
    showing = np.argsort(-signal, kind="stable")[: max(1, round(ALPHA * len(signal)))]
    values = own.sample[0, held.columns].astype(np.float64)
    silent = [column for column in showing if values[column] < own.means[0]]
    return Against(
        label.concept,
        tuple(without[:count]),
        len(without) / max(1, len(top)),
        tuple(Example(int(held.pictures[column]), float(values[column])) for column in silent[:count]),
        len(silent) / max(1, len(showing)),
        _opposite(lexicon, own, count),
    )


def _opposite(lexicon: Lexicon, own: UnitStatistics, count: int) -> tuple[tuple[str, float], ...]:
    """The concepts with the smallest correlations, each in the reading that fits the unit best."""
    training = statistics_without(own, lexicon.survey.embeddings, lexicon.held)
    fits = fits_of(training, lexicon.directions)[:, 0].max(axis=0)
    order = np.argsort(fits, kind="stable")[:count]
    return tuple((lexicon.vocabulary.concepts[place], float(fits[place])) for place in order if fits[place] < 0)
