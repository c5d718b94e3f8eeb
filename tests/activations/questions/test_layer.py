"""The list of a layer's units."""

from __future__ import annotations

import numpy as np
import pytest

from clipdesk.activations.questions.layer import COLUMNS, table
from clipdesk.errors import UsageError
from tests.activations.surveys import LAYER, direct_survey, toy


def test_a_table_has_a_row_for_each_unit_and_sorts_by_each_column() -> None:
    survey, a, _ = toy()
    found = table(survey, survey.statistics[LAYER, "mean"], rectified=True)
    for name in COLUMNS:
        values = getattr(found, name)
        assert values.shape == (a.shape[1],)
        assert np.isfinite(values).all()
        assert values[found.order(name)].tolist() == sorted(values, reverse=True)
        assert values[found.order(name, ascending=True)].tolist() == sorted(values)
    np.testing.assert_allclose(found.maximum, (a.max(axis=0) - a.mean(axis=0)) / a.std(axis=0), rtol=1e-5)
    assert (found.layer, found.pooling, found.count) == (LAYER, "mean", len(a))


def test_undefined_numbers_are_last_in_both_directions_and_equal_ones_by_index() -> None:
    _, a, z = toy(units=5)
    a[:, 1] = 0.0
    a[:, 3] = a[:, 0]
    survey = direct_survey({(LAYER, "mean"): a}, z)
    found = table(survey, survey.statistics[LAYER, "mean"], rectified=True)
    for ascending in (False, True):
        order = found.order("kurtosis", ascending=ascending).tolist()
        assert order[-1] == 1
        assert order.index(3) == order.index(0) + 1


def test_dead_and_dense_units_are_named_behind_a_rectifier() -> None:
    _, a, z = toy(count=1000, units=5)
    a[:, 0] = 0.0
    a[:, 1] = -0.1 - 0.01 * z[:, 0]
    a[:, 2] = np.where(np.arange(1000) < 100, 1.0, 0.0)
    a[:, 3] = np.where(np.arange(1000) < 99, 1.0, 0.0)
    a[:, 4] = 0.5
    survey = direct_survey({(LAYER, "mean"): a}, z)
    behind = table(survey, survey.statistics[LAYER, "mean"], rectified=True)
    assert behind.dead.tolist() == [True, True, False, False, True]
    assert behind.dense.tolist() == [False, False, True, False, True]
    elsewhere = table(survey, survey.statistics[LAYER, "mean"], rectified=False)
    assert elsewhere.dead.tolist() == [True, False, False, False, True]
    assert not elsewhere.dense.any()


def test_selectivity_compares_classes_where_there_are_labels() -> None:
    _, a, z = toy(units=4)
    labels = ["cat" if value > 0.5 else "dog" for value in a[:, 2]]
    plain, labelled = direct_survey({(LAYER, "mean"): a}, z), direct_survey({(LAYER, "mean"): a}, z, labels=labels)
    without = table(plain, plain.statistics[LAYER, "mean"], rectified=False)
    found = table(labelled, labelled.statistics[LAYER, "mean"], rectified=False)
    assert not without.by_class
    assert found.by_class
    assert found.order("selectivity")[0] == 2


def test_a_survey_of_one_picture_gives_a_table_without_numbers() -> None:
    survey = direct_survey({(LAYER, "mean"): np.array([[0.5, 0.0]])}, np.array([[0.6, 0.8]]), labels=["a"])
    found = table(survey, survey.statistics[LAYER, "mean"], rectified=True)
    for name in set(COLUMNS) - {"density"}:
        assert np.isnan(getattr(found, name)).all()
    assert found.density.tolist() == [1.0, 0.0]
    assert found.dead.all()
    assert found.order("clarity").tolist() == [0, 1]


def test_an_unknown_column_is_refused_with_those_there_are() -> None:
    survey, _, _ = toy()
    with pytest.raises(UsageError, match=r"cannot be sorted by 'beauty'\. Available: density"):
        table(survey, survey.statistics[LAYER, "mean"], rectified=True).order("beauty")
