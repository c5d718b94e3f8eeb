"""Short weighted lists of words for units, each with how well it predicts the unit in pictures that were held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.holding import (
    Held,
    embeddings_without,
    held_out,
    others,
    statistics_without,
    without_held,
)
from clipdesk.activations.questions.lookup import check_unit, statistics_of
from clipdesk.activations.questions.sampled import standardized
from clipdesk.activations.questions.scoring import active, average_precisions, chance_bound, correlations_of_pairs
from clipdesk.activations.questions.sharpening import sharpened
from clipdesk.activations.questions.sparse import atoms_of, sparse_weights
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.questions.wpmi import log_likelihoods, log_prior
from clipdesk.activations.statistics import Extremes, Pooling, UnitStatistics
from clipdesk.activations.survey import Survey, reciprocals, scaled
from clipdesk.errors import UsageError

Reading = Literal["probability", "cosine", "wpmi", "sparse"]
"""How words are chosen and weighted.

``probability``: correlation of the activation with the probability of the concept among all of the list (`sharpened`);
``cosine``: correlation with the cosine to the concept's text; ``wpmi``: CLIP-Dissect's soft WPMI, with the layer as its
fixed set; ``sparse``: a list whose texts add up to the unit's place in embedding space, as SpLiCE's.
"""

COUNT = 5
_UNITS = 256


@dataclass(frozen=True)
class Label:
    """A concept that a unit answers to.

    Attributes:
        concept: The concept.
        weight: What it was chosen by, from the pictures that were not held out; its scale depends on the reading.
        pearson: Correlation of the unit's activation with the concept, in the held-out pictures; NaN for too few.
        auprc: How well the concept finds the 5 % of the held-out pictures in which the unit is most active: area under
            the curve of precision and recall; chance gives 0.05.
        weak: Whether `pearson` is no more than 95 % of meaningless units reach with their best concept, or unknown.
        template: Which of the vocabulary's templates fits the unit best with this concept.
    """

    concept: str
    weight: float
    pearson: float
    auprc: float
    weak: bool
    template: int = 0


@dataclass(frozen=True)
class UnitWords:
    """The words of a unit, the best first; none for a unit that does not vary."""

    unit: int
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class LayerWords:
    """The words of some units of a layer.

    Attributes:
        layer: Dotted name of the layer.
        pooling: How values at positions became one.
        reading: How words were chosen.
        reader: The model that read the words.
        held: Number of pictures that were held out.
        bound: Held-out correlation up to which a label is weak; NaN for too few pictures.
        units: In the order that was asked for.
    """

    layer: str
    pooling: Pooling
    reading: Reading
    reader: str
    held: int
    bound: float
    units: tuple[UnitWords, ...]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """A vocabulary that is ready for the questions of one survey; `prepare` makes it, once for all layers and units.

    Attributes:
        survey: The survey.
        vocabulary: The concepts.
        held: The pictures that labels are scored on.
        directions: Of each concept in each template (`sharpened`), scaled to the pictures that are not held out, so
            that products with `cross` are correlations, (templates, concepts, width).
        cosines: The texts' own embeddings, scaled as well.
        signals: Values of the directions in the held-out pictures, `standardized`, (templates, concepts, held).
        priors: The prior of soft WPMI by layer and pooling, as far as it was asked for; it takes seconds.
        bounds: What is weak by layer, pooling and seed, as far as it was asked for; it takes a tenth of a second.
    """

    survey: Survey
    vocabulary: Vocabulary
    held: Held
    directions: NDArray[np.float32]
    cosines: NDArray[np.float32]
    signals: NDArray[np.float32]
    priors: dict[tuple[str, Pooling], NDArray[np.float64]] = field(default_factory=dict)
    bounds: dict[tuple[str, Pooling, int], float] = field(default_factory=dict)

    @cached_property
    def atoms(self) -> NDArray[np.float32]:
        """What sparse lists are made of (`atoms_of`)."""
        return atoms_of(self.vocabulary.texts)


def prepare(survey: Survey, vocabulary: Vocabulary) -> Lexicon:
    """Make a vocabulary ready for a survey: a second for 2,000 concepts.

    Raises:
        UsageError: the embeddings of texts and pictures have different widths, so they are of different models.
    """
    templates, concepts, wide = vocabulary.texts.shape
    if wide != (width := len(survey.embeddings.mean)):
        raise UsageError(
            f"The words were read by {vocabulary.reader}, whose embeddings have {wide} numbers, but those of the "
            f"survey have {width}. Both have to be of the same model"
        )
    held = held_out(survey)
    left = embeddings_without(survey.embeddings, held)
    fitted = sharpened(survey.embeddings, vocabulary, pictures=others(survey, held)).reshape(-1, width)
    shape = (templates, concepts, width)
    signals = fitted @ survey.embeddings.unit_rows(held.pictures).T
    return Lexicon(
        survey,
        vocabulary,
        held,
        scaled(left, fitted).reshape(shape),
        scaled(left, vocabulary.texts.reshape(-1, width)).reshape(shape),
        standardized(signals).reshape(templates, concepts, len(held.pictures)),
    )


def words(
    lexicon: Lexicon,
    layer: str,
    units: Sequence[int] | None = None,
    *,
    pooling: Pooling | None = None,
    reading: Reading = "probability",
    count: int = COUNT,
    seed: int = 0,
) -> LayerWords:
    """The words of units.

    Args:
        lexicon: A survey and a vocabulary, prepared.
        layer: Dotted name of a layer.
        units: Indices; all by default.
        pooling: By default the layer's usual one.
        reading: How words are chosen.
        count: Number of words for each unit, at most.
        seed: Of the shuffling from which it is learnt what is weak.

    Raises:
        UsageError: the survey does not have the layer or a unit.
    """
    whole = statistics_of(lexicon.survey, layer, pooling)
    wanted = np.arange(whole.units) if units is None else np.asarray(units, dtype=np.intp)
    for unit in wanted[(wanted < 0) | (wanted >= whole.units)]:
        check_unit(whole, int(unit))
    bound = _bound(lexicon, whole, seed)
    given = _wpmi(lexicon, whole, wanted) if reading == "wpmi" else None
    listed: list[UnitWords] = []
    for start in range(0, len(wanted), _UNITS):
        part = wanted[start : start + _UNITS]
        weights = None if given is None else given[start : start + _UNITS]
        listed += _words_of(lexicon, whole.only(part), part, reading, weights, count, bound)
    held = len(lexicon.held.pictures)
    return LayerWords(layer, whole.pooling, reading, lexicon.vocabulary.reader, held, bound, tuple(listed))


def _bound(lexicon: Lexicon, whole: UnitStatistics, seed: int) -> float:
    """The held-out correlation up to which a label of the layer is weak; learnt once."""
    key = whole.layer, whole.pooling, seed
    if key not in lexicon.bounds:
        signals = lexicon.signals
        flat = signals.reshape(signals.shape[0] * signals.shape[1], signals.shape[2])
        lexicon.bounds[key] = chance_bound(whole.sample[:, lexicon.held.columns], flat, seed)
    return lexicon.bounds[key]


def _words_of(
    lexicon: Lexicon,
    statistics: UnitStatistics,
    units: NDArray[np.intp],
    reading: Reading,
    weights: NDArray[np.floating] | None,
    count: int,
    bound: float,
) -> list[UnitWords]:
    training = statistics_without(statistics, lexicon.survey.embeddings, lexicon.held)
    fits = fits_of(training, lexicon.directions)
    if weights is None:
        weights = _weights(reading, training, lexicon, fits)
    best = _largest(weights, count)
    # The template that fits the unit best, by the pictures that were not held out.
    templates = fits[:, np.arange(len(units))[:, None], best].argmax(axis=0)
    signals = lexicon.signals[templates, best]
    values = statistics.sample[:, lexicon.held.columns]
    pearsons = correlations_of_pairs(values, signals)
    positives = np.broadcast_to(active(values)[:, None], signals.shape) if values.shape[1] else signals > 0
    precisions = average_precisions(positives, signals)
    varies = (training.squares > 0) & training.varies
    concepts = lexicon.vocabulary.concepts
    return [
        UnitWords(
            int(unit),
            tuple(
                Label(
                    concepts[best[row, place]],
                    float(weights[row, best[row, place]]),
                    float(pearsons[row, place]),
                    float(precisions[row, place]),
                    not pearsons[row, place] > bound,
                    int(templates[row, place]),
                )
                for place in range(best.shape[1])
                if varies[row] and (reading == "wpmi" or weights[row, best[row, place]] > 0)
            ),
        )
        for row, unit in enumerate(units)
    ]


def _weights(
    reading: Reading, training: UnitStatistics, lexicon: Lexicon, fits: NDArray[np.float32]
) -> NDArray[np.floating]:
    """The weight of each concept for each unit, (units, concepts)."""
    if reading == "sparse":
        return sparse_weights(training.cross, lexicon.atoms, len(lexicon.vocabulary.texts))
    if reading == "cosine":
        fits = fits_of(training, lexicon.cosines)
    return np.asarray(fits.max(axis=0), dtype=np.float32)


def fits_of(training: UnitStatistics, directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Correlation of each unit with each concept in each template, (templates, units, concepts).

    Args:
        training: The units', over the pictures that are not held out (`statistics_without`).
        directions: `Lexicon.directions` or `Lexicon.cosines`.
    """
    rows = training.cross * reciprocals(training).astype(np.float32)[:, None]
    return np.asarray(np.clip(rows @ directions.transpose(0, 2, 1), -1, 1), dtype=np.float32)


def _largest(weights: NDArray[np.floating], count: int) -> NDArray[np.intp]:
    """The concepts with the largest weights, largest first; equal ones in the list's order."""
    concepts = weights.shape[1]
    count = min(count, concepts)
    if not count:
        return np.zeros((len(weights), 0), dtype=np.intp)
    few = np.sort(np.argpartition(-weights, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(weights, few, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(few, order, axis=1), dtype=np.intp)


def _wpmi(lexicon: Lexicon, whole: UnitStatistics, units: NDArray[np.intp]) -> NDArray[np.float64]:
    """Soft WPMI of some units, (units, concepts); the prior, over all units of the layer, is computed once."""
    key = whole.layer, whole.pooling
    texts, embeddings = lexicon.vocabulary.means, lexicon.survey.embeddings
    top = without_held(whole.top, lexicon.held)
    if key not in lexicon.priors:
        found = log_likelihoods(top, embeddings, texts)
        lexicon.priors[key] = log_prior(found)
        return np.asarray(found[units] - lexicon.priors[key], dtype=np.float64)
    own = Extremes(top.values[units], top.pictures[units], top.positions[units])
    return log_likelihoods(own, embeddings, texts) - lexicon.priors[key]
