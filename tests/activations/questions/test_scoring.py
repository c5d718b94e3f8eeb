"""Scores of labels in held-out pictures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from clipdesk.activations.questions.sampled import standardized
from clipdesk.activations.questions.scoring import active, average_precisions, chance_bound, correlations_of_pairs


def test_each_unit_is_correlated_with_its_own_signals() -> None:
    rng = np.random.default_rng(0)
    values, signals = rng.normal(size=(5, 60)), rng.normal(size=(5, 3, 60))
    found = correlations_of_pairs(values, signals)
    for unit in range(5):
        assert_allclose(found[unit], np.corrcoef(values[unit], signals[unit])[0, 1:], atol=1e-5)
    assert np.isnan(correlations_of_pairs(values[:, :29], signals[:, :, :29])).all()


def test_average_precision_is_the_sum_over_the_ranks_of_the_positives() -> None:
    rng = np.random.default_rng(1)
    positives, scores = rng.random((4, 3, 80)) < 0.1, rng.normal(size=(4, 3, 80))
    positives[0, 0] = False
    found = average_precisions(positives, scores)
    assert np.isnan(found[0, 0])
    for place in np.ndindex(4, 3):
        if place != (0, 0):
            ranked = positives[place][np.argsort(-scores[place])]
            precisions = [ranked[: rank + 1].mean() for rank in np.flatnonzero(ranked)]
            assert found[place] == pytest.approx(np.mean(precisions))
    assert np.isnan(average_precisions(positives[..., :29], scores[..., :29])).all()


def test_equal_scores_count_together_whatever_their_order() -> None:
    positives = np.zeros(100, dtype=bool)
    positives[:10] = True
    assert average_precisions(positives, np.zeros(100)) == pytest.approx(0.1)
    scores = np.repeat([3.0, 2.0, 1.0, 0.0], 25)
    assert average_precisions(positives, scores) == pytest.approx(10 / 25)
    assert average_precisions(positives[::-1], scores[::-1]) == pytest.approx(10 / 25)
    assert average_precisions(positives, -np.arange(100.0)) == 1


def test_a_unit_is_active_in_its_largest_values_but_never_in_its_smallest() -> None:
    values = np.zeros((4, 100))
    values[0] = np.arange(100)
    values[1, :2] = 1.0
    values[2, :8] = 1.0
    found = active(values)
    assert found[0].tolist() == (np.arange(100) >= 95).tolist()
    assert found.sum(axis=1).tolist() == [5, 2, 8, 0]


def test_most_meaningless_units_stay_below_the_bound() -> None:
    rng = np.random.default_rng(2)
    values, signals = np.maximum(rng.normal(size=(300, 400)), 0), standardized(rng.normal(size=(50, 400)))
    bound = chance_bound(values, signals, seed=0)
    others = np.maximum(np.random.default_rng(3).normal(size=(1000, 400)), 0)
    best = np.array([np.corrcoef(row, signals)[0, 1:].max() for row in others])
    assert 0.02 < (best > bound).mean() < 0.09
    assert chance_bound(values, signals, seed=0) == bound
    assert chance_bound(values, signals, seed=1) != bound


def test_there_is_no_bound_without_pictures_or_units_that_vary() -> None:
    assert np.isnan(chance_bound(np.zeros((3, 0)), np.zeros((2, 0), np.float32), seed=0))
    assert np.isnan(chance_bound(np.zeros((3, 90)), np.ones((2, 90), np.float32), seed=0))
