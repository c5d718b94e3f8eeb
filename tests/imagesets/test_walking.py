import errno
import os
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.imagesets import walking
from clipdesk.imagesets.walking import walk
from tests.imagesets.pictures import any_names, put, with_links


def places(root: Path) -> list[str]:
    return sorted(file.place for file in walk(root).pictures)


def reasons(root: Path) -> dict[str, str]:
    return {one.place: one.reason for one in walk(root).left_out.listed()}


def test_hidden_files_and_those_of_a_mac_are_skipped(tmp_path: Path) -> None:
    for place in ("a.png", ".b.png", ".c/d.png", "__MACOSX/._a.png", "Thumbs.db", "e/f.TIF"):
        put(tmp_path / place)
    assert places(tmp_path) == ["a.png", "e/f.TIF"]
    assert reasons(tmp_path) == {}


@with_links
def test_links_are_followed_once_and_never_in_a_circle(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    put(root / "real/a.png")
    put(elsewhere / "b.png")
    (root / "a-link").symlink_to(root / "real")
    (root / "out").symlink_to(elsewhere)
    (root / "out-again").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(root)
    (root / "real" / "up").symlink_to("..")
    (root / "all").symlink_to("/")
    assert places(root) == ["out/b.png", "real/a.png"]
    assert set(reasons(root)) == {"all", "out/back", "real/up"}
    assert set(reasons(root).values()) == {"it is a link to a folder that it is in"}


@with_links
def test_what_is_not_a_file_is_left_out_without_being_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "lost.webp").symlink_to(tmp_path / "nowhere")
    (tmp_path / "round.png").symlink_to(tmp_path / "round.png")
    assert reasons(tmp_path) == {
        "pipe.png": "it is not a regular file",
        "zero.jpg": "it is not a regular file",
        "lost.webp": "it is a link to a file that is not there",
        "round.png": os.strerror(errno.ELOOP),
    }


def test_images_of_other_formats_are_left_out_with_what_would_be_right(tmp_path: Path) -> None:
    put(tmp_path / "a.gif")
    put(tmp_path / "b.HEIC")
    assert reasons(tmp_path) == {
        "a.gif": "GIF is not read; save it as PNG or JPEG",
        "b.HEIC": "HEIC is not read; save it as PNG or JPEG",
    }


@any_names
def test_a_name_that_is_not_unicode_is_left_out(tmp_path: Path) -> None:
    put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.png")))
    assert reasons(tmp_path) == {"a\\udcff.png": "its name is not valid Unicode; rename it"}


def test_a_folder_that_may_not_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests may run as a user who may read anything.
    put(tmp_path / "a/a.png")
    put(tmp_path / "b/b.png")
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("b"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr("clipdesk.imagesets.walking.os.scandir", scandir)
    assert places(tmp_path) == ["a/a.png"]
    assert reasons(tmp_path) == {"b": "Permission denied"}


def test_a_folder_that_cannot_be_read_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read .*: "):
        walk(tmp_path / "none")


def test_very_deep_folders_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "_DEEPEST", 2)
    put(tmp_path / "1/2/3/a.png")
    assert reasons(tmp_path) == {"1/2/3": "it is more than 2 folders deep"}


def test_a_set_of_too_many_pictures_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.imagesets.sets.MOST_PICTURES", 1)
    put(tmp_path / "a.png")
    put(tmp_path / "b.png")
    with pytest.raises(UsageError, match="has more than 1 pictures"):
        walk(tmp_path)


def test_only_files_that_may_belong_to_a_set_are_kept(tmp_path: Path) -> None:
    for name in ("a.txt", "b.PARQUET", "c.py", "d.md", "e.tar", "f.json"):
        put(tmp_path / name)
    assert sorted(walk(tmp_path).others) == ["a.txt", "b.PARQUET", "e.tar", "f.json"]
