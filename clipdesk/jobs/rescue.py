"""Opening the queue's file: one that is damaged is put aside, and what can still be read of it is rescued.

Nothing of the file is trusted: each row is checked before it is copied.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from clipdesk.database import Database, make_sound
from clipdesk.errors import UsageError
from clipdesk.jobs.database import QUEUE
from clipdesk.jobs.kinds import read_work
from clipdesk.jobs.status import Wish
from clipdesk.jobs.store import JobStore

log = logging.getLogger(__name__)

_MOST_JOBS = 1_000_000
_STATES = ("waiting", "running", "done", "failed")


class _Rescued(NamedTuple):
    """A job, and the rows of its units, that are sound."""

    job: dict[str, Any]
    units: list[tuple[int, str, str | None, str | None, str | None]]


def open_store(path: Path) -> tuple[JobStore, str | None]:
    """Open the queue; one that cannot be read is kept aside and a new one started.

    Returns:
        The queue, and what there is to say to the user; None if all is well.
    """
    notice = make_sound(path, QUEUE, lambda aside, new: _count(rescue(aside, new)))
    return JobStore(path), notice


def _count(rescued: int) -> str:
    return f" with {rescued} job{'' if rescued == 1 else 's'} of it" if rescued else ""


def rescue(damaged: Path, new: Database) -> int:
    """Copy the jobs that can be read from a damaged file into a new one, under their old numbers.

    A unit whose row cannot be read waits again: to render it finds the picture, if it is there.

    Args:
        damaged: The file that was put aside.
        new: The queue that takes its place.

    Returns:
        How many jobs were copied that are not in the new one yet.
    """
    columns = {str(row[1]) for row in new.rows("PRAGMA table_info(jobs)")}
    copied = 0
    try:
        with closing(sqlite3.connect(damaged, timeout=1.0, isolation_level=None)) as old:
            # What is not Unicode is no reason to lose a whole row.
            old.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            old.row_factory = sqlite3.Row
            # A table that cannot be understood is then left out, where SQLite would refuse the whole file.
            old.execute("PRAGMA writable_schema = ON")
            for number in _numbers(old):
                found = _job(old, number, columns)
                if found is not None:
                    copied += _copied(new, found)
    except sqlite3.Error as error:
        log.warning("rescuing jobs from %s: %s", damaged, error)
    return copied


def _numbers(old: sqlite3.Connection) -> list[int]:
    """The numbers of the jobs, as far as they can be read from either end of the table."""
    found: set[int] = set()
    for question in ("SELECT id FROM jobs ORDER BY id", "SELECT id FROM jobs ORDER BY id DESC"):
        with suppress(sqlite3.Error):
            found.update(row[0] for row in _bounded(old.execute(question)) if isinstance(row[0], int))
    return sorted(found)


def _bounded(rows: sqlite3.Cursor) -> Iterator[Any]:
    """A damaged table may lead in a circle."""
    for row, _ in zip(rows, range(_MOST_JOBS), strict=False):
        yield row


def _job(old: sqlite3.Connection, number: int, columns: set[str]) -> _Rescued | None:
    try:
        row = old.execute("SELECT * FROM jobs WHERE id = ?", (number,)).fetchone()
        if row is None:
            # The way to it is damaged.
            return None
        # SQLite does not mind the case of names, which a damaged byte may change.
        names = {name.lower(): name for name in row.keys()}  # noqa: SIM118 - a Row iterates over values
        job = {name: row[own] for name, own in names.items() if name in columns}
        count = len(read_work(job["job"]).units)
        if job["state"] not in {wish.value for wish in Wish} or not isinstance(job["folder"], (str, bytes)):
            return None
        _storable(job.values())
    except (sqlite3.Error, UsageError, ValueError, TypeError, KeyError, IndexError) as error:
        log.warning("job %d cannot be rescued: %s", number, error)
        return None
    units = dict.fromkeys(range(count), ("waiting", None, None, None))
    with suppress(sqlite3.Error):
        rows = old.execute("SELECT position, state, owner, file, reason FROM units WHERE job = ?", (number,))
        for position, *rest in _bounded(rows):
            if position in units and _is_sound(rest):
                units[position] = tuple(rest)
    return _Rescued(job, [(position, *values) for position, values in units.items()])


def _is_sound(values: Sequence[object]) -> bool:
    try:
        _storable(values)
    except ValueError:
        return False
    return values[0] in _STATES and all(value is None or isinstance(value, str) for value in values[1:])


def _storable(values: Iterable[object]) -> None:
    """Check that texts are Unicode.

    Raises:
        ValueError: one is not.
    """
    for value in values:
        if isinstance(value, str):
            value.encode()


def _copied(new: Database, found: _Rescued) -> bool:
    """Copy a job, unless there is one of its number."""
    names, number = list(found.job), found.job["id"]
    with new.writing():
        marks = ", ".join("?" * len(names))
        statement = f"INSERT OR IGNORE INTO jobs ({', '.join(names)}) VALUES ({marks})"
        if new.execute(statement, list(found.job.values())).rowcount == 0:
            return False
        new.executemany(
            "INSERT INTO units (job, position, state, owner, file, reason) VALUES (?, ?, ?, ?, ?, ?)",
            ((number, *unit) for unit in found.units),
        )
    return True
