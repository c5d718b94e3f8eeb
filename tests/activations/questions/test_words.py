"""Words of units, with their scores in held-out pictures."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from clipdesk.activations.questions.holding import others
from clipdesk.activations.questions.sharpening import probabilities, sharpness_of
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.questions.words import Lexicon, Reading, prepare, words
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from tests.activations.surveys import LAYER, direct_survey

CONCEPTS, WIDTH = 12, 24


def planted_rows(count: int = 3000) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Activations, embeddings and texts of pictures of one concept each.

    Units 0 to 11 answer to a concept each, 12 is constant, 13 noise, and 14 never above zero.
    """
    rng = np.random.default_rng(0)
    texts = rng.normal(size=(2, CONCEPTS, WIDTH))
    texts[1] = texts[0] + 0.5 * rng.normal(size=(CONCEPTS, WIDTH))
    texts /= np.linalg.norm(texts, axis=2, keepdims=True)
    shown = rng.integers(CONCEPTS, size=count)
    z = texts[0][shown] + 0.08 * rng.normal(size=(count, WIDTH))
    a = rng.normal(scale=0.3, size=(count, CONCEPTS + 3))
    a[np.arange(count), shown] += 1.0
    a[:, CONCEPTS] = 0.25
    a[:, CONCEPTS + 2] = a[:, 3] - 50
    return a, z / np.linalg.norm(z, axis=1, keepdims=True), texts


def planted(count: int = 3000) -> tuple[Survey, Vocabulary]:
    a, z, texts = planted_rows(count)
    survey = direct_survey({(LAYER, "mean"): a, ("other", "max"): a}, z)
    names = tuple(f"concept {number}" for number in range(CONCEPTS))
    return survey, Vocabulary(names, texts.astype(np.float32), "demo")


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return prepare(*planted())


@pytest.mark.parametrize("reading", get_args(Reading))
def test_a_unit_gets_the_concept_that_excites_it(lexicon: Lexicon, reading: Reading) -> None:
    found = words(lexicon, LAYER, range(CONCEPTS), reading=reading)
    assert [each.labels[0].concept for each in found.units] == list(lexicon.vocabulary.concepts)
    assert (found.reading, found.reader, found.held, found.pooling) == (reading, "demo", 512, "mean")
    for each in found.units:
        assert not each.labels[0].weak
        assert each.labels[0].pearson > 0.5 > found.bound
        assert each.labels[0].auprc > 0.25
        assert len(each.labels) <= 5
        weights = [label.weight for label in each.labels]
        assert weights == sorted(weights, reverse=True)


def test_weights_and_scores_are_direct_correlations_of_separate_pictures(lexicon: Lexicon) -> None:
    a, z, _ = planted_rows()
    held, rest = lexicon.held.pictures, others(lexicon.survey, lexicon.held)
    assert len(held) + len(rest) == 3000
    signals = z @ lexicon.directions[:, 4].T
    fits = [np.corrcoef(a[rest, 4], signals[rest, template])[0, 1] for template in range(2)]
    label = words(lexicon, LAYER, [4]).units[0].labels[0]
    # What is kept of the held-out pictures is rounded to float16.
    assert label.weight == pytest.approx(max(fits), abs=1e-4)
    scored = signals[held, int(np.argmax(fits))]
    assert label.pearson == pytest.approx(np.corrcoef(a[held, 4], scored)[0, 1], abs=1e-3)
    order = np.argsort(-scored)
    hits = np.isin(order, np.argsort(-a[held, 4])[:26])
    precisions = hits.cumsum()[hits] / (np.flatnonzero(hits) + 1)
    assert label.auprc == pytest.approx(precisions.mean(), abs=0.02)


def test_directions_follow_the_probability_of_a_concept(lexicon: Lexicon) -> None:
    z = lexicon.survey.embeddings.unit_rows(np.arange(3000))
    for template in range(2):
        texts = lexicon.vocabulary.texts[template]
        wanted = probabilities(z, texts, sharpness_of(z - z.mean(axis=0), texts))
        products = z @ lexicon.directions[template].T
        for concept in range(CONCEPTS):
            assert np.corrcoef(wanted[:, concept], products[:, concept])[0, 1] > 0.9


def test_labels_of_noise_are_weak_and_constant_units_have_none(lexicon: Lexicon) -> None:
    found = words(lexicon, LAYER, [CONCEPTS, CONCEPTS + 1])
    assert found.units[0].labels == ()
    assert found.units[1].labels
    assert all(label.weak for label in found.units[1].labels)


def test_most_meaningless_units_are_called_weak() -> None:
    survey, vocabulary = planted()
    z = survey.embeddings.rows.astype(np.float64)
    noise = np.maximum(np.random.default_rng(9).normal(size=(3000, 200)), 0)
    found = words(prepare(direct_survey({(LAYER, "mean"): noise}, z), vocabulary), LAYER, count=1)
    weak = [each.labels[0].weak for each in found.units if each.labels]
    assert np.mean(weak) >= 0.95


def test_a_unit_that_is_never_above_zero_has_the_words_of_its_shape(lexicon: Lexicon) -> None:
    found = words(lexicon, LAYER, [3, CONCEPTS + 2]).units
    assert found[1].labels[0].concept == found[0].labels[0].concept == "concept 3"
    assert found[1].labels[0].pearson == pytest.approx(found[0].labels[0].pearson, abs=0.02)


@pytest.mark.parametrize("reading", get_args(Reading))
def test_a_unit_alone_has_the_words_that_it_has_in_its_layer(lexicon: Lexicon, reading: Reading) -> None:
    whole = words(lexicon, "other", reading=reading)
    alone = words(lexicon, "other", [7], reading=reading)
    assert [each.unit for each in whole.units] == list(range(CONCEPTS + 3))
    assert [label.concept for label in alone.units[0].labels] == [label.concept for label in whole.units[7].labels]
    assert alone.bound == whole.bound
    first = words(prepare(*planted()), "other", [7], reading=reading)
    assert [label.concept for label in first.units[0].labels] == [label.concept for label in whole.units[7].labels]


def test_a_small_set_has_words_without_scores() -> None:
    found = words(prepare(*planted(60)), LAYER)
    assert found.held == 20
    assert np.isnan(found.bound)
    labels = [label for each in found.units for label in each.labels]
    assert labels
    assert all(label.weak and np.isnan(label.pearson) and np.isnan(label.auprc) for label in labels)


@pytest.mark.parametrize("reading", get_args(Reading))
@pytest.mark.parametrize("count", [1, 2])
def test_a_set_of_one_or_two_pictures_is_no_error(count: int, reading: Reading) -> None:
    found = words(prepare(*planted(count)), LAYER, reading=reading)
    assert len(found.units) == CONCEPTS + 3
    assert found.held == 0
    assert all(label.weak for each in found.units for label in each.labels)


def test_another_models_words_and_units_that_are_not_there_are_refused(lexicon: Lexicon) -> None:
    other = Vocabulary(("a", "b"), np.ones((1, 2, 7), np.float32), "ViT-B/32")
    with pytest.raises(UsageError, match="read by ViT-B/32, whose embeddings have 7 numbers"):
        prepare(lexicon.survey, other)
    for unit in (-1, CONCEPTS + 3):
        with pytest.raises(UsageError, match=f"no unit {unit}"):
            words(lexicon, LAYER, [0, unit])
