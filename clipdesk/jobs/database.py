"""The queue's SQLite file: its form, its transactions, and what goes wrong with it in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clipdesk.errors import ClipDeskError, one_line

WAIT_SECONDS = 20.0
"""How long to wait for another process that writes."""

_MIGRATIONS = (
    """
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL,
        folder TEXT NOT NULL,
        skip INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'paused', 'cancelled')),
        created TEXT NOT NULL
    );
    CREATE TABLE units (
        job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
        owner TEXT,
        file TEXT,
        reason TEXT,
        PRIMARY KEY (job, position)
    ) WITHOUT ROWID;
    CREATE INDEX units_by_state ON units (state, job, position);
    """,
    """
    ALTER TABLE jobs ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN place REAL NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN private TEXT;
    ALTER TABLE jobs ADD COLUMN listed INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE jobs ADD COLUMN reason TEXT;
    UPDATE jobs SET place = id;
    """,
)
"""What takes the file from each version to the next; its version is how many of them it has seen."""


_COLUMNS = {
    "jobs": "id, job, folder, skip, state, created, urgent, place, private, listed, reason",
    "units": "job, position, state, owner, file, reason",
}
_DAMAGE = ("malformed", "not a database", "no such table", "no such column", "already exists", "duplicate column")

_Value = str | bytes | int | float | None


class StoreError(ClipDeskError):
    """The queue's file cannot be opened, read or written."""


class DamagedStoreError(StoreError):
    """The queue's file is damaged, or is not a queue."""


class NewerStoreError(StoreError):
    """The queue's file is of a newer ClipDesk."""


class Database:
    """One connection to the file, for one thread. Every method may raise `StoreError`.

    Args:
        path: The file; made where there is none. None for a queue in memory, which ends with the connection.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path or ":memory:"
        with self._explained("opened"):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            # Used by one thread; another one may close it.
            self._connection = sqlite3.connect(
                self._path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            # A text that is not Unicode would end the reading of all others.
            self._connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            try:
                self._prepare()
            except BaseException:
                # Windows moves no file aside that is open.
                self._connection.close()
                raise

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        # A queue that is as it should be can be opened while another process writes to it.
        if self._user_version() != len(_MIGRATIONS):
            with self._transaction():
                self._migrate(self._user_version())
        for table, columns in _COLUMNS.items():
            self._connection.execute(f"SELECT {columns} FROM {table} LIMIT 1")

    def _user_version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self, version: int) -> None:
        if version > len(_MIGRATIONS):
            raise NewerStoreError(f"The queue {self._path} was written by a newer ClipDesk (version {version})")
        if version == 0 and self._connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise DamagedStoreError(f"The queue {self._path} cannot be opened: it has tables but not a version")
        for migration in _MIGRATIONS[version:]:
            for statement in filter(str.strip, migration.split(";")):
                self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")

    def check(self) -> None:
        """Look at every page of the file.

        Raises:
            DamagedStoreError: one is damaged.
        """
        ((found,),) = self.rows("PRAGMA quick_check(1)")
        # Rows that break a rule of the tables are left out where they are read.
        if found != "ok" and "constraint failed" not in str(found):
            raise DamagedStoreError(f"The queue {self._path} cannot be opened: it is damaged")

    @contextmanager
    def _explained(self, what: str = "read or written") -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            # Of a table's own definition, which an error of SQLite's cites.
            raise DamagedStoreError(f"The queue {self._path} cannot be {what}: it is damaged") from error
        except sqlite3.Error as error:
            kind = DamagedStoreError if _is_damage(error) else StoreError
            raise kind(f"The queue {self._path} cannot be {what}: {_words(error)}") from error
        except OSError as error:
            raise StoreError(f"The queue {self._path} cannot be {what}: {error.strerror or error}") from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: all statements in the block take effect, or none does; no other process writes meanwhile."""
        with self._explained(), self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # On a full disk SQLite may have rolled back by itself.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def execute(self, statement: str, values: Sequence[_Value] = ()) -> sqlite3.Cursor:
        """Execute a statement that changes something, while `writing` is entered."""
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[_Value]]) -> None:
        """Execute such a statement for each row of values, while `writing` is entered."""
        self._connection.executemany(statement, rows)

    def rows(self, question: str, values: Sequence[_Value] = ()) -> list[tuple[Any, ...]]:
        """The rows that answer a question."""
        with self._explained():
            return self._connection.execute(question, values).fetchall()

    def row(self, question: str, values: Sequence[_Value] = ()) -> tuple[Any, ...] | None:
        """The first row that answers a question; None if there is none."""
        return next(iter(self.rows(question, values)), None)

    def version(self) -> tuple[int, int]:
        """A value that changes whenever any process changes the file."""
        (by_others,) = self.rows("PRAGMA data_version")[0]
        return int(by_others), self._connection.total_changes

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _is_damage(error: sqlite3.Error) -> bool:
    return any(words in str(error) for words in _DAMAGE)


def _words(error: sqlite3.Error) -> str:
    """What SQLite says, in the words of the rest of the program."""
    text = str(error)
    if "locked" in text:
        return f"another program has held it for {WAIT_SECONDS:g} s. Try again"
    if "disk is full" in text:
        return "the disk is full"
    return {
        "database disk image is malformed": "it is damaged. When ClipDesk is started again, it rescues what it can",
        "file is not a database": "it is damaged",
        "attempt to write a readonly database": "it or its folder is read-only",
        "unable to open database file": "its folder cannot be read or written",
    }.get(text, one_line(text))
