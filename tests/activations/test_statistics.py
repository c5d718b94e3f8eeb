"""What follows from a layer's sums alone."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from tests.activations.surveys import LAYER, direct_survey, toy


def test_deviations_and_densities_are_those_of_the_activations() -> None:
    survey, a, _ = toy()
    statistics = survey.statistics[LAYER, "mean"]
    assert_allclose(statistics.deviations, a.std(axis=0))
    assert_allclose(statistics.densities, (a > 0).mean(axis=0))
    assert statistics.units == a.shape[1]


def test_units_with_one_value_do_not_vary() -> None:
    a = np.array([[1.0, 0.3, 0.0], [2.0, 0.3, 0.0]])
    survey = direct_survey({(LAYER, "mean"): a}, np.eye(2))
    assert survey.statistics[LAYER, "mean"].varies.tolist() == [True, False, False]


def test_the_edges_of_a_histogram_hold_all_values() -> None:
    survey, a, _ = toy()
    histogram = survey.statistics[LAYER, "mean"].histogram
    for unit in range(a.shape[1]):
        edges = histogram.edges(unit)
        assert edges[0] <= a[:, unit].min()
        assert a[:, unit].max() < edges[-1]
        assert np.histogram(a[:, unit], edges)[0].tolist() == histogram.counts[unit].tolist()


def test_variances_of_projections_are_direct_ones() -> None:
    survey, _, z = toy()
    directions = np.random.default_rng(2).normal(size=(5, z.shape[1]))
    direct = ((z @ directions.T) - (z @ directions.T).mean(axis=0)) ** 2
    assert_allclose(survey.embeddings.variances(directions), direct.sum(axis=0))
