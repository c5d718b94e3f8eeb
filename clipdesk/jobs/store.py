"""The queue on disk: jobs and the state of each of their units, in one SQLite file that several processes share."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

from clipdesk.errors import UsageError
from clipdesk.jobs.database import Database, StoreError
from clipdesk.jobs.job import Job
from clipdesk.jobs.owners import Owner, is_alive
from clipdesk.paths import data_folder

log = logging.getLogger(__name__)


class JobState(str, Enum):
    """What is to become of a job."""

    OPEN = "open"
    PAUSED = "paused"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class StoredJob:
    """A job in the queue.

    Attributes:
        number: Its number.
        job: What is asked for.
        folder: Where its pictures go.
        skip: Whether pictures that were in the folder before are left as they are.
        state: What is to become of it.
        created: When it was added, in ISO 8601, UTC.
        counts: How many units are waiting, running, done and failed; states that none is in are left out.
    """

    number: int
    job: Job
    folder: Path
    skip: bool
    state: JobState
    created: str
    counts: dict[str, int]

    @property
    def finished(self) -> bool:
        """Whether nothing more will come of it by itself."""
        left = self.counts.get("waiting", 0) + self.counts.get("running", 0)
        return left == 0 or self.state is JobState.CANCELLED

    @property
    def status(self) -> str:
        """Its state in a word."""
        if self.state is JobState.CANCELLED:
            return "cancelled"
        if self.finished:
            return "failed" if self.counts.get("failed") else "done"
        if self.state is JobState.PAUSED:
            return "paused"
        return "running" if self.counts.get("running") else "waiting"


@dataclass(frozen=True)
class StoredUnit:
    """A unit of a job in the queue.

    Attributes:
        position: Its place in the job.
        state: ``waiting``, ``running``, ``done`` or ``failed``.
        file: Name of its picture; empty if there is none.
        reason: Why it failed; empty if it did not.
    """

    position: int
    state: str
    file: str
    reason: str


@dataclass(frozen=True)
class Claim:
    """Units that are ours to render; `positions` are their places in the job."""

    stored: StoredJob
    positions: tuple[int, ...]

    @property
    def job(self) -> Job:
        """The job with these units alone."""
        targets = tuple(self.stored.job.targets[i] for i in self.positions)
        return self.stored.job.model_copy(update={"targets": targets})


class JobStore:
    """The queue's file. One connection, for the thread that made it; every process makes its own.

    Args:
        path: The file; made where there is none.

    Raises:
        StoreError: it cannot be opened, is damaged, or was written by a newer ClipDesk; from every method: it cannot be
            read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = Database(path)

    @property
    def owners(self) -> Path:
        """Where those who work on this queue have their lock files."""
        return self.path.with_name(f"{self.path.name}-owners")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # Jobs

    def add(self, job: Job, folder: Path, *, skip: bool = True) -> int:
        """Put a job at the end of the queue; its number. A target that it names twice is rendered once."""
        job = job.model_copy(update={"targets": tuple(dict.fromkeys(job.targets))})
        with self._db.writing():
            number = self._db.execute(
                "INSERT INTO jobs (job, folder, skip, state, created) VALUES (?, ?, ?, 'open', ?)",
                (job.written(), str(folder.absolute()), skip, _now()),
            ).lastrowid
            if number is None:
                raise TypeError("an inserted row has a number")
            units = ((number, position) for position in range(len(job.targets)))
            self._db.executemany("INSERT INTO units (job, position, state) VALUES (?, ?, 'waiting')", units)
        return number

    def again(self, job: Job, folder: Path, *, skip: bool = True) -> int | None:
        """The number of an unfinished job that asks for the very same, which is to go on; None if there is none."""
        for stored in reversed(self.jobs()):
            same = stored.job == job and stored.folder == folder.absolute() and stored.skip is skip
            if same and not (stored.finished or stored.counts.get("failed")):
                self.set_state(stored.number, JobState.OPEN)
                return stored.number
        return None

    def jobs(self) -> list[StoredJob]:
        """All jobs, oldest first; one that cannot be read, as of another version, is left out and logged."""
        rows = self._db.rows("SELECT id FROM jobs ORDER BY id")
        return list(self._readable(row[0] for row in rows))

    def _readable(self, numbers: Iterable[int]) -> Iterator[StoredJob]:
        for number in numbers:
            try:
                yield self.get(number)
            except UsageError as error:
                log.warning("%s", error)

    def unfinished(self, but: Container[int] = ()) -> list[StoredJob]:
        """The jobs of which more can come, oldest first; those of some numbers, or unreadable, are left out."""
        rows = self._db.rows(
            "SELECT id FROM jobs WHERE state != 'cancelled' AND EXISTS "
            "(SELECT 1 FROM units WHERE job = jobs.id AND state IN ('waiting', 'running')) ORDER BY id"
        )
        return list(self._readable(row[0] for row in rows if row[0] not in but))

    def version(self) -> tuple[int, int]:
        """Another one, once anybody has changed the file."""
        return self._db.version()

    def unreadable(self) -> list[int]:
        """The numbers of the jobs that `jobs` leaves out."""
        known = {stored.number for stored in self.jobs()}
        numbers = [row[0] for row in self._db.rows("SELECT id FROM jobs ORDER BY id")]
        return [number for number in numbers if number not in known]

    def get(self, number: int) -> StoredJob:
        """One job.

        Raises:
            UsageError: there is none of this number, or it cannot be read.
        """
        row = self._db.row("SELECT job, folder, skip, state, created FROM jobs WHERE id = ?", (number,))
        if row is None:
            raise UsageError(f"There is no job {number}. 'clipdesk queue list' names those there are")
        try:
            job = Job.read(row[0])
        except ValueError as error:
            raise UsageError(f"Job {number} cannot be read: it is of another version of ClipDesk") from error
        counts = dict(self._db.rows("SELECT state, COUNT(*) FROM units WHERE job = ? GROUP BY state", (number,)))
        return StoredJob(number, job, Path(row[1]), bool(row[2]), JobState(row[3]), row[4], counts)

    def set_state(self, number: int, state: JobState) -> None:
        """Pause a job, let it go on, or cancel it; those who render it notice within a second.

        Raises:
            UsageError: there is no such job.
        """
        with self._db.writing():
            if self._db.execute("UPDATE jobs SET state = ? WHERE id = ?", (state.value, number)).rowcount == 0:
                raise UsageError(f"There is no job {number}. 'clipdesk queue list' names those there are")

    def state(self, number: int) -> JobState:
        """What is to become of a job; cancelled, if it is not there any more."""
        row = self._db.row("SELECT state FROM jobs WHERE id = ?", (number,))
        return JobState.CANCELLED if row is None else JobState(row[0])

    def retry(self, number: int) -> int:
        """Let a job's failed units be tried again; how many there are.

        Raises:
            UsageError: there is no such job.
        """
        self.set_state(number, JobState.OPEN)
        with self._db.writing():
            return self._db.execute(
                "UPDATE units SET state = 'waiting', reason = NULL WHERE job = ? AND state = 'failed'", (number,)
            ).rowcount

    def clear(self) -> int:
        """Take out all jobs of which nothing more will come; how many there were. Their pictures stay."""
        finished = [(stored.number,) for stored in self.jobs() if stored.finished]
        with self._db.writing():
            self._db.executemany("DELETE FROM jobs WHERE id = ?", finished)
        return len(finished)

    # Units

    def next(self, number: int | None = None) -> StoredJob | None:
        """The first open job of which a unit waits, or the one that is named, if one of its does.

        Units of owners that have died wait again. Jobs that cannot be read are passed over.
        """
        self.free_the_dead()
        rows = self._db.rows(
            "SELECT id FROM jobs WHERE state = 'open' AND id = COALESCE(?, id) AND EXISTS "
            "(SELECT 1 FROM units WHERE job = jobs.id AND state = 'waiting') ORDER BY id",
            (number,),
        )
        return next(self._readable(row[0] for row in rows), None)

    def claim(self, owner: Owner, size: int, number: int) -> Claim | None:
        """Take the next units of an open job; None if none waits any more."""
        with self._db.writing():
            positions = self._take(owner, size, number)
            return Claim(self.get(number), positions) if positions else None

    def take(self, owner: Owner, size: int, number: int) -> None:
        """The same for who knows the job: to read it takes long where it is large."""
        with self._db.writing():
            self._take(owner, size, number)

    def _take(self, owner: Owner, size: int, number: int) -> tuple[int, ...]:
        positions = self._db.rows(
            "SELECT position FROM units WHERE job = ? AND state = 'waiting' "
            "AND (SELECT state FROM jobs WHERE id = ?) = 'open' ORDER BY position LIMIT ?",
            (number, number, size),
        )
        self._db.executemany(
            "UPDATE units SET state = 'running', owner = ? WHERE job = ? AND position = ?",
            [(owner.name, number, position) for (position,) in positions],
        )
        return tuple(position for (position,) in positions)

    def free_the_dead(self) -> None:
        """Let the units of owners that have died wait again."""
        with self._db.writing():
            owners = self._db.rows("SELECT DISTINCT owner FROM units WHERE state = 'running'")
            dead = [(name,) for (name,) in owners if not is_alive(self.owners, str(name))]
            self._db.executemany(
                "UPDATE units SET state = 'waiting', owner = NULL WHERE state = 'running' AND owner = ?", dead
            )

    def finish(self, number: int, position: int, *, file: str | None = None, reason: str | None = None) -> None:
        """A unit is done, with its picture's name, or has failed, with the reason."""
        state = "done" if reason is None else "failed"
        with self._db.writing():
            self._db.execute(
                "UPDATE units SET state = ?, owner = NULL, file = ?, reason = ? WHERE job = ? AND position = ?",
                (state, file, reason, number, position),
            )

    def give_back(self, number: int, positions: Iterable[int]) -> None:
        """Let units wait again that were claimed and are not finished."""
        with self._db.writing():
            self._db.executemany(
                "UPDATE units SET state = 'waiting', owner = NULL WHERE job = ? AND position = ? AND state = 'running'",
                [(number, position) for position in positions],
            )

    def release(self, owner: Owner) -> None:
        """Give back all that an owner has claimed and not finished."""
        with self._db.writing():
            self._db.execute(
                "UPDATE units SET state = 'waiting', owner = NULL WHERE state = 'running' AND owner = ?", (owner.name,)
            )

    def units(self, number: int) -> list[StoredUnit]:
        """The units of a job, in its order."""
        rows = self._db.rows(
            "SELECT position, state, COALESCE(file, ''), COALESCE(reason, '') FROM units "
            "WHERE job = ? ORDER BY position",
            (number,),
        )
        return [StoredUnit(*row) for row in rows]


def open_store(path: Path) -> tuple[JobStore, str | None]:
    """Open the queue; one that cannot be read is kept aside and a new one started.

    Returns:
        The queue, and what there is to say to the user; None if all is well.
    """
    try:
        return JobStore(path), None
    except StoreError as error:
        log.exception("opening %s", path)
        if not path.is_file() or isinstance(error.__cause__, (OSError, sqlite3.OperationalError)):
            raise
        aside = path.with_name(f"{path.stem}-{datetime.now():%Y%m%d-%H%M%S-%f}{path.suffix}")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        return JobStore(path), f"{error}. It is kept as {aside}, and a new queue was started"


def default_store() -> Path:
    """Where the user's queue is."""
    return data_folder() / "queue.sqlite"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
