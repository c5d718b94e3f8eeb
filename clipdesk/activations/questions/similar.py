"""Units that are active in the same pictures as another one, in its own layer and in the others."""

from __future__ import annotations

from dataclasses import dataclass

from clipdesk.activations.questions.find import Found, like
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.survey import Survey
from clipdesk.given import checked

COUNT = 8


@dataclass(frozen=True)
class Similar:
    """Units that are like another one, each with its correlation over the sampled pictures, the most similar first.

    Attributes:
        within: Units of its own layer.
        across: Units of the other layers.
    """

    within: tuple[Found, ...]
    across: tuple[Found, ...]


@checked
def similar(survey: Survey, layer: str, unit: int, *, pooling: Pooling | None = None, count: int = COUNT) -> Similar:
    """The units that are most like another one.

    Args:
        survey: A survey.
        layer: The unit's layer.
        unit: Its index.
        pooling: The pooling of all of them; by default the layer's usual one, and any of the others'.
        count: Number of units in each list.

    Raises:
        UsageError: the survey does not have the layer or the unit.
    """
    elsewhere = {name for name, _ in survey.statistics} - {layer}
    if pooling is not None:
        elsewhere = {name for name, own in survey.statistics if own == pooling} - {layer}
    within = like(survey, layer, unit, own_pooling=pooling, layers=[layer], pooling=pooling, count=count)
    across = like(survey, layer, unit, own_pooling=pooling, layers=elsewhere, pooling=pooling, count=count)
    return Similar(tuple(within), tuple(across))
