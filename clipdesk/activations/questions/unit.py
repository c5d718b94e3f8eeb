"""All that a survey says of one unit, at once: what a unit's page shows, in the window and in HTML."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.against import Against, against
from clipdesk.activations.questions.clusters import Clusters, clusters
from clipdesk.activations.questions.examples import COUNT, PER_BIN, Examples, examples
from clipdesk.activations.questions.layer import table
from clipdesk.activations.questions.lookup import check_unit, statistics_of
from clipdesk.activations.questions.measures import redundancies
from clipdesk.activations.questions.ranking import Rank, apart_from_zeros, rank
from clipdesk.activations.questions.similar import Similar, similar
from clipdesk.activations.questions.words import Label, LayerWords, Lexicon, words
from clipdesk.activations.statistics import Pooling, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.given import checked

QUANTILES = (0.5, 0.9, 0.99, 0.999)


@dataclass(frozen=True)
class UnitNumbers:
    """A unit in numbers; NaN where one is not defined. `UnitTable` says what those are that it has too.

    Attributes:
        mean: Mean over the pictures.
        deviation: Standard deviation.
        least: Smallest value.
        most: Largest value.
        quantiles: The values below which `QUANTILES` of the pictures are, from the histogram.
        density: As in `UnitTable`.
        selectivity: As in `UnitTable`.
        by_class: As in `UnitTable`.
        kurtosis: As in `UnitTable`.
        maximum: As in `UnitTable`.
        clarity: As in `UnitTable`.
        monosemanticity: As in `UnitTable`.
        redundancy: As in `UnitTable`.
        nearest: As in `UnitTable`.
        dead: As in `UnitTable`.
        dense: As in `UnitTable`.
    """

    mean: float
    deviation: float
    least: float
    most: float
    quantiles: tuple[float, ...]
    density: float
    selectivity: float
    by_class: bool
    kurtosis: float
    maximum: float
    clarity: float
    monosemanticity: float
    redundancy: float
    nearest: int
    dead: bool
    dense: bool


@dataclass(frozen=True, eq=False)
class UnitHistogram:
    """How often a unit's values are where.

    Attributes:
        edges: Ends of the bins, float64, (bins + 1,).
        counts: Pictures in each, int64, (bins,).
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class UnitAnswers:
    """All that a survey says of a unit.

    Attributes:
        layer: Dotted name of its layer.
        unit: Its index.
        pooling: How values at positions became one.
        count: Pictures that the answers rest on.
        numbers: In numbers.
        histogram: Its values, without the empty bins at both ends.
        examples: Pictures of its whole range.
        clusters: Groups of its top pictures.
        similar: Units that are active in the same pictures.
        words: Its words; None if no lexicon was given.
        against: What speaks against its first word; None where there is none, or another model read the words.
        statistics: Its statistics alone.
    """

    layer: str
    unit: int
    pooling: Pooling
    count: int
    numbers: UnitNumbers
    histogram: UnitHistogram
    examples: Examples
    clusters: Clusters
    similar: Similar
    words: LayerWords | None
    against: Against | None
    statistics: UnitStatistics

    @property
    def labels(self) -> tuple[Label, ...]:
        """Its words, the best first."""
        return () if self.words is None else self.words.units[0].labels

    def rank(self, value: float) -> Rank:
        """Where an activation, such as a rendered picture's, is among those of the survey's pictures."""
        return rank(self.statistics, 0, value)


@checked
def unit_answers(
    survey: Survey,
    layer: str,
    unit: int,
    *,
    rectified: bool,
    lexicon: Lexicon | None = None,
    pooling: Pooling | None = None,
    count: int = COUNT,
    per_bin: int = PER_BIN,
) -> UnitAnswers:
    """All that a survey says of a unit: some tens of milliseconds for the embedded models.

    Args:
        survey: A survey.
        layer: Dotted name of a layer.
        unit: Index of the unit.
        rectified: Whether the layer is behind a rectifier (`clipdesk.network.rectifiers`).
        lexicon: What to describe it with (`prepare`), of this survey or as another model reads it; no words without.
        pooling: By default the layer's usual one.
        count: Pictures at the top and at the bottom, at most.
        per_bin: Pictures of each part of its range, at most.

    Raises:
        UsageError: the survey does not have the layer or the unit.
    """
    whole = statistics_of(survey, layer, pooling)
    check_unit(whole, unit)
    own = whole.only(np.array([unit]))
    found = None if lexicon is None else words(lexicon, layer, [unit], pooling=whole.pooling)
    labels = () if found is None else found.units[0].labels
    # Another model's reading counts the pictures differently.
    judged = lexicon is not None and lexicon.survey is survey and bool(labels)
    return UnitAnswers(
        layer=layer,
        unit=unit,
        pooling=whole.pooling,
        count=whole.count,
        numbers=_numbers(survey, whole, own, unit, rectified),
        histogram=histogram_of(own),
        examples=examples(survey, layer, unit, pooling=whole.pooling, count=count, per_bin=per_bin),
        clusters=clusters(survey, layer, unit, pooling=whole.pooling),
        similar=similar(survey, layer, unit, pooling=pooling),
        words=found,
        against=against(lexicon, own, labels[0]) if lexicon is not None and judged else None,
        statistics=own,
    )


def _numbers(survey: Survey, whole: UnitStatistics, own: UnitStatistics, unit: int, rectified: bool) -> UnitNumbers:
    row = table(survey, own, rectified=rectified)
    redundancy, nearest = redundancies(whole, [unit])
    zeros, counts = apart_from_zeros(own, 0)
    places = np.array(QUANTILES) * own.count - zeros
    quantiles = np.interp(places, [0, *counts.cumsum()], own.histogram.edges(0)) * (places > 0)
    least, most = float(own.least[0]), float(own.most[0])
    return UnitNumbers(
        mean=float(own.means[0]),
        deviation=float(own.deviations[0]),
        least=least,
        most=most,
        quantiles=tuple(float(each) for each in np.clip(quantiles, least, most)),
        density=float(row.density[0]),
        selectivity=float(row.selectivity[0]),
        by_class=row.by_class,
        kurtosis=float(row.kurtosis[0]),
        maximum=float(row.maximum[0]),
        clarity=float(row.clarity[0]),
        monosemanticity=float(row.monosemanticity[0]),
        redundancy=float(redundancy[0]),
        nearest=int(nearest[0]),
        dead=bool(row.dead[0]),
        dense=bool(row.dense[0]),
    )


def histogram_of(own: UnitStatistics) -> UnitHistogram:
    """The histogram of a single unit, without the empty bins at both ends."""
    counts = own.histogram.counts[0].astype(np.int64)
    there = np.flatnonzero(counts)
    part = slice(there[0], there[-1] + 1) if len(there) else slice(0, 0)
    return UnitHistogram(own.histogram.edges(0)[part.start : part.stop + 1], counts[part])
