"""Units by a text, an image or another unit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from clipdesk.activations.questions.find import find, like
from clipdesk.errors import UsageError
from tests.activations.surveys import LAYER, direct_survey, toy


def test_units_are_ranked_by_their_correlation_with_a_direction() -> None:
    survey, a, z = toy()
    direction = np.random.default_rng(3).normal(size=(z.shape[1],))
    direct = np.array([np.corrcoef(column, z @ direction)[0, 1] for column in a.T])
    found = find(survey, direction, count=10)
    assert [each.unit for each in found] == np.argsort(-direct)[:10].tolist()
    assert_allclose([each.correlation for each in found], np.sort(direct)[::-1][:10], atol=1e-5)
    assert {(each.layer, each.pooling) for each in found} == {(LAYER, "mean")}


def test_a_unit_is_listed_once_with_its_best_pooling() -> None:
    _, a, z = toy(units=6)
    direction = np.random.default_rng(3).normal(size=(z.shape[1],))
    noisy = a + 3 * np.random.default_rng(4).normal(size=a.shape)
    noisy[:, 2] = z @ direction
    survey = direct_survey({("one", "max"): noisy, ("one", "mean"): a, ("two", "mean"): a}, z)
    found = find(survey, direction, count=50)
    assert (found[0].layer, found[0].unit, found[0].pooling) == ("one", 2, "max")
    assert len(found) == len({(each.layer, each.unit) for each in found}) == 12
    assert {each.layer for each in find(survey, direction, layers=["two"])} == {"two"}
    assert {each.pooling for each in find(survey, direction, pooling="mean")} == {"mean"}


def test_equal_units_stand_in_their_order_and_constant_ones_last() -> None:
    _, a, z = toy(units=1)
    same = np.concatenate([np.zeros_like(a), a, a, a], axis=1)
    survey = direct_survey({(LAYER, "mean"): same}, z)
    direction = z[np.argmax(a[:, 0])]
    assert [each.unit for each in find(survey, direction, count=2)] == [1, 2]
    assert [each.unit for each in find(survey, direction, count=9)] == [1, 2, 3, 0]
    assert find(survey, direction, count=0) == []


def test_units_like_another_are_active_in_the_same_pictures() -> None:
    _, a, z = toy(units=8)
    a[:, 5] = 7 * a[:, 3] + 100 + 0.01 * np.random.default_rng(5).normal(size=len(a))
    survey = direct_survey({("one", "mean"): a, ("two", "mean"): a[:, ::-1]}, z)
    direct = np.corrcoef(a[survey.sample].T)[3]
    found = like(survey, "one", 3, count=20)
    # Copies in the other layer, and one that only its scale and the rounding to float16 tell apart.
    assert {(each.layer, each.unit) for each in found[:3]} == {("two", 4), ("one", 5), ("two", 2)}
    assert len(found) == 15
    assert ("one", 3) not in {(each.layer, each.unit) for each in found}
    # The sample is kept in float16.
    for each in found:
        wanted = direct[each.unit if each.layer == "one" else 7 - each.unit]
        assert each.correlation == pytest.approx(wanted, abs=2e-3)
    assert {each.layer for each in like(survey, "one", 3, layers=["one"])} == {"one"}


@pytest.mark.parametrize(
    ("direction", "message"),
    [
        (np.zeros(16), "zero or not finite"),
        (np.full(16, np.nan), "zero or not finite"),
        (np.ones(3), "3 numbers, but those of the survey have 16"),
    ],
)
def test_a_direction_that_cannot_be_compared_is_refused(direction: NDArray[np.float64], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find(toy()[0], direction)


def test_a_unit_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no unit 99"):
        like(toy()[0], LAYER, 99)
