"""Parts of file names that every system accepts."""

import pytest
from pathvalidate import is_valid_filename

from clipdesk.filenames import safe_name, safe_words


@pytest.mark.parametrize(("text", "name"), [(".hidden", "hidden"), ("..up", "up"), ("a.b", "a.b"), ("...", "")])
def test_a_safe_name_is_not_that_of_a_hidden_file(text: str, name: str) -> None:
    assert safe_name(text) == name


@pytest.mark.parametrize("text", ["漢" * 200, "a:b|c<d>e\x00f", "CON", "../../up", "ends with dots. . ."])
def test_every_system_takes_a_safe_name(text: str) -> None:
    assert is_valid_filename(safe_name(text), platform="universal")
    assert len(safe_name(text).encode()) <= 160


@pytest.mark.parametrize(
    ("text", "words"), [('a "red" star/..\\x', "a-red-star-x"), ("- a -", "a"), ("?!", ""), ("x" * 99, "x" * 60)]
)
def test_words_are_joined_by_hyphens_and_cut(text: str, words: str) -> None:
    assert safe_words(text) == words
