import pytest

from clipdesk.marks.keys import PictureKey, UnitKey, read_key


@pytest.mark.parametrize(
    "key", [PictureKey("ab" * 32), UnitKey("cd" * 32, "visual.layer4.0", 7), UnitKey("", "a:b", 0)]
)
def test_a_key_is_read_back_as_it_was(key: PictureKey | UnitKey) -> None:
    assert read_key(key.kind, key.text) == key


def test_a_picture_and_a_unit_are_never_the_same() -> None:
    assert PictureKey("a").kind != UnitKey("a", "b", 0).kind


@pytest.mark.parametrize(("kind", "text"), [("text", "a"), ("unit", "no number"), ("unit", "w layer:x"), ("", "")])
def test_what_is_not_a_key_is_refused(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_key(kind, text)
