import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipdesk.imagesets.fields import CAPTIONS, PLACES, as_caption, as_label, column, from_mapping, from_text


def test_a_column_is_found_by_any_of_its_names() -> None:
    assert column(["Title", " FilePath "], PLACES) == " FilePath "
    assert column(["text", "caption"], CAPTIONS) == "caption"
    assert column(["a"], CAPTIONS) is None


@pytest.mark.parametrize(
    ("value", "label"), [("cat", "cat"), (7, "7"), (True, ""), (1.5, ""), (10**400, ""), (["a", "b"], "a"), ([], "")]
)
def test_a_label_is_a_text_or_a_number(value: object, label: str) -> None:
    assert as_label(value) == label


def test_label_and_caption_of_a_row() -> None:
    assert from_mapping({"Text": "a cat", "label": 3}) == ("3", "a cat")
    assert from_mapping({"caption": None}) == ("", "")


@pytest.mark.parametrize(
    ("suffix", "data", "found"),
    [
        (".txt", b"\xef\xbb\xbfa cat\r\n", ("", "a cat")),
        (".txt", b"caf\xe9", ("", "caf\ufffd")),
        (".cls", b"3\n", ("3", "")),
        (".json", b'{"caption": "a cat", "class": "cat"}', ("cat", "a cat")),
        (".json", b"[1]", ("", "")),
        (".json", b"{", ("", "")),
    ],
)
def test_texts_beside_a_picture(suffix: str, data: bytes, found: tuple[str, str]) -> None:
    assert from_text(suffix, data) == found


@given(st.recursive(st.none() | st.text() | st.integers() | st.floats(), lambda inner: st.lists(inner, max_size=3)))
def test_whatever_is_said_becomes_one_line_that_can_be_written(value: object) -> None:
    for text in (as_caption(value), as_label(value)):
        text.encode()
        assert "\n" not in text
        assert "\0" not in text


@given(st.binary(max_size=200) | st.dictionaries(st.text(), st.text()).map(lambda values: json.dumps(values).encode()))
def test_any_bytes_give_two_texts(data: bytes) -> None:
    for suffix in (".txt", ".json", ".cls"):
        assert all(isinstance(text, str) for text in from_text(suffix, data))
