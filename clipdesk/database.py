"""SQLite files that several processes share: their form, their transactions, and what goes wrong with them in words.

A file that is damaged is put aside, and a new one takes its place.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from clipdesk.errors import ClipDeskError, one_line

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 0.02
WAIT_SECONDS = 20.0
"""How long to wait for another process that writes."""

_DAMAGE = ("malformed", "not a database", "no such table", "no such column", "already exists", "duplicate column")

_Value = str | bytes | int | float | None


class StoreError(ClipDeskError):
    """The file cannot be opened, read or written."""


class DamagedStoreError(StoreError):
    """The file is damaged, or of another form."""


class NewerStoreError(StoreError):
    """The file is of a newer ClipDesk."""


class Form(NamedTuple):
    """The form of a file.

    Attributes:
        name: What the file is to a person, such as ``queue``.
        migrations: What takes it from each version to the next; its version is how many of them it has seen.
        columns: The columns that each table has to have, separated by commas.
        after_damage: A sentence on what happens to a damaged file when ClipDesk is started again.
    """

    name: str
    migrations: Sequence[str]
    columns: Mapping[str, str]
    after_damage: str


class Database:
    """One connection to the file, for one thread. Every method may raise `StoreError`.

    Args:
        path: The file; made where there is none. None for one in memory, which ends with the connection.
        form: Its form.
    """

    def __init__(self, path: Path | None, form: Form) -> None:
        self._path = path or ":memory:"
        self._form = form
        self._title = f"The {form.name} {self._path}"
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
        self._keep_a_log()
        self._connection.execute("PRAGMA foreign_keys = ON")
        # A file that is as it should be can be opened while another process writes to it.
        if self._user_version() != len(self._form.migrations):
            with self._transaction():
                self._migrate(self._user_version())
        for table, columns in self._form.columns.items():
            self._connection.execute(f"SELECT {columns} FROM {table} LIMIT 1")

    def _keep_a_log(self) -> None:
        """Let others read while one writes. SQLite fails at once where others open a new file, so it is tried again."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
            time.sleep(_AGAIN_SECONDS)

    def _user_version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self, version: int) -> None:
        if version > len(self._form.migrations):
            raise NewerStoreError(f"{self._title} was written by a newer ClipDesk (version {version})")
        if version == 0 and self._connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise DamagedStoreError(f"{self._title} cannot be opened: it has tables but not a version")
        for migration in self._form.migrations[version:]:
            for statement in filter(str.strip, migration.split(";")):
                self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {len(self._form.migrations)}")

    def check(self) -> None:
        """Look at every page of the file.

        Raises:
            DamagedStoreError: one is damaged.
        """
        ((found,),) = self.rows("PRAGMA quick_check(1)")
        # Rows that break a rule of the tables are left out where they are read.
        if found != "ok" and "constraint failed" not in str(found):
            raise DamagedStoreError(f"{self._title} cannot be opened: it is damaged")

    @contextmanager
    def _explained(self, what: str = "read or written") -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            # Of a table's own definition, which an error of SQLite's cites.
            raise DamagedStoreError(f"{self._title} cannot be {what}: it is damaged") from error
        except sqlite3.Error as error:
            kind = DamagedStoreError if _is_damage(error) else StoreError
            raise kind(f"{self._title} cannot be {what}: {self._words(error)}") from error
        except OSError as error:
            raise StoreError(f"{self._title} cannot be {what}: {error.strerror or error}") from error

    def _words(self, error: sqlite3.Error) -> str:
        """What SQLite says, in the words of the rest of the program."""
        text = str(error)
        if "locked" in text:
            return f"another program has held it for {WAIT_SECONDS:g} s. Try again"
        if "disk is full" in text:
            return "the disk is full"
        return {
            "database disk image is malformed": f"it is damaged. {self._form.after_damage}",
            "file is not a database": "it is damaged",
            "attempt to write a readonly database": "it or its folder is read-only",
            "unable to open database file": "its folder cannot be read or written",
        }.get(text, one_line(text))

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


def make_sound(path: Path, form: Form, rescue: Callable[[Path, Database], str]) -> str | None:
    """Look at a file; where it is damaged or of a newer ClipDesk, put it aside and start a new one.

    Args:
        path: The file; there may be none yet.
        form: Its form.
        rescue: Copies what can be read of the file that was put aside into the new one, and says in words what that
            was, to end a sentence: `` with 3 jobs of it``.

    Returns:
        What there is to say to the user; None if the file is as it should be.

    Raises:
        StoreError: it cannot be opened, nor put aside.
    """
    try:
        _look_at(path, form)
    except (DamagedStoreError, NewerStoreError):
        log.exception("opening %s", path)
    else:
        return None
    if not os.path.isfile(path):
        # A folder, a pipe or a device is nothing that ClipDesk has made.
        raise _not_regular(path, form)
    try:
        with FileLock(path.with_name(f"{path.name}-repair.lock"), timeout=WAIT_SECONDS):
            return _begin_anew(path, form, rescue)
    except (OSError, Timeout) as error:
        raise StoreError(f"The {form.name} {path} is damaged, and cannot be moved away: {error}") from error


def _look_at(path: Path, form: Form) -> None:
    """Open a file and check all of it."""
    if os.path.exists(path) and not os.path.isfile(path):
        # To open a pipe or a device may wait for ever.
        raise _not_regular(path, form)
    with closing(Database(path, form)) as file:
        file.check()


def _begin_anew(path: Path, form: Form, rescue: Callable[[Path, Database], str]) -> str | None:
    try:
        # Another process may have done so since.
        _look_at(path, form)
    except (DamagedStoreError, NewerStoreError) as error:
        problem = str(error)
    else:
        return None
    aside = path.with_name(f"{path.stem}-{datetime.now():%Y%m%d-%H%M%S-%f}{path.suffix}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    with closing(Database(path, form)) as new:
        rescued = rescue(aside, new)
    return f"{problem}. It is kept as {aside}, and a new {form.name} was started{rescued}"


def _not_regular(path: Path, form: Form) -> StoreError:
    return StoreError(f"The {form.name} {path} cannot be opened: it is not a regular file. Move it away")
