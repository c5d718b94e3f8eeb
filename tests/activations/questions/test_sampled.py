"""Correlations in the sampled pictures."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from clipdesk.activations.questions.sampled import sample_correlations, standardized


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
