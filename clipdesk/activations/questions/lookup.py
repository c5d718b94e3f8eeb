"""Finding a layer, a pooling and a unit in a survey by what a person asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator

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
    return survey.statistics[layer, check_pooling(survey, layer, pooling)]


def poolings_of(survey: Survey, layer: str) -> list[Pooling]:
    """The poolings that a survey has for a layer, the usual one first.

    Raises:
        UsageError: the survey does not have the layer.
    """
    # The keys alone: to look one up may read a layer from the disk.
    own = {pooling for name, pooling in survey.statistics if name == layer}
    if not own:
        layers = list(dict.fromkeys(name for name, _ in survey.statistics))
        raise UsageError(f"The survey has no layer '{one_line(layer)}'. {nearest(layer, layers)}")
    return [pooling for pooling in USUAL if pooling in own]


def chosen(
    survey: Survey, layers: Collection[str] | None = None, pooling: Pooling | None = None
) -> Iterator[UnitStatistics]:
    """The statistics of some layers, in all poolings that there are or in one; one after the other, to save memory.

    Args:
        survey: A survey.
        layers: Dotted names; all by default.
        pooling: All by default. Layers without it are left out, unless they were asked for by name.

    Raises:
        UsageError: the survey does not have one of the layers, or not with this pooling. It is raised at once.
    """
    for layer in layers or ():
        check_pooling(survey, layer, pooling)
    keys = [key for key in survey.statistics if (layers is None or key[0] in layers) and pooling in (None, key[1])]
    return (survey.statistics[key] for key in keys)


def check_pooling(survey: Survey, layer: str, pooling: Pooling | None) -> Pooling:
    """The pooling that is meant for a layer: the given one, or by default the first of `USUAL`.

    Raises:
        UsageError: the survey does not have the layer, or not with this pooling.
    """
    there = poolings_of(survey, layer)
    if pooling is not None and pooling not in there:
        raise UsageError(f"The survey has no {pooling} of layer '{layer}'. Available: {', '.join(there)}")
    return pooling or there[0]


def check_unit(statistics: UnitStatistics, unit: int) -> None:
    """Check that a layer has a unit.

    Raises:
        UsageError: it does not.
    """
    if not 0 <= unit < statistics.units:
        raise UsageError(f"Layer '{statistics.layer}' has no unit {unit}: its units are 0 to {statistics.units - 1:,}")
