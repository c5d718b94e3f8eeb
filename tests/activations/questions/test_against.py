"""What speaks against a unit's word."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clipdesk.activations.questions.against import Against, against
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.questions.words import Lexicon, prepare, words
from tests.activations.questions.test_words import CONCEPTS, WIDTH
from tests.activations.surveys import LAYER, direct_survey

COUNT = 3000


@pytest.fixture(scope="module")
def shown() -> NDArray[np.int64]:
    """The concept that each picture shows."""
    return np.random.default_rng(0).integers(CONCEPTS, size=COUNT)


@pytest.fixture(scope="module")
def lexicon(shown: NDArray[np.int64]) -> Lexicon:
    """Unit 0 answers to concept 0 alone; unit 1 to it and, in forty pictures, to concept 1 still more.

    Unit 2 answers to every other picture of concept 0 only; unit 3 to concept 0, and is silenced by concept 5. Unit 4
    answers to sixty pictures of concept 0, and is zero in all others.
    """
    rng = np.random.default_rng(1)
    texts = np.linalg.qr(rng.normal(size=(WIDTH, CONCEPTS)))[0].T[None]
    z = texts[0][shown] + 0.02 * rng.normal(size=(COUNT, WIDTH))
    a = rng.normal(scale=0.05, size=(COUNT, 4))
    a[shown == 0] += 1.0
    a[np.flatnonzero(shown == 1)[:40], 1] += 3.0
    a[np.flatnonzero(shown == 0)[::2], 2] -= 2.0
    a[shown == 5, 3] -= 1.0
    rectified = np.zeros((COUNT, 1))
    rectified[np.flatnonzero(shown == 0)[:60]] = 1.0
    a = np.hstack([a, rectified])
    survey = direct_survey({(LAYER, "mean"): a}, z)
    names = tuple(f"concept {number}" for number in range(CONCEPTS))
    return prepare(survey, Vocabulary(names, texts.astype(np.float32), "demo"))


def asked(lexicon: Lexicon, unit: int) -> Against:
    label = next(each for each in words(lexicon, LAYER, [unit]).units[0].labels if each.concept == "concept 0")
    return against(lexicon, lexicon.survey.statistics[LAYER, "mean"].only(np.array([unit])), label)


def test_nothing_speaks_against_the_word_of_a_unit_that_answers_to_nothing_else(lexicon: Lexicon) -> None:
    found = asked(lexicon, 0)
    assert (found.concept, found.without, found.without_share) == ("concept 0", (), 0.0)
    assert (found.silent, found.silent_share) == ((), 0.0)


def test_top_pictures_that_do_not_show_the_word_are_named(lexicon: Lexicon, shown: NDArray[np.int64]) -> None:
    found = asked(lexicon, 1)
    assert found.without_share == 0.4
    assert len(found.without) == 6
    assert {int(shown[each.picture]) for each in found.without} == {1}
    values = [each.value for each in found.without]
    assert values == sorted(values, reverse=True)
    assert min(values) > 2.5


def test_pictures_that_leave_a_unit_at_zero_are_none_of_its_top(lexicon: Lexicon) -> None:
    found = asked(lexicon, 4)
    assert (found.without, found.without_share) == ((), 0.0)


def test_pictures_that_show_the_word_and_leave_the_unit_cold_are_named(
    lexicon: Lexicon, shown: NDArray[np.int64]
) -> None:
    found = asked(lexicon, 2)
    assert 0.3 < found.silent_share < 0.7
    assert {int(shown[each.picture]) for each in found.silent} == {0}
    assert all(each.value < -0.5 for each in found.silent)


def test_the_concept_that_silences_a_unit_comes_first(lexicon: Lexicon) -> None:
    found = asked(lexicon, 3)
    (concept, correlation), *others = found.opposite
    assert concept == "concept 5"
    assert -0.8 < correlation < -0.5
    assert all(correlation < other <= 0 for _, other in others)
