"""The words that the embedded models have learnt."""

import numpy as np
import pytest

from clipdesk.demo.photos import WORDINGS
from clipdesk.models.learnt import caution, caution_of_reader, concepts_for, unlearnt
from clipdesk.models.names import parse_name
from clipdesk.scenes.captions import describe
from clipdesk.scenes.compositions import sample_composition


@pytest.mark.parametrize(
    ("model", "text", "words"),
    [
        ("photo", "a laptop of my aunt", ("my", "aunt")),
        ("photo", "A photo of a Strawberry, close-up", ()),
        ("photo", "a dog and a dog's dog", ("dog", "and", "dog's")),
        ("photo", "a heart", ("heart",)),
        ("photo+sae:[shipped]", "a heart", ("heart",)),
        ("demo", "a heart", ()),
        ("demo-rn", "a strawberry", ("strawberry",)),
        ("ViT-B/32", "a laptop of my aunt", ()),
    ],
)
def test_words_that_no_caption_had_are_named(model: str, text: str, words: tuple[str, ...]) -> None:
    assert unlearnt(text, parse_name(model)) == words


def test_an_embedded_reader_that_has_seen_other_things_is_named() -> None:
    note = "demo has seen other things than the model, so what it reads means little"
    assert caution_of_reader(parse_name("demo"), "photo") == note
    assert caution_of_reader(parse_name("demo"), "english") == note
    assert not caution_of_reader(parse_name("demo"), "scenes")
    assert not caution_of_reader(parse_name("RN50"), "photo")


def test_a_model_is_asked_in_the_words_that_it_has_learnt() -> None:
    assert [concepts_for(parse_name(name)) for name in ("photo", "demo", "demo-rn", "RN50")] == [
        "photo",
        "scenes",
        "scenes",
        "english",
    ]
    assert concepts_for(None) == "english"
    assert concepts_for(parse_name("RN50"), "photo") == "photo"
    assert concepts_for(parse_name("demo"), "photo") == "scenes"


def test_of_a_network_without_a_name_nothing_is_known() -> None:
    assert unlearnt("a dog", None) == ()


def test_all_that_the_captions_of_the_trainings_say_is_learnt() -> None:
    for wording in WORDINGS:
        assert unlearnt(wording.format("an anchor"), parse_name("photo")) == ()
    rng = np.random.default_rng(0)
    captions = [describe(sample_composition(rng), rng).text for _ in range(2000)]
    assert {word for text in captions for word in unlearnt(text, parse_name("demo"))} == set()


def test_a_text_is_cautioned_against_in_a_sentence() -> None:
    photo = parse_name("photo")
    rest = "so what it makes of the text means little"
    assert caution("a dog", photo) == f'photo has not learnt "dog", {rest}'
    assert caution("my dog", photo) == f'photo has not learnt "my" and "dog", {rest}'
    assert caution("one two three four five", photo) == (
        f'photo has not learnt "one", "two", "three" and 2 more words, {rest}'
    )
    assert caution("one two three four", photo).startswith(
        'photo has not learnt "one", "two", "three" and 1 more word, so'
    )
    assert caution("o" * 2000, photo) == f'photo has not learnt "{"o" * 39}…", {rest}', "it would not fit the window"
    assert caution("a strawberry", photo) == ""
