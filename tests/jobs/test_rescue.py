"""A queue's file that is damaged is put aside, and what can be read of it goes on."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from clipdesk.database import StoreError
from clipdesk.jobs.job import Job
from clipdesk.jobs.rescue import open_store
from clipdesk.jobs.status import Wish
from clipdesk.jobs.store import JobStore
from clipdesk.render.targets import Unit

COUNT = 40


def job(first: int) -> Job:
    return Job(model="demo", targets=tuple(Unit(layer="visual", index=first * 100 + i) for i in range(30)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A queue of forty jobs, of each of which the first unit is done and the second has failed."""
    path = tmp_path / "queue.sqlite"
    with closing(JobStore(path)) as store:
        for first in range(COUNT):
            number = store.add(job(first), tmp_path / "out")
            store.finish(number, 0, file="a.png")
            store.finish(number, 1, reason="no")
        store.wish(3, Wish.PAUSE)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = 1")
        db.execute("PRAGMA writable_schema = 1")
        for statement in statements:
            db.execute(statement)


def check_rescued(path: Path, least: int) -> None:
    store, notice = open_store(path)
    with closing(store):
        assert notice is not None
        assert "\n" not in notice
        (aside,) = path.parent.glob("queue-*.sqlite")
        assert str(aside) in notice
        found = store.jobs()
        assert len(found) >= least
        for stored in found:
            assert stored.job == job(stored.number - 1)
            assert stored.folder == path.parent / "out"
            assert sum(stored.counts.values()) == 30
        store.add(job(COUNT), path.parent)
        assert store.next() is not None
    again, notice = open_store(path)
    assert notice is None
    assert len(again.jobs()) == len(found) + 1
    again.close()


@pytest.mark.parametrize("page", range(1, 40, 2))
def test_a_damaged_page_costs_what_is_on_it(path: Path, page: int) -> None:
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    at = 4096 * (1 + page % (pages - 1))
    content[at : at + 4096] = os.urandom(4096)
    path.write_bytes(content)
    check_rescued(path, 0)


def test_a_damaged_table_of_units_keeps_all_jobs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'units'").fetchone()
    content = bytearray(path.read_bytes())
    content[4096 * (root - 1) : 4096 * root] = bytes(4096)
    path.write_bytes(content)
    check_rescued(path, COUNT)


@pytest.mark.parametrize(
    ("statements", "least"),
    [
        (("DROP TABLE units",), COUNT),
        (("DROP TABLE jobs",), 0),
        (("PRAGMA user_version = 0",), COUNT),
        (("ALTER TABLE jobs DROP COLUMN urgent",), COUNT),
        (("ALTER TABLE jobs DROP COLUMN skip",), 0),
        (("ALTER TABLE units RENAME COLUMN reason TO why",), COUNT),
        (("PRAGMA user_version = 1",), COUNT),
        (("DELETE FROM sqlite_master WHERE name = 'units'",), COUNT),
        # One bit of a letter: SQLite finds the column all the same.
        (("DROP TABLE units", "UPDATE sqlite_master SET sql = replace(sql, 'id INTEGER', 'Id INTEGER')"), COUNT),
    ],
)
def test_a_wrong_schema_is_put_aside(path: Path, statements: tuple[str, ...], least: int) -> None:
    execute(path, *statements)
    check_rescued(path, least)


def test_states_of_units_and_wishes_are_rescued(path: Path) -> None:
    execute(path, "PRAGMA user_version = 0")
    store, notice = open_store(path)
    assert notice is not None
    assert notice.endswith("a new queue was started with 40 jobs of it")
    assert store.get(3).wish is Wish.PAUSE
    assert store.get(5).counts == {"waiting": 28, "done": 1, "failed": 1}
    assert [unit.file or unit.reason for unit in store.units(5)[:2]] == ["a.png", "no"]
    assert store.add(job(1), None) == COUNT + 1
    store.close()


def test_the_database_of_another_program_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    execute(path, "CREATE TABLE bookmarks (address TEXT)", "INSERT INTO bookmarks VALUES ('x')")
    store, notice = open_store(path)
    assert notice is not None
    assert store.jobs() == []
    store.close()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
@pytest.mark.parametrize("make", [_pipe, _zero, Path.mkdir])
def test_what_is_not_a_file_is_said_and_stays(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "queue.sqlite")
    with pytest.raises(StoreError, match="not a regular file"):
        open_store(tmp_path / "queue.sqlite")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs SET state = 'odd' WHERE id = 2",
        "UPDATE jobs SET folder = 17 WHERE id = 2",
        "UPDATE jobs SET folder = x'00ff' WHERE id = 2",
        "UPDATE jobs SET created = 17.5 WHERE id = 2",
        "UPDATE jobs SET created = x'ff' WHERE id = 2",
        "UPDATE jobs SET job = x'ff00' WHERE id = 2",
        "UPDATE jobs SET job = 17 WHERE id = 2",
        "UPDATE jobs SET job = CAST(x'7bff' AS TEXT) WHERE id = 2",
        "UPDATE jobs SET folder = CAST(x'ff' AS TEXT), created = CAST(x'ff' AS TEXT) WHERE id = 2",
        "UPDATE units SET reason = CAST(x'ff' AS TEXT), file = CAST(x'ff' AS TEXT) WHERE job = 2",
        "UPDATE jobs SET job = '[]' WHERE id = 2",
        "UPDATE jobs SET job = '{\"kind\": []}' WHERE id = 2",
        "UPDATE jobs SET place = 'odd' WHERE id = 2",
        "UPDATE jobs SET place = x'ff' WHERE id = 2",
        "UPDATE units SET position = 99 WHERE job = 2 AND position = 3",
        "UPDATE units SET position = -1 WHERE job = 2 AND position = 3",
        "UPDATE units SET position = 'odd' WHERE job = 2 AND position = 3",
        "UPDATE units SET state = 'odd' WHERE job = 2 AND position = 3",
        "UPDATE units SET state = 17 WHERE job = 2",
        "UPDATE units SET file = 17 WHERE job = 2",
        "UPDATE units SET file = x'ff' WHERE job = 2",
        "UPDATE units SET owner = x'ff', state = 'running' WHERE job = 2",
        "UPDATE units SET owner = '../../x', state = 'running' WHERE job = 2",
        "UPDATE units SET reason = x'ff' WHERE job = 2",
        "UPDATE jobs SET private = x'ff' WHERE id = 2",
        "UPDATE jobs SET reason = x'ff' WHERE id = 2",
        "UPDATE jobs SET urgent = 'odd', skip = 'odd', listed = 'odd' WHERE id = 2",
    ],
)
def test_an_odd_row_stands_in_the_way_of_no_other(path: Path, statement: str) -> None:
    execute(path, statement)
    store, _ = open_store(path)
    with closing(store):
        found = {stored.number: stored for stored in store.jobs()}
        assert found.keys() >= set(range(1, COUNT + 1)) - {2}
        taken = {2} - found.keys()
        assert set(store.unreadable()) <= {2}
        for number in range(1, COUNT + 1):
            store.row(number)
            store.units(number)
            store.wished(number)
        while (following := store.next(but=taken)) is not None:
            claim = store.claim(None, 100, store.get(following))
            assert claim is not None
            assert len(claim.job.units) == len(claim.positions)
            store.names(following, claim.positions)
            taken.add(following)
        assert taken >= set(range(1, COUNT + 1)) - {2, 3}
        store.move(2, 1)
        store.wish(2, Wish.CANCEL)
        store.clear()
        assert 2 not in {row[0] for row in store._db.rows("SELECT id FROM jobs")}
