"""Sparse lists of words, against the conditions that the best one meets."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clipdesk.activations.questions.sparse import atoms_of, sparse_weights


def texts(concepts: int = 200, width: int = 32, templates: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(templates, concepts, width))


@pytest.mark.parametrize("penalty", [0.9, 0.5, 0.2])
def test_no_other_weights_are_better(penalty: float) -> None:
    words = texts()
    atoms = words[0] - words[0].mean(axis=0)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    places = np.random.default_rng(1).normal(size=(4, 32))
    found = sparse_weights(places, atoms_of(words), 1, penalty=penalty)
    for place, weights in zip(places / np.linalg.norm(places, axis=1, keepdims=True), found, strict=True):
        bound = penalty * (atoms @ place).max()
        gradient = atoms @ (place - weights @ atoms)
        # The optimality conditions of the non-negative lasso.
        np.testing.assert_allclose(gradient[weights > 0], bound, atol=1e-4)
        assert (gradient[weights == 0] <= bound + 1e-4).all()
        assert (weights >= 0).all()
        assert 0 < (weights > 0).sum() < 40


def test_the_words_that_make_up_a_place_are_found() -> None:
    words = texts(templates=2)
    centered = words - words.mean(axis=1, keepdims=True)
    centered /= np.linalg.norm(centered, axis=2, keepdims=True)
    place = 3 * (centered[0, 5] + 0.7 * centered[1, 9])
    weights = sparse_weights(place[None], atoms_of(words), 2)[0]
    assert np.argsort(-weights)[:2].tolist() == [5, 9]
    np.testing.assert_allclose(sparse_weights(1000 * place[None], atoms_of(words), 2)[0], weights, atol=1e-6)


def test_a_unit_without_a_place_has_no_words() -> None:
    assert not sparse_weights(np.zeros((2, 32)), atoms_of(texts()), 1).any()
