"""Correlations from sums, against direct computation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from clipdesk.activations.survey import correlations, products, reciprocals
from tests.activations.surveys import LAYER, direct_survey, toy


@pytest.mark.parametrize("count", [1, 3, 20])
def test_correlations_equal_those_of_the_activations_themselves(count: int) -> None:
    survey, a, z = toy()
    directions = np.random.default_rng(1).normal(size=(count, z.shape[1]))
    found = correlations(survey.statistics[LAYER, "mean"], survey.embeddings, directions)
    direct = np.corrcoef(a.T, (z @ directions.T).T)[a.shape[1] :, : a.shape[1]]
    assert_allclose(found, direct, atol=1e-5)


def test_the_length_of_a_direction_does_not_matter() -> None:
    survey, _, z = toy()
    statistics, direction = survey.statistics[LAYER, "mean"], np.random.default_rng(1).normal(size=(1, z.shape[1]))
    plain = correlations(statistics, survey.embeddings, direction)
    for length in (1e-6, 1e6):
        assert_allclose(correlations(statistics, survey.embeddings, length * direction), plain, atol=1e-6)


def test_what_does_not_vary_correlates_with_nothing() -> None:
    _, a, z = toy(units=3)
    z[:, 0] = 0.0
    a[:, 1] = 0.1
    survey = direct_survey({(LAYER, "mean"): a}, z)
    statistics = survey.statistics[LAYER, "mean"]
    # A pass that adds up blocks may leave a little.
    statistics = replace(statistics, squares=np.where(np.arange(3) == 1, 1e-18, statistics.squares))
    directions = np.stack([np.eye(z.shape[1])[0], np.eye(z.shape[1])[1], np.zeros(z.shape[1])])
    found = correlations(statistics, survey.embeddings, directions)
    assert (found[0] == 0).all()
    assert (found[2] == 0).all()
    assert found[1, 1] == 0
    assert (found[1, [0, 2]] != 0).all()
    assert reciprocals(statistics)[1] == 0


def test_a_survey_of_one_picture_has_no_correlations() -> None:
    survey = direct_survey({(LAYER, "mean"): np.array([[0.5, 0.0]])}, np.array([[0.6, 0.8]]))
    found = correlations(survey.statistics[LAYER, "mean"], survey.embeddings, np.eye(2))
    assert found.tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 9])
def test_products_are_the_same_for_few_and_for_many_directions(count: int) -> None:
    rng = np.random.default_rng(0)
    directions, rows = rng.normal(size=(count, 7)).astype(np.float32), rng.normal(size=(11, 7)).astype(np.float32)
    assert_allclose(products(directions, rows), directions.astype(float) @ rows.T.astype(float), atol=1e-5)
