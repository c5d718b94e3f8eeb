"""The marks on disk: two windows share them, and a damaged file is kept aside."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from clipdesk.database import StoreError
from clipdesk.marks.keys import PictureKey, UnitKey
from clipdesk.marks.mark import Mark
from clipdesk.marks.store import Marks, default_marks, open_marks

PICTURE, OTHER = PictureKey("a" * 64), PictureKey("b" * 64)
UNIT = UnitKey("c" * 64, "visual.layer4.0", 7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "marks.sqlite"


@pytest.fixture
def marks(path: Path) -> Iterator[Marks]:
    with closing(Marks(path)) as store:
        yield store


def starred(mark: Mark) -> Mark:
    return mark.star(True)


def tagged(tag: str, old: Mark) -> Mark:
    return replace(old, tags=(*old.tags, tag))


def test_what_was_said_comes_back(marks: Marks, path: Path) -> None:
    said = Mark(True, ("dog-like", "ears"), "first line\nsecond")
    assert marks.get(PICTURE) == Mark()
    assert marks.change([PICTURE, UNIT], lambda _: said) == {PICTURE: said, UNIT: said}
    with closing(Marks(path)) as other:
        assert other.get(PICTURE) == said
        assert other.all() == {PICTURE: said, UNIT: said}


def test_a_mark_that_says_nothing_any_more_is_removed(marks: Marks) -> None:
    marks.change([PICTURE], starred)
    marks.change([PICTURE], lambda _: Mark())
    assert marks.all() == {}


def test_two_windows_change_different_parts_of_one_mark(marks: Marks, path: Path) -> None:
    with closing(Marks(path)) as other:
        other.change([PICTURE], lambda old: Mark(old.starred, ("tag",), old.note))
        marks.change([PICTURE], starred)
        other.change([PICTURE], lambda old: Mark(old.starred, old.tags, "note"))
    assert marks.get(PICTURE) == Mark(True, ("tag",), "note")


def test_no_change_of_many_windows_is_lost(path: Path) -> None:
    Marks(path).close()

    def say(name: str) -> None:
        with closing(Marks(path)) as own:
            for number in range(5):
                own.change([PICTURE], partial(tagged, f"{name}{number}"))

    threads = [threading.Thread(target=say, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(Marks(path)) as store:
        assert len(store.get(PICTURE).tags) == 15


def test_a_change_that_fails_changes_nothing(marks: Marks) -> None:
    marks.change([PICTURE], starred)

    def fail_for_the_second(old: Mark) -> Mark:
        if not old:
            raise RuntimeError("no")
        return Mark()

    with pytest.raises(RuntimeError):
        marks.change([PICTURE, OTHER], fail_for_the_second)
    assert marks.all() == {PICTURE: Mark(starred=True)}


def test_a_window_notices_what_another_has_said(marks: Marks, path: Path) -> None:
    before = marks.version()
    assert marks.version() == before
    with closing(Marks(path)) as other:
        other.change([PICTURE], starred)
    assert marks.version() != before


def write(path: Path, *rows: tuple[object, ...]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = 1")
        db.executemany("INSERT INTO marks VALUES (?, ?, ?, ?, ?, '')", rows)


def test_rows_that_are_not_marks_are_left_out_and_the_others_bounded(marks: Marks, path: Path) -> None:
    marks.change([UNIT], starred)
    write(
        path,
        ("picture", "not json", 1, "[", ""),
        ("picture", "a number", 1, "[1]", ""),
        ("picture", "an object", 1, "{}", ""),
        ("unit", "nowhere", 1, "[]", ""),
        ("song", "a", 1, "[]", ""),
        ("picture", "bytes", 1, "[]", b"\xff\xfe"),
        ("picture", "long", 1, "[]", "x" * 1_000_000),
        ("picture", OTHER.text, 2, '["a\\u0000b"]', "c\x1bd"),
    )
    assert marks.all() == {UNIT: Mark(starred=True), OTHER: Mark(True, ("ab",), "cd")}


def test_a_damaged_file_is_kept_aside_and_said(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database, but quite long enough to look like one" * 40)
    store, notice = open_marks(path)
    with closing(store):
        store.change([PICTURE], starred)
    (aside,) = path.parent.glob("marks-*.sqlite")
    assert notice is not None
    assert "damaged" in notice
    assert str(aside) in notice
    assert "\n" not in notice
    assert aside.read_bytes().startswith(b"no database")
    again, notice = open_marks(path)
    with closing(again):
        assert (again.all(), notice) == ({PICTURE: Mark(starred=True)}, None)


def test_what_can_be_read_of_a_damaged_file_is_rescued(path: Path) -> None:
    with closing(Marks(path)) as marks:
        marks.change([PICTURE, UNIT], lambda _: Mark(True, ("a",), "b"))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("ALTER TABLE marks DROP COLUMN changed")
    store, notice = open_marks(path)
    with closing(store):
        assert store.all() == dict.fromkeys((PICTURE, UNIT), Mark(True, ("a",), "b"))
    assert notice is not None
    assert "with 2 marks of it" in notice


def test_a_file_of_a_newer_version_is_left_as_it_is(path: Path) -> None:
    Marks(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    store, notice = open_marks(path)
    store.close()
    assert notice is not None
    assert "newer ClipDesk" in notice
    (aside,) = path.parent.glob("marks-*.sqlite")
    with closing(sqlite3.connect(aside)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)


def test_a_folder_in_place_of_the_file_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="not a regular file"):
        open_marks(path)


def test_the_marks_are_among_the_users_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))
    assert default_marks() == tmp_path / "marks.sqlite"
