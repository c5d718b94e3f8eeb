import os
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.imagesets.opening import open_image_set
from tests.imagesets.pictures import put


def test_a_set_is_opened_again_by_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "set/a.png")
    monkeypatch.chdir(tmp_path)
    found = open_image_set("set")
    assert (found.source, found.name) == (str(tmp_path / "set"), "set")
    assert open_image_set(found.source).fingerprint == found.fingerprint


@pytest.mark.parametrize("name", ["missing", "pipe", "text.pdf", "empty", "texts", "/dev/zero", "a\0b", "x" * 5_000])
def test_what_is_not_a_set_is_refused_in_one_line_that_says_what_would_be_right(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    put(tmp_path / "text.pdf", "hello")
    (tmp_path / "empty").mkdir()
    put(tmp_path / "texts/notes.md", "hello")
    with pytest.raises(UsageError, match=r"Cannot read|an image set is a folder") as error:
        open_image_set(tmp_path / name)
    assert "\n" not in str(error.value)
