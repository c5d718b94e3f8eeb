"""Finding a layer, a pooling and a unit in a survey by what a person asked for."""

from __future__ import annotations

from collections.abc import Collection

from clipdesk.activations.statistics import Pooling, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError, nearest, one_line

USUAL: tuple[Pooling, ...] = ("mean", "max", "class")
"""Poolings in the order in which they are taken when none is asked for."""


def statistics_of(survey: Survey, layer: str, pooling: Pooling | None = None) -> UnitStatistics:
    """The statistics of a layer.

    Args:
        survey: A survey.
        layer: Dotted name of the layer.
        pooling: By default the first of `USUAL` that the survey has for the layer.

    Raises:
        UsageError: the survey does not have the layer, or not with this pooling.
    """
    there = poolings_of(survey, layer)
    if pooling is None:
        return survey.statistics[layer, there[0]]
    if pooling not in there:
        raise UsageError(f"The survey has no {pooling} of layer '{layer}'. Available: {', '.join(there)}")
    return survey.statistics[layer, pooling]


def poolings_of(survey: Survey, layer: str) -> list[Pooling]:
    """The poolings that a survey has for a layer, the usual one first.

    Raises:
        UsageError: the survey does not have the layer.
    """
    there: list[Pooling] = [pooling for pooling in USUAL if (layer, pooling) in survey.statistics]
    if not there:
        layers = list(dict.fromkeys(name for name, _ in survey.statistics))
        raise UsageError(f"The survey has no layer '{one_line(layer)}'. {nearest(layer, layers)}")
    return there


def chosen(
    survey: Survey, layers: Collection[str] | None = None, pooling: Pooling | None = None
) -> list[UnitStatistics]:
    """The statistics of some layers, in all poolings that there are or in one.

    Args:
        survey: A survey.
        layers: Dotted names; all by default.
        pooling: All by default. Layers without it are left out, unless they were asked for by name.

    Raises:
        UsageError: the survey does not have one of the layers, or not with this pooling.
    """
    for layer in layers or ():
        statistics_of(survey, layer, pooling)
    return [
        statistics
        for (layer, own), statistics in survey.statistics.items()
        if (layers is None or layer in layers) and pooling in (None, own)
    ]


def check_unit(statistics: UnitStatistics, unit: int) -> None:
    """Check that a layer has a unit.

    Raises:
        UsageError: it does not.
    """
    if not 0 <= unit < statistics.units:
        raise UsageError(f"Layer '{statistics.layer}' has no unit {unit}: its units are 0 to {statistics.units - 1:,}")
