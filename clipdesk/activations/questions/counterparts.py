"""Units of another model that are active in the same pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.find import Found, best
from clipdesk.activations.questions.lookup import check_unit, chosen, statistics_of
from clipdesk.activations.questions.sampled import sample_correlations, standardized, unit_correlations
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.given import checked

COUNT = 8
LEAST = 16
"""Pictures that two surveys must have sampled both."""


@checked
def counterparts(
    survey: Survey,
    other: Survey,
    layer: str,
    unit: int,
    *,
    own_pooling: Pooling | None = None,
    pooling: Pooling | None = None,
    count: int = COUNT,
) -> list[Found]:
    """The units of another model that are active in the same pictures as a unit, best first.

    The correlation is that of the activations in the pictures that both surveys have sampled: all of them, if both are
    of the same image set, since the sample depends on the pictures alone.

    Args:
        survey: The survey of the unit's model.
        other: A survey of the other model, of the same pictures or of some of them.
        layer: The unit's layer.
        unit: Its index.
        own_pooling: Its pooling; by default the layer's usual one.
        pooling: The pooling of the other model's units; all by default.
        count: Number of units.

    Raises:
        UsageError: the survey does not have the unit; or fewer than `LEAST` pictures were sampled by both.
    """
    statistics = statistics_of(survey, layer, own_pooling)
    check_unit(statistics, unit)
    mine, theirs = _shared(survey, other)
    if len(mine) < LEAST:
        raise UsageError(
            f"The surveys of {survey.model} and {other.model} share {len(mine)} sampled pictures, and {LEAST} are "
            "needed to compare units. Survey the same images with both"
        )
    row = standardized(statistics.sample[unit : unit + 1, mine])
    whole = np.array_equal(theirs, np.arange(len(other.sample)))
    found = (
        (each, (unit_correlations(each, row) if whole else sample_correlations(each.sample[:, theirs], row))[0])
        for each in chosen(other, None, pooling)
    )
    return best(found, count)


def _shared(survey: Survey, other: Survey) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The columns of the pictures that both have sampled, in the first one's samples and in the second one's."""
    columns = {survey.pictures[index].id: column for column, index in enumerate(survey.sample.tolist())}
    pairs = [
        (columns[name], column)
        for column, index in enumerate(other.sample.tolist())
        if (name := other.pictures[index].id) in columns
    ]
    mine, theirs = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    return mine, theirs
