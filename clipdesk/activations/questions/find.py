"""Units that answer to a text or a picture, and units that are active in the same pictures as another one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.lookup import check_unit, chosen, statistics_of
from clipdesk.activations.questions.sampled import standardized, unit_correlations
from clipdesk.activations.statistics import Pooling, UnitStatistics
from clipdesk.activations.survey import Survey, correlations
from clipdesk.errors import UsageError
from clipdesk.given import checked

COUNT = 20


@dataclass(frozen=True)
class Found:
    """A unit that was found.

    Attributes:
        layer: Dotted name of its layer.
        pooling: The pooling in which it correlates most.
        unit: Its index.
        correlation: Pearson correlation, in [-1, 1].
    """

    layer: str
    pooling: Pooling
    unit: int
    correlation: float


@checked
def find(
    survey: Survey,
    directions: NDArray[np.floating],
    *,
    layers: Collection[str] | None = None,
    pooling: Pooling | None = None,
    count: int = COUNT,
) -> list[Found]:
    """The units whose activation correlates most with the cosine of the pictures to a text or an image, best first.

    All pictures of the survey count. A unit is listed once, with the pooling in which it correlates most. For the
    units that are least active where the direction is found, turn the direction round.

    Args:
        survey: A survey.
        directions: Embedding of a text or an image, from the survey's model, of any length, (width,); or several
            readings of it, (readings, width), of which the best counts for each unit. For a text, those of
            `clipdesk.activations.questions.sharpening` tell it from similar texts.
        layers: Layers to search; all by default.
        pooling: The pooling to search; all by default.
        count: Number of units.

    Raises:
        UsageError: a direction has another width than the survey's embeddings, is zero or not finite, or the survey
            does not have one of the layers.
    """
    rows = _checked(survey, directions)
    return best(
        (
            (statistics, correlations(statistics, survey.embeddings, rows).max(axis=0))
            for statistics in chosen(survey, layers, pooling)
        ),
        count,
    )


@checked
def like(
    survey: Survey,
    layer: str,
    unit: int,
    *,
    own_pooling: Pooling | None = None,
    layers: Collection[str] | None = None,
    pooling: Pooling | None = None,
    count: int = COUNT,
) -> list[Found]:
    """The units that are active in the same pictures as another one, best first; that one itself is left out.

    The correlation is that of the activations in the sampled pictures. The cosine of two rows of `cross` needs no
    sample, but compares only what is linear in the embedding: it calls two units the same that answer to different
    things in similar pictures (docs/understanding.md has the figures).

    Args:
        survey: A survey.
        layer: The unit's layer.
        unit: Its index.
        own_pooling: Its pooling; by default the layer's usual one.
        layers: Layers to search; all by default.
        pooling: The pooling to search; all by default.
        count: Number of units.

    Raises:
        UsageError: the survey does not have the unit or one of the layers.
    """
    statistics = statistics_of(survey, layer, own_pooling)
    check_unit(statistics, unit)
    own = standardized(statistics.sample[unit : unit + 1])
    found = ((other, unit_correlations(other, own)[0]) for other in chosen(survey, layers, pooling))
    return best(found, count, without=(layer, unit))


def _checked(survey: Survey, directions: NDArray[np.floating]) -> NDArray[np.float64]:
    rows, width = np.atleast_2d(np.asarray(directions, dtype=np.float64)), len(survey.embeddings.mean)
    if rows.ndim != 2 or not len(rows) or rows.shape[1] != width:
        raise UsageError(f"The embedding has {rows.shape[-1]} numbers, but those of the survey have {width}")
    if not np.isfinite(rows).all() or not rows.any(axis=1).all():
        raise UsageError("The embedding is zero or not finite, so nothing correlates with it")
    return rows


def best(
    found: Iterator[tuple[UnitStatistics, NDArray[np.float64]]], count: int, *, without: tuple[str, int] | None = None
) -> list[Found]:
    """The best units of some layers, each once; equal ones in the order of the layers and units.

    Args:
        found: Statistics of layers, each with the correlation of all of its units.
        count: Number of units.
        without: Layer and index of a unit to leave out.
    """
    listed: dict[tuple[str, int], Found] = {}
    for statistics, values in found:
        for unit in _largest(values, count + 1):
            new = Found(statistics.layer, statistics.pooling, int(unit), float(values[unit]))
            old = listed.get((new.layer, new.unit))
            if (new.layer, new.unit) != without and (old is None or new.correlation > old.correlation):
                listed[new.layer, new.unit] = new
    return sorted(listed.values(), key=lambda each: -each.correlation)[: max(0, count)]


def _largest(values: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Indices of the largest values, largest first; equal ones by index."""
    if count < len(values):
        # All that tie with the last of them, so that the order does not depend on how numpy partitions.
        least = np.partition(values, len(values) - count)[len(values) - count]
        candidates = np.flatnonzero(values >= least)
    else:
        candidates = np.arange(len(values))
    return candidates[np.argsort(-values[candidates], kind="stable")][:count]
