"""Pictures of a unit's whole range: its top and bottom, the middle, and each part between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.lookup import check_unit, statistics_of
from clipdesk.activations.statistics import NONE, Embeddings, Extremes, Pooling, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.given import checked

COUNT, PER_BIN = 12, 4
BINS = 5
ALIKE = 0.96
"""Cosine of two embeddings above which pictures are taken to be near-duplicates."""
_CANDIDATES = 64


@dataclass(frozen=True)
class Example:
    """A picture and how active the unit is in it.

    Attributes:
        picture: Its index in the survey.
        value: The unit's activation; of pictures between the extremes rounded to float16.
        position: The patch with the largest value; -1 where that was not kept.
        alike: Near-duplicates that are less extreme and stand behind it.
    """

    picture: int
    value: float
    position: int = NONE
    alike: tuple[int, ...] = ()


@dataclass(frozen=True)
class Bin:
    """A part of a unit's range.

    Attributes:
        low: Where it begins.
        high: Where it ends.
        share: Share of the sampled pictures in it.
        examples: Some of these, evenly over the part, the largest value first.
    """

    low: float
    high: float
    share: float
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Examples:
    """Pictures of a unit.

    Attributes:
        layer: Dotted name of its layer.
        pooling: How values at positions became one.
        unit: Its index.
        top: Those with the largest values; of a unit that is never below zero only those above it, which may be none.
        bottom: Those with the smallest, smallest first.
        middle: Of the sampled ones, those nearest to the median, the largest value first.
        bins: Five equal parts from the smallest value to the largest, with sampled pictures; none for a constant unit.
    """

    layer: str
    pooling: Pooling
    unit: int
    top: tuple[Example, ...]
    bottom: tuple[Example, ...]
    middle: tuple[Example, ...]
    bins: tuple[Bin, ...]


@checked
def examples(
    survey: Survey,
    layer: str,
    unit: int,
    *,
    pooling: Pooling | None = None,
    count: int = COUNT,
    per_bin: int = PER_BIN,
    alike: float = ALIKE,
) -> Examples:
    """The pictures of a unit. Near-duplicates are shown as one, but stay in the survey and in all numbers.

    Args:
        survey: A survey.
        layer: Dotted name of a layer.
        unit: Index of the unit.
        pooling: By default the layer's usual one.
        count: Pictures at the top and at the bottom, at most.
        per_bin: Pictures of each part and of the middle, at most.
        alike: Cosine above which a picture is taken for a near-duplicate; from 1 on nothing is folded.

    Raises:
        UsageError: the survey does not have the layer or the unit.
    """
    statistics = statistics_of(survey, layer, pooling)
    check_unit(statistics, unit)
    own = statistics.only(np.array([unit]))

    def shown(found: Sequence[Example], most: int) -> tuple[Example, ...]:
        return tuple(folded(found, survey.embeddings, alike)[:most])

    return Examples(
        layer,
        statistics.pooling,
        unit,
        top=shown(exciting(own), count),
        bottom=shown(_listed(own.bottom), count),
        middle=shown(_middle(survey, own, per_bin), per_bin),
        bins=_bins(survey, own, per_bin, alike) if own.varies[0] else (),
    )


def folded(found: Sequence[Example], embeddings: Embeddings, alike: float = ALIKE) -> list[Example]:
    """Examples without those that are near-duplicates of one before them, which names them.

    Args:
        found: Examples, the most extreme first.
        embeddings: The pictures'.
        alike: Cosine above which two pictures are near-duplicates.
    """
    if alike >= 1 or not found:
        return list(found)
    rows = embeddings.unit_rows(np.array([example.picture for example in found]))
    # Lists: to look single numbers up in an array takes ten times as long.
    near = (rows @ rows.T > alike).tolist()
    behind: dict[int, list[int]] = {}
    for place in range(len(found)):
        first = next((other for other in behind if near[place][other]), None)
        if first is None:
            behind[place] = []
        else:
            behind[first].append(found[place].picture)
    return [
        Example(found[place].picture, found[place].value, found[place].position, tuple(pictures))
        for place, pictures in behind.items()
    ]


def top_of(own: UnitStatistics) -> list[Example]:
    """The pictures with the largest values of a single unit, all that were kept, near-duplicates too."""
    return _listed(own.top)


def exciting(own: UnitStatistics) -> list[Example]:
    """The same without pictures that leave a unit behind a rectifier at zero, `UnitStatistics.exciting`."""
    return _listed(own.exciting)


def _listed(ends: Extremes) -> list[Example]:
    """The pictures at one end of a single unit's values."""
    return [
        Example(int(picture), float(value) + 0.0, int(position))  # + 0 turns -0.0, as ReLU may give, into 0
        for picture, value, position in zip(ends.pictures[0], ends.values[0], ends.positions[0], strict=True)
        if picture != NONE
    ]


def _middle(survey: Survey, own: UnitStatistics, count: int) -> list[Example]:
    values = own.sample[0].astype(np.float64)
    if not len(values):
        return []
    # More than will be shown, since some may be folded.
    nearest = np.argsort(np.abs(values - np.median(values)), kind="stable")[: 2 * count]
    return _sampled(survey, values, nearest)


def _bins(survey: Survey, own: UnitStatistics, count: int, alike: float) -> tuple[Bin, ...]:
    values = own.sample[0].astype(np.float64)
    edges = np.linspace(float(own.least[0]), float(own.most[0]), BINS + 1)
    # By the inner edges: rounding to float16 may take a value past the outer ones.
    places = np.searchsorted(edges[1:-1], values, side="right")
    found = []
    for place in range(BINS):
        inside = np.flatnonzero(places == place)
        candidates = _evenly(inside[np.argsort(-values[inside], kind="stable")], _CANDIDATES)
        shown = folded(_sampled(survey, values, candidates), survey.embeddings, alike)
        chosen = [shown[index] for index in _evenly(np.arange(len(shown)), count)]
        share = len(inside) / max(1, len(values))
        found.append(Bin(float(edges[place]), float(edges[place + 1]), share, tuple(chosen)))
    return tuple(found)


def _sampled(survey: Survey, values: NDArray[np.float64], columns: NDArray[np.intp]) -> list[Example]:
    """Examples of some columns of the sample, the largest value first."""
    order = columns[np.argsort(-values[columns], kind="stable")]
    return [Example(int(survey.sample[column]), float(values[column])) for column in order]


def _evenly(items: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """At most `count` of some items, evenly over them, the first and the last among them."""
    if len(items) <= count:
        return items
    return items[np.round(np.linspace(0, len(items) - 1, count)).astype(np.intp)]
