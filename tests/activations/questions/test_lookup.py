"""A layer, a pooling and a unit by what a person asked for."""

from __future__ import annotations

import numpy as np
import pytest

from clipdesk.activations.questions.lookup import check_unit, chosen, poolings_of, statistics_of
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from tests.activations.surveys import direct_survey


@pytest.fixture
def survey() -> Survey:
    a = np.random.default_rng(0).normal(size=(9, 4))
    return direct_survey({("early", "max"): a, ("early", "mean"): a, ("late", "class"): a}, a)


def test_the_usual_pooling_is_taken_when_none_is_asked_for(survey: Survey) -> None:
    assert statistics_of(survey, "early").pooling == "mean"
    assert statistics_of(survey, "early", "max").pooling == "max"
    assert statistics_of(survey, "late").pooling == "class"
    assert poolings_of(survey, "early") == ["mean", "max"]


def test_a_layer_that_is_not_there_is_named_with_the_nearest(survey: Survey) -> None:
    with pytest.raises(UsageError, match=r"no layer 'earl'\. Did you mean early\?"):
        statistics_of(survey, "earl")
    with pytest.raises(UsageError, match=r"no class of layer 'early'\. Available: mean, max"):
        statistics_of(survey, "early", "class")


def test_layers_are_chosen_by_name_and_pooling(survey: Survey) -> None:
    assert len(chosen(survey)) == 3
    assert [found.pooling for found in chosen(survey, ["early"])] == ["max", "mean"]
    assert [found.layer for found in chosen(survey, pooling="class")] == ["late"]
    with pytest.raises(UsageError, match="no class of layer 'early'"):
        chosen(survey, ["early"], "class")


@pytest.mark.parametrize("unit", [-1, 4])
def test_a_unit_that_is_not_there_is_refused(survey: Survey, unit: int) -> None:
    check_unit(statistics_of(survey, "early"), 3)
    with pytest.raises(UsageError, match=f"no unit {unit}: its units are 0 to 3"):
        check_unit(statistics_of(survey, "early"), unit)
