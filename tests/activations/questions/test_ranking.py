"""Where an activation is among those of a survey's pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clipdesk.activations.questions.ranking import Rank, rank
from clipdesk.activations.survey import Survey
from tests.activations.surveys import LAYER, direct_survey


@pytest.fixture(scope="module")
def ladder() -> Survey:
    """Unit 0 has the values 1 to 1,000, unit 1 those below zero, and unit 2 is constant."""
    values = np.random.default_rng(0).permutation(np.arange(1.0, 1001.0))
    rows = np.random.default_rng(1).normal(size=(1000, 4))
    return direct_survey({(LAYER, "mean"): np.stack([values, values - 2000, np.full(1000, 0.25)], axis=1)}, rows)


@pytest.mark.parametrize(
    ("value", "below"), [(0.5, 0), (1.0, 0), (1.5, 1), (60.0, 59), (950.5, 950), (1000.0, 999), (1400.0, 1000)]
)
def test_the_pictures_at_both_ends_are_counted_exactly(ladder: Survey, value: float, below: int) -> None:
    assert rank(ladder.statistics[LAYER, "mean"], 0, value).below == below


@pytest.mark.parametrize("value", [150.0, 400.5, 777.0, 890.0])
def test_between_the_ends_the_histogram_counts(ladder: Survey, value: float) -> None:
    found = rank(ladder.statistics[LAYER, "mean"], 0, value)
    # A bin is eight values wide.
    assert found.below == pytest.approx(value - 1, abs=8)
    assert found.share == found.below / 1000


def test_a_rank_is_a_sentence(ladder: Survey) -> None:
    statistics = ladder.statistics[LAYER, "mean"]
    assert rank(statistics, 0, 1400.0).in_words == "more than all of 1,000 pictures; 1.4 x the best"
    assert rank(statistics, 0, 999.5).in_words == "more than 99.9 % of 1,000 pictures; 1.0 x the best"
    assert rank(statistics, 0, 0.5).in_words == "more than 0.0 % of 1,000 pictures"
    assert Rank(1.0, 4999, 5000, 1.0).in_words == "more than 99.9 % of 5,000 pictures; 1.0 x the best"


def test_a_unit_below_zero_has_no_ratio(ladder: Survey) -> None:
    found = rank(ladder.statistics[LAYER, "mean"], 1, 5.0)
    assert math.isnan(found.ratio)
    assert found.in_words == "more than all of 1,000 pictures"


def test_a_constant_unit_has_all_pictures_on_one_side(ladder: Survey) -> None:
    statistics = ladder.statistics[LAYER, "mean"]
    assert [rank(statistics, 2, value).below for value in (0.2, 0.25, 0.3)] == [0, 0, 1000]


@pytest.mark.parametrize("value", [0.02, 0.5, 3.0])
def test_many_zeros_are_one_value_and_not_spread_over_their_bin(value: float) -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random(5000) < 0.3, rng.uniform(0, 8, 5000), 0.0)
    survey = direct_survey({(LAYER, "mean"): values[:, None]}, rng.normal(size=(5000, 4)))
    found = rank(survey.statistics[LAYER, "mean"], 0, value)
    # A bin is a sixteenth wide, and has twelve values above zero.
    assert found.below == pytest.approx((values < value).sum(), abs=12)
    assert found.below >= (values == 0).sum()
