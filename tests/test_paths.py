"""Paths of ClipDesk's own files."""

from pathlib import Path

import pytest

from clipdesk.paths import data_folder, log_file, resource


@pytest.mark.parametrize("name", ["models/demo.pt", "open_clip_sizes.json", "page"])
def test_resources_are_there(name: str) -> None:
    assert resource(name).exists()


def test_the_user_s_data_are_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.setenv("CLIPDESK_DATA", "")
    assert data_folder().name == "clipdesk"
    assert data_folder() != tmp_path


def test_the_log_is_not_among_the_user_s_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLIPDESK_DATA")
    assert log_file().name == "clipdesk.log"
