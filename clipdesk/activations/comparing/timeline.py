"""A unit over the checkpoints of a training: how far it is from where it began and from where it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clipdesk.activations.comparing.comparison import LayerComparison
from clipdesk.activations.comparing.making import compare
from clipdesk.activations.statistics import Pooling, UnitStatistics
from clipdesk.activations.surveying import SurveyProgress
from clipdesk.errors import UsageError
from clipdesk.imagesets.sets import ImageSet
from clipdesk.network.layer_names import short_layer
from clipdesk.network.opened import OpenModel

_ALIKE = "Checkpoints of a timeline must be of one architecture, as those of one training are"


@dataclass(frozen=True)
class Moment:
    """A unit in one checkpoint.

    Attributes:
        model: What the checkpoint was asked for by.
        mean: Mean of its activation over the pictures.
        deviation: Standard deviation.
        most: Largest activation.
        density: Share of the pictures in which it is above zero.
        from_first: Drift from the first checkpoint; NaN where neither varies.
        from_last: Drift to the last one.
    """

    model: str
    mean: float
    deviation: float
    most: float
    density: float
    from_first: float
    from_last: float


def timeline(
    opened: Callable[[int], OpenModel],
    count: int,
    images: ImageSet,
    layer: str,
    unit: int,
    pooling: Pooling = "mean",
    progress: Callable[[SurveyProgress], object] = lambda _: None,
) -> list[Moment]:
    """A unit in each of some checkpoints, in their order.

    Each is compared with the first and with the last one. Comparisons are kept as those of `compare` are.

    Args:
        opened: Opens the checkpoint of an index. It is asked each time, so that not all need to be in memory.
        count: How many there are.
        images: What all of them read.
        layer: Dotted name of the unit's layer.
        unit: Its index.
        pooling: How values at positions become one, where the layer has that; else their mean.
        progress: Told after every block of pictures how far the comparison is that is made.

    Raises:
        UsageError: there are fewer than two; they are not of one architecture; there is no such unit.
        ClipDeskError: as `compare`.
    """
    if count < 2:
        raise UsageError("A timeline needs at least two checkpoints")
    opened(0).inspector.check_unit(layer, unit)

    def between(first: int, second: int) -> LayerComparison:
        one, other = opened(first), opened(second)
        if layer not in other.inspector.layers:
            raise UsageError(f"{other.name or 'A checkpoint'} has no layer {short_layer(layer)}. {_ALIKE}")
        found = compare(one, other, images, layers=[layer], pooling=pooling, progress=progress).layers[0]
        if not found.pair.same:
            raise UsageError(_ALIKE)
        return found

    last = count - 1
    firsts = {at: between(0, at) for at in range(1, count)}
    lasts = {at: between(at, last) for at in range(1, last)} | {0: firsts[last]}
    moments = []
    for at in range(count):
        statistics = firsts[at].second if at else firsts[last].first
        apart = (firsts[at].drift[unit] if at else 0.0, lasts[at].drift[unit] if at < last else 0.0)
        moments.append(_moment(str(opened(at).name), statistics, unit, float(apart[0]), float(apart[1])))
    return moments


def _moment(model: str, statistics: UnitStatistics, unit: int, from_first: float, from_last: float) -> Moment:
    values = statistics.means, statistics.deviations, statistics.most, statistics.densities
    mean, deviation, most, density = (float(each[unit]) for each in values)
    return Moment(model, mean, deviation, most, density, from_first, from_last)
