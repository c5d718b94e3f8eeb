"""Lists of concepts, those of ClipDesk and those of users."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipdesk.activations.questions.concepts import LISTS, MOST_CONCEPTS, concepts_of, read_concepts
from clipdesk.errors import UsageError
from clipdesk.paths import resource
from clipdesk.scenes.captions import FACTORS


def test_the_scenes_list_has_the_words_of_the_factors() -> None:
    assert set(concepts_of("scenes")) == {value for values in FACTORS.values() for value in values}


def test_the_english_list_is_sorted_and_has_no_duplicates() -> None:
    lines = resource("concepts/english.txt").read_text("utf-8").splitlines()[1:]
    assert lines == sorted(set(lines))
    assert 1_500 <= len(lines) <= 2_500
    assert concepts_of("english") == tuple(lines)
    assert set(concepts_of("scenes")) <= set(lines)
    assert all(line == line.strip().lower() for line in lines)


def test_blank_lines_comments_and_duplicates_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes("\ufeff# mine\n\n a  red   star \r\nRed\nred\n  # not this\ncafé\nC# code\n".encode())
    assert read_concepts(path) == ("a red star", "Red", "café", "C# code")
    assert concepts_of(str(path)) == read_concepts(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(10**9)
    with pytest.raises(UsageError, match="has more than 10 MB"):
        read_concepts(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"red\nblue\n\xff\xfe\n", "line 3 is not in UTF-8"),
        (b"", "has no concepts"),
        (b"# only this\n\n", "has no concepts"),
        (b"red\n" + b"x" * 101, "line 2 is longer than 100 characters"),
        (b"\n".join(b"%d" % number for number in range(MOST_CONCEPTS + 1)), "more than 100,000 concepts"),
    ],
)
def test_what_is_not_a_list_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as raised:
        read_concepts(path)
    assert "\n" not in str(raised.value)


def test_an_unknown_list_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no list of concepts 'englich', and no such file\. Did you mean english\?"):
        concepts_of("englich")
    with pytest.raises(UsageError, match="No such file"):
        concepts_of(str(tmp_path / "missing.txt"))
    assert set(LISTS) == {"english", "scenes", "photo"}
