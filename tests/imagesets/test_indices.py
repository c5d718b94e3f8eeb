import os
from pathlib import Path

import pytest

from clipdesk.imagesets import indices
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.tars import Index, index_of
from tests.imagesets.archives import member, tar


@pytest.fixture(autouse=True)
def indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The archives that are gone through."""
    found: list[Path] = []

    def noted(path: Path) -> Index:
        found.append(path)
        return index_of(path)

    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(indices, "index_of", noted)
    monkeypatch.setattr(indices, "_FEWEST", 2)
    return found


def archive(tmp_path: Path) -> Path:
    return tar(tmp_path / "a.tar", member("1.png"), member("1.txt", "one ☃"), member("2.png"), member("3.txt", "lost"))


def test_an_archive_is_gone_through_once(tmp_path: Path, indexed: list[Path]) -> None:
    path = archive(tmp_path)
    first, second = open_image_set(path), open_image_set(path)
    assert indexed == [path]
    assert first.pictures == second.pictures
    assert first.left_out == second.left_out
    assert first.fingerprint == second.fingerprint
    assert first.read(1).sha256 == second.read(1).sha256


def test_one_that_has_changed_is_gone_through_again(tmp_path: Path, indexed: list[Path]) -> None:
    path = archive(tmp_path)
    open_image_set(path)
    os.utime(path, ns=(1, 1))
    open_image_set(path)
    assert len(indexed) == 2


def test_few_pictures_are_not_worth_a_file(tmp_path: Path, indexed: list[Path]) -> None:
    path = tar(tmp_path / "a.tar", member("1.png"))
    assert len(open_image_set(path).pictures) == 1
    assert not list((tmp_path / "data").rglob("*.json"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "{}",
        "[[], [], []]",
        "[[[1]], []]",
        '[[["1.png", 0, 9999999, "", ""]], []]',
        '[[["a", -1, 1, "", ""]], []]',
    ],
)
def test_a_kept_index_that_is_damaged_is_made_anew(tmp_path: Path, text: str) -> None:
    path = archive(tmp_path)
    first = open_image_set(path)
    (kept,) = (tmp_path / "data").rglob("*.json")
    kept.write_text(text)
    assert open_image_set(path).pictures == first.pictures


def test_where_nothing_can_be_kept_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert len(open_image_set(archive(tmp_path)).pictures) == 2


def test_the_oldest_are_removed_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data" / "cache" / "archives-1"
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / f"{number}.json").write_bytes(bytes(10))
        os.utime(folder / f"{number}.json", ns=(number, number))
    monkeypatch.setattr(indices, "_MOST_BYTES", 25)
    indices.prune()
    assert sorted(path.name for path in folder.iterdir()) == ["2.json", "3.json"]
