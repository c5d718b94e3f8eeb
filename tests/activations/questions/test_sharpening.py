"""Directions that tell a concept from the others of its list."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from clipdesk.activations.questions.sharpening import SPREAD, probabilities, readings, sharpened, sharpness_of
from clipdesk.activations.questions.vocabulary import Vocabulary
from tests.activations.surveys import LAYER, direct_survey, toy


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


def vocabulary(concepts: int, width: int, seed: int = 1) -> Vocabulary:
    texts = unit(np.random.default_rng(seed).normal(size=(2, concepts, width)))
    return Vocabulary(tuple(f"concept {number}" for number in range(concepts)), texts, "demo")


def test_probabilities_are_a_softmax_of_the_cosines() -> None:
    _, _, z = toy(count=20)
    texts = vocabulary(7, 16).texts[0]
    found = probabilities(z.astype(np.float32), texts, 25.0)
    direct = np.exp(25 * z @ texts.T.astype(np.float64))
    assert_allclose(found, direct / direct.sum(axis=1, keepdims=True), rtol=1e-4)


def test_large_factors_do_not_overflow() -> None:
    found = probabilities(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), 1e4)
    assert found.tolist() == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("scale", [0.05, 1.0])
def test_logits_spread_the_same_however_close_the_cosines_are(scale: float) -> None:
    _, _, z = toy()
    texts = vocabulary(7, 16).texts[0]
    close = unit(texts[:1] + scale * (texts - texts[:1]))
    rows = (z - z.mean(axis=0)).astype(np.float32)
    logits = sharpness_of(rows, close) * rows @ (close - close.mean(axis=0)).T
    assert logits.std() == pytest.approx(SPREAD, rel=1e-3)


def test_products_with_a_direction_are_the_best_fit_to_the_probability() -> None:
    survey, _, z = toy(count=2000)
    words = vocabulary(6, 16)
    found = sharpened(survey.embeddings, words)
    assert found.shape == words.texts.shape
    for template in range(2):
        sharpness = sharpness_of((z - z.mean(axis=0)).astype(np.float32), words.texts[template])
        wanted = probabilities(z.astype(np.float32), words.texts[template], sharpness).astype(np.float64)
        design = np.c_[z, np.ones(len(z))]
        direct = np.linalg.lstsq(design, wanted, rcond=None)[0]
        fitted, ours = z @ direct[:-1], z @ found[template].T.astype(np.float64)
        for concept in range(6):
            assert np.corrcoef(fitted[:, concept], ours[:, concept])[0, 1] > 0.9999


def test_some_concepts_are_told_from_all_of_the_list() -> None:
    survey, _, _ = toy()
    words = vocabulary(6, 16)
    assert_allclose(
        sharpened(survey.embeddings, words, concepts=[4, 1]), sharpened(survey.embeddings, words)[:, [4, 1]]
    )


def test_a_text_is_told_from_those_of_a_list_whether_it_is_in_it_or_not() -> None:
    survey, _, _ = toy()
    words = vocabulary(6, 16)
    inside = Vocabulary(("the Concept 2",), words.texts[:, 2:3], "demo")
    assert_allclose(readings(survey.embeddings, words, inside), sharpened(survey.embeddings, words)[:, 2], rtol=1e-5)
    less = Vocabulary(words.concepts[1:], words.texts[:, 1:], "demo")
    outside = Vocabulary(words.concepts[:1], words.texts[:, :1], "demo")
    assert_allclose(
        readings(survey.embeddings, less, outside), sharpened(survey.embeddings, words)[:, 0], rtol=1e-3, atol=1e-5
    )


def test_only_the_given_pictures_count() -> None:
    survey, a, z = toy(count=600)
    words, kept = vocabulary(6, 16), np.arange(0, 600, 2)
    part = direct_survey({(LAYER, "mean"): a[kept]}, z[kept])
    assert_allclose(
        sharpened(survey.embeddings, words, pictures=kept), sharpened(part.embeddings, words), rtol=1e-4, atol=1e-6
    )


def test_a_single_concept_keeps_its_text() -> None:
    survey, _, _ = toy()
    words = vocabulary(1, 16)
    assert_allclose(sharpened(survey.embeddings, words), words.texts)


def test_a_set_of_one_picture_gives_directions_without_numbers_that_are_not_finite() -> None:
    survey = direct_survey({(LAYER, "mean"): np.ones((1, 2))}, np.ones((1, 16)))
    assert np.isfinite(sharpened(survey.embeddings, vocabulary(5, 16))).all()
