"""The marks on disk, in one SQLite file that windows share."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from clipdesk.database import Database, Form, make_sound
from clipdesk.marks.keys import Key, read_key
from clipdesk.marks.mark import MOST_TAGS, NOTE_CHARACTERS, TAG_CHARACTERS, Mark
from clipdesk.paths import data_folder

log = logging.getLogger(__name__)

_COLUMNS = "kind, key, starred, tags, note"
_FORM = Form(
    "file of marks",
    (
        """
        CREATE TABLE marks (
            kind TEXT NOT NULL CHECK (kind IN ('picture', 'unit')),
            key TEXT NOT NULL,
            starred INTEGER NOT NULL,
            tags TEXT NOT NULL,
            note TEXT NOT NULL,
            changed TEXT NOT NULL,
            PRIMARY KEY (kind, key)
        ) WITHOUT ROWID;
        """,
    ),
    {"marks": f"{_COLUMNS}, changed"},
    "When ClipDesk is started again, it rescues what it can",
)
_MOST_RESCUED = 1_000_000
_MOST_CHARACTERS = 16 * (NOTE_CHARACTERS + MOST_TAGS * TAG_CHARACTERS)
"""A longer row was not written by ClipDesk, and is not read."""
_READABLE = f"length(key) + length(tags) + length(note) <= {_MOST_CHARACTERS}"


class Marks:
    """The marks of all pictures and units. One connection, for one thread; every window makes its own.

    Args:
        path: The file; made where there is none. None for marks in memory.

    Raises:
        StoreError: it cannot be opened, is damaged, or was written by a newer ClipDesk; from every method: it cannot be
            read or written.
    """

    def __init__(self, path: Path | None) -> None:
        self._db = Database(path, _FORM)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def version(self) -> tuple[int, int]:
        """A value that changes whenever any process changes the file."""
        return self._db.version()

    def all(self) -> dict[Key, Mark]:
        """All marks; a row that is not one is left out."""
        return dict(_read(self._db.rows(f"SELECT {_COLUMNS} FROM marks WHERE {_READABLE}")))

    def get(self, key: Key) -> Mark:
        """The mark of a picture or unit; an empty one if nothing was said of it."""
        question = f"SELECT {_COLUMNS} FROM marks WHERE kind = ? AND key = ? AND {_READABLE}"
        return dict(_read(self._db.rows(question, (key.kind, key.text)))).get(key, Mark())

    def change(self, keys: Iterable[Key], change: Callable[[Mark], Mark]) -> dict[Key, Mark]:
        """Change the marks of pictures and units, as they are by then; no other process changes them meanwhile.

        Args:
            keys: What is marked.
            change: Makes the new mark from the old one; an empty one removes it.

        Returns:
            The new marks.
        """
        new: dict[Key, Mark] = {}
        with self._db.writing():
            for key in keys:
                new[key] = change(self.get(key))
                _write(self._db, key, new[key])
        return new


def open_marks(path: Path) -> tuple[Marks, str | None]:
    """Open the marks; a file that cannot be read is kept aside, and what can be read of it goes into a new one.

    Returns:
        The marks, and what there is to say to the user; None if all is well.

    Raises:
        StoreError: they cannot be opened, nor begun anew.
    """
    notice = make_sound(path, _FORM, lambda aside, new: _count(_rescue(aside, new)))
    return Marks(path), notice


def default_marks() -> Path:
    """Where the user's marks are."""
    return data_folder() / "marks.sqlite"


def _write(db: Database, key: Key, mark: Mark) -> None:
    if not mark:
        db.execute("DELETE FROM marks WHERE kind = ? AND key = ?", (key.kind, key.text))
        return
    tags, now = json.dumps(mark.tags, ensure_ascii=False), datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    db.execute(
        f"INSERT OR REPLACE INTO marks ({_COLUMNS}, changed) VALUES (?, ?, ?, ?, ?, ?)",
        (key.kind, key.text, mark.starred, tags, mark.note, now),
    )


def _read(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Key, Mark]]:
    """The marks of rows, as far as they can be understood."""
    for kind, key, starred, tags, note in rows:
        try:
            words = json.loads(tags)
            if not isinstance(words, list) or not all(isinstance(text, str) for text in (kind, key, note, *words)):
                raise ValueError("it is of another form")
            yield read_key(kind, key), Mark(bool(starred), tuple(words), note)
        except (ValueError, TypeError, RecursionError) as error:
            log.warning("a mark is left out: %s", error)


def _rescue(damaged: Path, new: Database) -> int:
    """Copy the marks that can be read from a damaged file into a new one, and count them."""
    found: dict[Key, Mark] = {}
    try:
        with closing(sqlite3.connect(damaged, timeout=1.0, isolation_level=None)) as old:
            old.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            rows = old.execute(f"SELECT {_COLUMNS} FROM marks WHERE {_READABLE}")
            # A damaged table may lead in a circle. One by one: what comes before the damage is read.
            for row, _ in zip(rows, range(_MOST_RESCUED), strict=False):
                found.update(_read([row]))
    except sqlite3.Error as error:
        log.warning("rescuing marks from %s: %s", damaged, error)
    with new.writing():
        for key, mark in found.items():
            if mark:
                _write(new, key, mark)
    return len(found)


def _count(rescued: int) -> str:
    return f" with {rescued} mark{'' if rescued == 1 else 's'} of it" if rescued else ""
