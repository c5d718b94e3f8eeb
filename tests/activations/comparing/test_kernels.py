"""CKA is that of the published formula, and is not raised by many units."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clipdesk.activations.comparing.kernels import cka


def unbiased_hsic(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """As Song et al. (2012) write it, of values (units, pictures)."""
    count = first.shape[1]
    k, m = first.T @ first, second.T @ second
    np.fill_diagonal(k, 0)
    np.fill_diagonal(m, 0)
    one = np.ones(count)
    middle = (one @ k @ one) * (one @ m @ one) / ((count - 1) * (count - 2))
    return float((np.trace(k @ m) + middle - 2 / (count - 2) * one @ k @ m @ one) / (count * (count - 3)))


def test_cka_is_that_of_the_formula() -> None:
    rng = np.random.default_rng(0)
    first = [rng.normal(size=(units, 40)) + 3 for units in (5, 80)]
    second = [first[0][[4, 2, 0]] + rng.normal(size=(3, 40)), np.full((6, 40), 2.0)]
    found = cka(first, second)
    for row, a in enumerate(first):
        wanted = unbiased_hsic(a, second[0]) / np.sqrt(unbiased_hsic(a, a) * unbiased_hsic(second[0], second[0]))
        assert found[row, 0] == pytest.approx(wanted, abs=1e-9)
        assert np.isnan(found[row, 1]), "a layer that does not vary"


def test_cka_of_a_layer_with_itself_is_one_in_whatever_order_and_scale() -> None:
    values = np.random.default_rng(0).normal(size=(30, 50))
    turned = values[np.random.default_rng(1).permutation(30)] * 1e20 + 7
    assert cka([values], [values, turned])[0] == pytest.approx([1, 1], abs=1e-9)


def test_cka_of_independent_layers_is_none_though_units_outnumber_pictures() -> None:
    rng = np.random.default_rng(0)
    found = cka([rng.normal(size=(2000, 60))], [rng.normal(size=(2000, 60))])
    assert abs(found[0, 0]) < 0.1


def test_three_pictures_are_too_few() -> None:
    assert np.isnan(cka([np.eye(3)], [np.eye(3)])).all()
