"""Correlations in the sampled pictures."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from clipdesk.activations.questions.sampled import sample_correlations, scales_of, standardized, unit_correlations
from tests.activations.surveys import LAYER, toy


def test_correlations_are_those_of_the_values() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5000, 30)).astype(np.float16)
    found = sample_correlations(values, standardized(values[:3]))
    assert_allclose(
        found[:, :100], np.corrcoef(values[:3].astype(np.float64), values[:100].astype(np.float64))[:3, 3:], atol=1e-5
    )
    assert found.shape == (3, 5000)


def test_constant_rows_are_zero_whatever_their_value() -> None:
    rows = np.array([[0.1] * 7, [0.0] * 7, [1e4] * 7], dtype=np.float16)
    assert not standardized(rows).any()


def test_tiny_and_overflown_values_are_compared_too() -> None:
    rows = np.array([[6e-8, 0, 0, 0], [np.inf, 0, 0, 0], [-np.inf, 0, 0, 0], [1, 0, 0, 0]], dtype=np.float16)
    assert_allclose(sample_correlations(rows, standardized(rows[3:]))[0], [1, 1, -1, 1], atol=1e-6)


def test_a_sample_without_pictures_is_harmless() -> None:
    assert standardized(np.zeros((3, 0), np.float16)).shape == (3, 0)
    assert standardized(np.zeros((3, 1), np.float16)).tolist() == [[0.0]] * 3


def test_a_units_mean_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 512))
    moved = (values + rng.choice([-1000, 0, 1000], size=(50, 1))).astype(np.float32)
    row = standardized(values[:1])
    assert_allclose(sample_correlations(moved, row), np.corrcoef(row, values)[:1, 1:], atol=1e-4)


def test_scales_are_one_over_the_lengths_of_what_varies() -> None:
    rows = np.array([[1, -1, 1, -1], [7, 7, 7, 7], [3, 5, 3, 5]], dtype=np.float16)
    assert_allclose(scales_of(rows), [0.5, 0, 0.5])
    assert scales_of(np.zeros((3, 0), np.float16)).tolist() == [0, 0, 0]


def test_a_layer_is_compared_alike_the_second_time() -> None:
    statistics = toy()[0].statistics[LAYER, "mean"]
    rows = standardized(statistics.sample[:2])
    first, second = unit_correlations(statistics, rows), unit_correlations(statistics, rows)
    assert_allclose(first, second, atol=0)
    assert_allclose(first, rows.astype(np.float64) @ standardized(statistics.sample).T, atol=1e-5)
