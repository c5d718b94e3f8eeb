import re

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from clipdesk.demo.losses import true_captions
from clipdesk.scenes.captions import FACTORS, NO_WORD, NOTHING, UNSAID, Caption, Spec, describe, with_article
from clipdesk.scenes.compositions import WORDS, Composition, sample_composition
from clipdesk.scenes.scenes import COLOR_NAMES, SHAPE_NAMES, Scene

STAR = Scene("star", "red", "striped", "white")
HEART = Scene("heart", "blue", "plain", "white")


def is_true(said: Caption, composition: Composition) -> bool:
    """True if the training counts the caption as true."""
    return fits(said, composition.things, composition.word)


def fits(said: Caption, things: NDArray[np.int64], word: str) -> bool:
    written = WORDS.index(word) if word else NO_WORD
    pictures = torch.from_numpy(things)[None], torch.tensor([written])
    return bool(true_captions(*pictures, torch.tensor([said.specs]), torch.tensor([said.word])))


def spec(**mentioned: str) -> Spec:
    """``spec(shape="star")`` and the like."""
    shape, color, texture, background = (
        values.index(mentioned[factor]) if factor in mentioned else UNSAID for factor, values in FACTORS.items()
    )
    return shape, color, texture, background


def test_a_caption_is_true_of_what_it_describes() -> None:
    rng = np.random.default_rng(0)
    for _ in range(3_000):
        composition = sample_composition(rng)
        said = describe(composition, rng)
        assert is_true(said, composition), (said, composition)
        assert said.word != NO_WORD or said.specs != (NOTHING, NOTHING)


@pytest.mark.parametrize("factor", range(4))
def test_a_caption_is_not_true_of_a_picture_that_differs_in_what_it_mentions(factor: int) -> None:
    rng = np.random.default_rng(1)
    count = len(list(FACTORS.values())[factor])
    checked = 0
    for _ in range(2_000):
        composition = sample_composition(rng)
        said = describe(composition, rng)
        for mentioned in {one[factor] for one in said.specs} - {UNSAID}:
            things = composition.things
            things[things[:, factor] == mentioned, factor] = (mentioned + 1) % count
            assert not fits(said, things, composition.word), (said, composition)
            checked += 1
    assert checked > 100


def test_one_thing_must_have_all_the_factors_that_a_caption_mentions() -> None:
    both = Composition((STAR, HEART), "white")
    assert is_true(Caption("a red star", (spec(shape="star", color="red"), NOTHING)), both)
    assert is_true(Caption("a star and a blue object", (spec(shape="star"), spec(color="blue"))), both)
    assert is_true(Caption("a blue object and a star", (spec(color="blue"), spec(shape="star"))), both)
    assert not is_true(Caption("a blue star", (spec(shape="star", color="blue"), NOTHING)), both)
    assert not is_true(Caption("a star and a ring", (spec(shape="star"), spec(shape="ring"))), both)
    assert not is_true(
        Caption("a star and a heart", (spec(shape="star"), spec(shape="heart"))), Composition((STAR,), "")
    )


def test_a_word_is_true_only_if_it_is_written() -> None:
    says = Caption("the word heart", (NOTHING, NOTHING), WORDS.index("heart"))
    assert is_true(says, Composition((), "white", "heart", "blue"))
    assert is_true(says, Composition((STAR,), "white", "heart", "blue"))
    assert not is_true(says, Composition((), "white", "star", "blue"))
    assert not is_true(says, Composition((HEART,), "white"))


def test_a_name_counts_as_its_thing_only_if_it_is_alone() -> None:
    heart = Caption("a heart", (spec(shape="heart"), NOTHING))
    striped = Caption("a striped heart", (spec(shape="heart", texture="striped"), NOTHING))
    assert is_true(heart, Composition((), "white", "heart", "blue"))
    assert not is_true(heart, Composition((STAR,), "white", "heart", "blue"))
    assert not is_true(striped, Composition((), "white", "heart", "blue"))


def test_captions_name_the_written_word() -> None:
    rng = np.random.default_rng(2)
    alone = [describe(Composition((), "white", "heart", "blue"), rng) for _ in range(300)]
    assert all("heart" in said.text for said in alone)
    assert {said.word for said in alone} == {NO_WORD, WORDS.index("heart")}
    texts = {re.sub(r"heart.*| (on|in|against|with) .*", "", said.text) for said in alone if said.word != NO_WORD}
    assert {"the word ", "the written word ", "a sign that says ", "text: "} <= texts
    for said in alone:
        # The text mentions the background only if the spec does, and never the ink.
        assert ("white" in said.text) == (said.specs[0][3] == COLOR_NAMES.index("white"))
        assert "blue" not in said.text
    color = [describe(Composition((), "white", "red", "blue"), rng) for _ in range(100)]
    assert all(said.word == WORDS.index("red") for said in color)
    assert all(said.specs[0][:3] == NOTHING[:3] for said in color)


def test_captions_describe_the_object_or_the_word_beside_it() -> None:
    rng = np.random.default_rng(3)
    said = [describe(Composition((STAR,), "white", "heart", "blue"), rng) for _ in range(300)]
    words = [s for s in said if s.word != NO_WORD]
    assert 0.4 < len(words) / len(said) < 0.6
    assert all("heart" in s.text and "star" not in s.text for s in words)
    assert all("heart" not in s.text for s in said if s.word == NO_WORD)


def test_captions_of_two_objects_name_either_or_both() -> None:
    rng = np.random.default_rng(4)
    said = [describe(Composition((STAR, HEART), "white"), rng) for _ in range(600)]
    both = [s for s in said if s.specs[1] != NOTHING]
    assert 0.4 < len(both) / len(said) < 0.6
    shapes = {(s.specs[0][0], s.specs[1][0]) for s in both}
    star, heart = SHAPE_NAMES.index("star"), SHAPE_NAMES.index("heart")
    assert {(star, heart), (heart, star)} <= shapes
    for s in said:
        for shape, number in (("star", star), ("heart", heart)):
            assert (shape in s.text) == (number in (s.specs[0][0], s.specs[1][0])), s


def test_articles() -> None:
    assert with_article("red star") == "a red star"
    assert with_article("orange star") == "an orange star"
