"""Concepts, templates and their embeddings."""

from __future__ import annotations

import numpy as np
import pytest

from clipdesk.activations.questions.vocabulary import TEMPLATES, Vocabulary, bare, filled, texts_of
from clipdesk.errors import UsageError


def vocabulary(*concepts: str, seed: int = 0) -> Vocabulary:
    texts = np.random.default_rng(seed).normal(size=(2, len(concepts), 8)).astype(np.float32)
    return Vocabulary(concepts, texts / np.linalg.norm(texts, axis=2, keepdims=True), "demo")


@pytest.mark.parametrize(
    ("template", "concept", "text"),
    [
        ("{}", "a heart", "heart"),
        ("a photo of a {}", "star", "a photo of a star"),
        ("a photo of a {}", "The Orange", "a photo of an Orange"),
        ("A {} object", "apple", "An apple object"),
        ("data {}", "ink", "data ink"),
        ("{} and {}", "a dog on grass", "dog on grass and dog on grass"),
    ],
)
def test_a_concept_is_put_into_a_template_with_its_article(template: str, concept: str, text: str) -> None:
    assert filled(template, concept) == text


def test_a_template_without_a_place_is_refused() -> None:
    with pytest.raises(UsageError, match=r"has no \{\} for the concept"):
        filled("a photo", "star")


def test_texts_are_listed_template_by_template() -> None:
    assert texts_of(["star", "eye"], ["{}", "a {}"]) == ["star", "eye", "a star", "an eye"]
    assert len(texts_of(["star"])) == len(TEMPLATES)


def test_a_concept_is_found_whatever_its_article_and_case() -> None:
    words = vocabulary("red", "Heart")
    assert words.index("a heart") == 1
    assert words.index("RED") == 0
    assert words.index("green") is None
    assert bare("the") == "the"


def test_a_vocabulary_gets_what_it_has_not_yet() -> None:
    one, other = vocabulary("red", "blue"), vocabulary("a dog", "Blue", seed=1)
    both = one.having(other)
    assert both.concepts == ("a dog", "red", "blue")
    np.testing.assert_array_equal(both.texts[:, 0], other.texts[:, 0])
    np.testing.assert_array_equal(both.texts[:, 1:], one.texts)
    np.testing.assert_allclose(np.linalg.norm(both.means, axis=1), 1, rtol=1e-6)
