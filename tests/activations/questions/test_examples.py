"""Pictures of a unit's whole range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from clipdesk.activations.questions.examples import Example, examples, folded
from clipdesk.errors import UsageError
from tests.activations.surveys import LAYER, direct_survey, toy


def test_top_and_bottom_are_the_extreme_pictures() -> None:
    survey, a, _ = toy()
    found = examples(survey, LAYER, 3, count=10, alike=1)
    order = np.argsort(-a[:, 3], kind="stable")
    assert [each.picture for each in found.top] == order[:10].tolist()
    assert [each.picture for each in found.bottom] == np.argsort(a[:, 3], kind="stable")[:10].tolist()
    assert_allclose([each.value for each in found.top], a[order[:10], 3], rtol=1e-6)
    assert {each.position for each in found.top} == {-1}


def test_each_part_of_the_range_has_pictures_of_it() -> None:
    survey, a, _ = toy()
    unit = 3
    found = examples(survey, LAYER, unit, per_bin=4)
    values = a[survey.sample, unit]
    assert len(found.bins) == 5
    assert found.bins[0].low == a[:, unit].min()
    assert found.bins[-1].high == a[:, unit].max()
    assert sum(each.share for each in found.bins) == pytest.approx(1)
    for part in found.bins:
        inside = (values >= part.low - 2e-3) & (values < part.high + 2e-3)
        assert part.share == pytest.approx(inside.mean(), abs=0.02)
        assert len(part.examples) == min(4, round(part.share * len(values)))
        for each in part.examples:
            assert part.low - 2e-3 <= each.value <= part.high + 2e-3
            assert each.value == pytest.approx(a[each.picture, unit], rel=1e-3)
        assert [each.value for each in part.examples] == sorted((each.value for each in part.examples), reverse=True)
        if len(part.examples) == 4:
            spread = part.examples[0].value - part.examples[-1].value
            assert spread == pytest.approx(np.ptp(values[inside]), abs=0.01)


def test_the_middle_is_around_the_median() -> None:
    survey, a, _ = toy()
    found = examples(survey, LAYER, 3, per_bin=4)
    values = a[survey.sample, 3]
    nearest = np.sort(np.abs(values - np.median(values)))
    assert len(found.middle) == 4
    for each in found.middle:
        assert abs(each.value - np.median(values)) <= nearest[7] + 1e-3


def test_near_duplicates_are_shown_as_one_and_kept() -> None:
    _, a, z = toy(count=200, units=2)
    order = np.argsort(-a[:, 1], kind="stable")
    z[order[2]] = z[order[0]] + 0.001
    z[order[5]] = z[order[0]]
    survey = direct_survey({(LAYER, "mean"): a}, z)
    found = examples(survey, LAYER, 1, count=5)
    assert [each.picture for each in found.top] == order[[0, 1, 3, 4, 6]].tolist()
    assert found.top[0].alike == (order[2], order[5])
    assert found.top[1].alike == ()


def test_a_chain_of_similar_pictures_is_not_one() -> None:
    angles = np.deg2rad([0, 15, 30])
    z = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    survey = direct_survey({(LAYER, "mean"): np.ones((3, 1))}, z)
    found = folded([Example(index, 1.0) for index in range(3)], survey.embeddings)
    assert [(each.picture, each.alike) for each in found] == [(0, (1,)), (2, ())]
    assert folded([], survey.embeddings) == []


def test_ties_stand_in_the_order_of_the_pictures_and_few_pictures_give_short_lists() -> None:
    z = np.eye(7)
    a = np.array([[-1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 2.0]]).T
    found = examples(direct_survey({(LAYER, "mean"): a}, z), LAYER, 0)
    assert [each.picture for each in found.top] == [6, 1, 2, 4, 0, 3, 5]
    assert [each.picture for each in found.bottom] == [0, 3, 5, 1, 2, 4, 6]
    assert [len(part.examples) for part in found.bins] == [3, 0, 0, 3, 1]


def test_pictures_that_leave_a_rectified_unit_at_zero_are_not_at_its_top() -> None:
    a = np.array([[0.0, 1.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0]]).T
    survey = direct_survey({(LAYER, "mean"): a}, np.eye(4))
    assert [each.picture for each in examples(survey, LAYER, 0).top] == [3, 1]
    dead = examples(survey, LAYER, 1)
    assert dead.top == ()
    assert len(dead.bottom) == 4


def test_a_constant_unit_and_a_set_of_one_picture_have_no_parts() -> None:
    constant = direct_survey({(LAYER, "mean"): np.full((9, 1), -0.3)}, np.eye(9))
    found = examples(constant, LAYER, 0, count=3)
    assert found.bins == ()
    assert [each.picture for each in found.top] == [0, 1, 2]
    single = examples(direct_survey({(LAYER, "mean"): np.array([[0.5]])}, np.ones((1, 4))), LAYER, 0)
    assert [each.picture for each in single.top] == [each.picture for each in single.middle] == [0]
    assert single.bins == ()


def test_a_unit_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no unit 24"):
        examples(toy()[0], LAYER, 24)


def test_a_zero_has_no_sign() -> None:
    survey = direct_survey({(LAYER, "mean"): np.array([[-0.0], [1.0]])}, np.eye(2))
    statistics = survey.statistics[LAYER, "mean"]
    signed = replace(statistics, bottom=replace(statistics.bottom, values=np.full((1, 100), -0.0, np.float32)))
    found = examples(replace(survey, statistics={(LAYER, "mean"): signed}), LAYER, 0).bottom[0]
    assert str(found.value) == "0.0"
