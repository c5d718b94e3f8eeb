import json

import pytest

from clipdesk.marks.mark import MOST_TAGS, NOTE_CHARACTERS, TAG_CHARACTERS, Mark, tags_of


def test_a_mark_that_says_nothing_is_empty() -> None:
    assert not Mark()
    assert not Mark(tags=(" ", ","), note=" \n\t")
    assert all((Mark(starred=True), Mark(tags=("a",)), Mark(note="a")))


def test_tags_are_read_from_a_line_and_each_is_kept_once() -> None:
    assert tags_of(" dog-like,  round  things ,, Dog-Like,ears") == ("dog-like", "round things", "ears")


@pytest.mark.parametrize("hidden", ["\x00", "\x1b", "\x7f", "\u202e", "\u2066", "\ufeff", "\ud800"])
def test_characters_that_are_not_seen_are_taken_out(hidden: str) -> None:
    mark = Mark(tags=(f"do{hidden}g",), note=f"first{hidden}\n{hidden}second")
    assert (mark.tags, mark.note) == (("dog",), "first\nsecond")


def test_joined_emoji_and_letters_of_any_script_stay() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert Mark(tags=(family, "犬"), note=f"ein Größe\u200cn {family}").tags == (family, "犬")
    assert Mark(note=f"Größe\u200cn {family}").note == f"Größe\u200cn {family}"


def test_blanks_and_ends_of_lines_are_plain_ones() -> None:
    assert Mark(note="a\u00a0b\tc\r\nd\u2028e \n\n").note == "a b c\nd\ne"
    assert Mark(tags=("a\u00a0 b\nc",)).tags == ("a b c",)


def test_lengths_are_bounded() -> None:
    mark = Mark(tags=tuple(f"{i}{'x' * 1_000}" for i in range(100)), note="y" * 1_000_000)
    assert len(mark.tags) == MOST_TAGS
    assert {len(tag) for tag in mark.tags} == {TAG_CHARACTERS}
    assert len(mark.note) == NOTE_CHARACTERS


def test_it_is_found_by_its_words_whatever_their_case() -> None:
    mark = Mark(tags=("Dog",), note="Round EARS")
    assert "dog" in mark.words
    assert "round ears" in mark.words


def test_a_star_leaves_the_rest_as_it_is() -> None:
    mark = Mark(tags=("a",), note="b")
    assert mark.star(True) == Mark(True, ("a",), "b")
    assert mark.star(True).star(False) == mark


def test_it_is_written_as_json() -> None:
    mark = Mark(True, ("ä", "b"), "c\nd")
    assert json.loads(mark.to_json()) == {"starred": True, "tags": ["ä", "b"], "note": "c\nd"}
