"""Units of another model that are like one."""

from __future__ import annotations

import numpy as np
import pytest

from clipdesk.activations.questions.counterparts import counterparts
from clipdesk.errors import UsageError
from tests.activations.surveys import direct_survey, toy


def test_the_units_that_fire_in_the_same_pictures_come_first() -> None:
    _, a, z = toy(units=6)
    order = [3, 5, 0, 1, 4, 2]
    ours = direct_survey({("one", "mean"): a}, z)
    theirs = direct_survey({("two", "max"): 2 * a[:, order] + 1}, z)
    for unit in range(6):
        first, *_ = counterparts(ours, theirs, "one", unit, count=3)
        assert (first.layer, first.pooling, first.unit) == ("two", "max", order.index(unit))
        assert first.correlation == pytest.approx(1, abs=1e-3)


def test_only_pictures_that_both_have_sampled_count() -> None:
    _, a, z = toy(count=200, units=4)
    half = len(a) // 2
    ours, theirs = (
        direct_survey({("one", "mean"): a}, z),
        direct_survey({("two", "mean"): a[:half]}, z[:half]),
    )
    (found,) = counterparts(ours, theirs, "one", 1, count=1)
    assert found.unit == 1
    a16 = a[:half].astype(np.float16).astype(np.float64)
    second = counterparts(ours, theirs, "one", 1, count=4)[1]
    expected = np.corrcoef(a16[:, 1], a16[:, second.unit])[0, 1]
    assert second.correlation == pytest.approx(expected, abs=1e-4)


def test_surveys_of_other_pictures_cannot_be_compared() -> None:
    _, a, z = toy(count=200, units=4)
    ours, few = direct_survey({("one", "mean"): a}, z), direct_survey({("two", "mean"): a[:5]}, z[:5])
    with pytest.raises(UsageError, match="share 5 sampled pictures, and 16 are needed"):
        counterparts(ours, few, "one", 1)
