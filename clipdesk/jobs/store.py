"""The queue on disk: jobs and the state of each of their units, in one SQLite file that several processes share."""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

from clipdesk.database import Database
from clipdesk.errors import UsageError
from clipdesk.jobs.database import QUEUE
from clipdesk.jobs.kinds import read_work
from clipdesk.jobs.owners import Owner, is_alive
from clipdesk.jobs.status import Wish
from clipdesk.jobs.stored import Claim, JobRow, StoredJob, StoredUnit, stored_path, wish_of
from clipdesk.jobs.work import Work
from clipdesk.paths import data_folder

log = logging.getLogger(__name__)


class JobStore:
    """The queue's file. One connection, for one thread; every process and every thread makes its own.

    Args:
        path: The file; made where there is none. None for a queue in memory, of this store alone.

    Raises:
        StoreError: it cannot be opened, is damaged, or was written by a newer ClipDesk; from every method: it cannot be
            read or written.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._db = Database(path, QUEUE)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # Jobs

    def add(
        self,
        job: Work,
        folder: Path | None,
        *,
        skip: bool = True,
        urgent: bool = False,
        names: Sequence[str] = (),
        listed: bool = True,
        owner: Owner | None = None,
    ) -> int:
        """Put a job at the end of the queue.

        Args:
            job: What is asked for.
            folder: Where its files go; None to keep none.
            skip: Whether pictures that the folder has already are left as they are.
            urgent: Whether it goes before those that are not.
            names: Names of the units' files; by default each gets one when it is done.
            listed: Whether its results are noted in the metadata of the folder.
            owner: The only owner that may work on it; the job is removed with its owner. None if every owner may.

        Returns:
            Its number. A unit that the job names twice is done once.
        """
        first = {unit: position for position, unit in reversed(list(enumerate(job.units)))}
        if len(first) < len(job.units):
            kept = sorted(first.values())
            names = [names[i] for i in kept if i < len(names)]
            job = job.part(kept)
        with self._db.writing():
            number = self._db.execute(
                "INSERT INTO jobs (job, folder, skip, state, created, urgent, private, listed) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job.written(),
                    "" if folder is None else stored_path(folder.absolute()),
                    skip,
                    Wish.RUN.value,
                    _now(),
                    urgent,
                    None if owner is None else owner.name,
                    listed,
                ),
            ).lastrowid
            if number is None:
                raise TypeError("an inserted row has a number")
            self._db.execute("UPDATE jobs SET place = id WHERE id = ?", (number,))
            files = [*names, *[None] * (len(job.units) - len(names))]
            units = ((number, position, file) for position, file in enumerate(files))
            self._db.executemany("INSERT INTO units (job, position, state, file) VALUES (?, ?, 'waiting', ?)", units)
        return number

    def replace(self, number: int, job: Work) -> None:
        """Say more exactly what a job asks for; its units stay the same."""
        with self._db.writing():
            self._db.execute("UPDATE jobs SET job = ? WHERE id = ?", (job.written(), number))

    def again(self, job: Work, folder: Path, *, skip: bool = True) -> int | None:
        """Resume an unfinished job that asks for exactly the same; its number, or None if there is none."""
        for stored in reversed(self.jobs()):
            same = stored.job == job and stored.folder == folder.absolute() and stored.skip is skip
            if same and not (stored.finished or stored.counts.get("failed")):
                self.wish(stored.number, Wish.RUN)
                return stored.number
        return None

    def jobs(self) -> list[StoredJob]:
        """All jobs in their order; one that cannot be read, as of another version, is left out and logged."""
        rows = self._db.rows("SELECT id FROM jobs ORDER BY place, id")
        return list(self._readable(row[0] for row in rows))

    def _readable(self, numbers: Iterable[int]) -> Iterator[StoredJob]:
        for number in numbers:
            try:
                yield self.get(number)
            except UsageError as error:
                log.warning("%s", error)

    def unfinished(self, but: Container[int] = ()) -> list[StoredJob]:
        """The unfinished jobs in their order, without private ones, unreadable ones and those in `but`."""
        rows = self._db.rows(
            "SELECT id FROM jobs WHERE state != 'cancelled' AND private IS NULL AND EXISTS "
            "(SELECT 1 FROM units WHERE job = jobs.id AND state IN ('waiting', 'running')) ORDER BY place, id"
        )
        return list(self._readable(row[0] for row in rows if row[0] not in but))

    def row(self, number: int) -> JobRow | None:
        """The part of a job that changes. A large job is slow to read; this is not. None if the job was removed."""
        row = self._db.row("SELECT state, reason FROM jobs WHERE id = ?", (number,))
        return None if row is None else JobRow(wish_of(row[0]), self._counts(number), str(row[1] or ""))

    def version(self) -> tuple[int, int]:
        """A value that changes whenever any process changes the file."""
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
        row = self._db.row(
            "SELECT job, folder, skip, state, created, urgent, listed, reason FROM jobs WHERE id = ?", (number,)
        )
        if row is None:
            raise UsageError(f"There is no job {number}. 'clipdesk queue list' names those there are")
        try:
            job = read_work(row[0])
        except (ValueError, TypeError, UsageError) as error:
            raise UsageError(f"Job {number} cannot be read: it is of another version of ClipDesk") from error
        if not self._is_sound(number, row, len(job.units)):
            raise UsageError(f"Job {number} cannot be read: its rows in the queue are damaged")
        return StoredJob(
            number=number,
            job=job,
            folder=Path(os.fsdecode(row[1])) if row[1] else None,
            skip=bool(row[2]),
            wish=Wish(row[3]),
            created=row[4],
            counts=self._counts(number),
            urgent=bool(row[5]),
            listed=bool(row[6]),
            reason=row[7] or "",
        )

    def _is_sound(self, number: int, row: Sequence[object], units: int) -> bool:
        """Whether the rows of a job hold what they should, which SQLite does not see to."""
        odd = self._db.row(
            "SELECT 1 FROM units WHERE job = ? AND (typeof(position) != 'integer' OR position NOT BETWEEN 0 AND ? "
            "OR state NOT IN ('waiting', 'running', 'done', 'failed')) LIMIT 1",
            (number, units - 1),
        )
        _, folder, _, state, created, *_, reason = row
        paths = isinstance(folder, str | bytes) and b"\0" not in os.fsencode(folder)
        texts = isinstance(created, str) and isinstance(reason, str | None)
        return odd is None and paths and texts and state in {wish.value for wish in Wish}

    def _counts(self, number: int) -> dict[str, int]:
        return dict(self._db.rows("SELECT state, COUNT(*) FROM units WHERE job = ? GROUP BY state", (number,)))

    def wish(self, number: int, wish: Wish) -> None:
        """Pause a job, let it go on, or cancel it; every process that works on it notices within a second.

        Raises:
            UsageError: there is no such job.
        """
        with self._db.writing():
            statement = "UPDATE jobs SET state = ?, reason = NULL WHERE id = ?"
            if self._db.execute(statement, (wish.value, number)).rowcount == 0:
                raise UsageError(f"There is no job {number}. 'clipdesk queue list' names those there are")

    def halt(self, number: int, reason: str) -> None:
        """Pause a job for a reason that people must see to, such as a full disk."""
        with self._db.writing():
            self._db.execute("UPDATE jobs SET state = ?, reason = ? WHERE id = ?", (Wish.PAUSE.value, reason, number))

    def wished(self, number: int) -> Wish:
        """The wish for a job; a job that was removed counts as cancelled."""
        row = self._db.row("SELECT state FROM jobs WHERE id = ?", (number,))
        return Wish.CANCEL if row is None else wish_of(row[0])

    def move(self, number: int, before: int | None) -> None:
        """Put a job before another one, or at the end."""
        rows = self._db.rows("SELECT id, place FROM jobs WHERE id != ? ORDER BY place, id", (number,))
        places = {row[0]: float(row[1]) for row in rows if isinstance(row[1], int | float)}
        if before is None:
            place = max(places.values(), default=0.0) + 1
        else:
            above = [each for each in places.values() if each < places.get(before, 0.0)]
            place = (max(above, default=places.get(before, 0.0) - 2) + places.get(before, 0.0)) / 2
        with self._db.writing():
            self._db.execute("UPDATE jobs SET place = ? WHERE id = ?", (place, number))

    def remove(self, number: int) -> None:
        """Take a job out; its pictures stay."""
        with self._db.writing():
            self._db.execute("DELETE FROM jobs WHERE id = ?", (number,))

    def retry(self, number: int) -> int:
        """Let a job's failed units be tried again, and a cancelled one go on; how many failed units there are.

        Raises:
            UsageError: there is no such job.
        """
        self.wish(number, Wish.RUN)
        with self._db.writing():
            return self._db.execute(
                "UPDATE units SET state = 'waiting', reason = NULL WHERE job = ? AND state = 'failed'", (number,)
            ).rowcount

    def restart(self, number: int) -> None:
        """Let all units of a job be done anew; files that it has made stay beside the new ones.

        Raises:
            UsageError: there is no such job.
        """
        self.wish(number, Wish.RUN)
        with self._db.writing():
            self._db.execute(
                "UPDATE units SET state = 'waiting', owner = NULL, file = NULL, reason = NULL WHERE job = ?", (number,)
            )
            self._db.execute("UPDATE jobs SET created = ?, skip = 0 WHERE id = ?", (_now(), number))

    def clear(self) -> int:
        """Remove all finished jobs; how many there were. Their pictures stay."""
        finished = {stored.number for stored in self.jobs() if stored.finished}
        # Also those that cannot be read.
        finished.update(row[0] for row in self._db.rows("SELECT id FROM jobs WHERE state = 'cancelled'"))
        with self._db.writing():
            self._db.executemany("DELETE FROM jobs WHERE id = ?", ((number,) for number in finished))
        return len(finished)

    # Units

    def next(
        self, owner: Owner | None = None, numbers: Container[int] | None = None, but: Container[int] = ()
    ) -> int | None:
        """The number of the job to work on next: urgent ones first, then in their order.

        Units of owners that have died wait again.

        Args:
            owner: For whom; private jobs of others are left out.
            numbers: The jobs to choose from; None for all.
            but: Jobs that are left out.
        """
        self.free_the_dead()
        rows = self._db.rows(
            "SELECT id FROM jobs WHERE state = 'open' AND (private IS NULL OR private = ?) AND EXISTS "
            "(SELECT 1 FROM units WHERE job = jobs.id AND state = 'waiting') ORDER BY urgent DESC, place, id",
            (_name(owner),),
        )
        found = (row[0] for row in rows if row[0] not in but)
        return next((number for number in found if numbers is None or number in numbers), None)

    def claim(self, owner: Owner | None, size: int, stored: StoredJob) -> Claim | None:
        """Take the next units of an open job; None if none waits any more."""
        with self._db.writing():
            positions = self._take(owner, size, stored.number)
        return Claim(stored, positions) if positions else None

    def _take(self, owner: Owner | None, size: int, number: int) -> tuple[int, ...]:
        positions = self._db.rows(
            "SELECT position FROM units WHERE job = ? AND state = 'waiting' "
            "AND (SELECT state FROM jobs WHERE id = ?) = 'open' ORDER BY position LIMIT ?",
            (number, number, size),
        )
        self._db.executemany(
            "UPDATE units SET state = 'running', owner = ? WHERE job = ? AND position = ?",
            [(_name(owner), number, position) for (position,) in positions],
        )
        return tuple(position for (position,) in positions)

    def free_the_dead(self) -> None:
        """Let the units of owners that have died wait again; what was theirs alone is gone with them."""
        if self.path is None:
            return
        folder = owners_of(self.path)
        # Seen without the lock on the file first: mostly there is nothing to do.
        if not self._dead(folder):
            return
        with self._db.writing():
            dead = [(name,) for name in self._dead(folder)]
            self._db.executemany("DELETE FROM jobs WHERE private = ?", dead)
            self._db.executemany(
                "UPDATE units SET state = 'waiting', owner = NULL WHERE state = 'running' AND owner = ?", dead
            )

    def _dead(self, folder: Path) -> list[str]:
        rows = self._db.rows(
            "SELECT owner FROM units WHERE state = 'running' UNION SELECT private FROM jobs WHERE private IS NOT NULL"
        )
        return [str(name) for (name,) in rows if not is_alive(folder, str(name))]

    def names(self, number: int, positions: Container[int]) -> dict[int, str]:
        """The names that the files of some units are to have, by position; those that get a free one are left out."""
        rows = self._db.rows(
            "SELECT position, file FROM units WHERE job = ? AND file IS NOT NULL AND state = 'running'", (number,)
        )
        return {position: file for position, file in rows if position in positions and isinstance(file, str)}

    def keep_name(self, number: int, position: int, file: str) -> None:
        """A unit that is not finished has left a file, which the finished one is to replace."""
        with self._db.writing():
            self._db.execute("UPDATE units SET file = ? WHERE job = ? AND position = ?", (file, number, position))

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

    def release(self, owner: Owner | None) -> None:
        """Give back all that an owner has claimed and not finished; what was its alone is gone."""
        with self._db.writing():
            self._db.execute("DELETE FROM jobs WHERE private = ?", (_name(owner),))
            self._db.execute(
                "UPDATE units SET state = 'waiting', owner = NULL WHERE state = 'running' AND owner = ?",
                (_name(owner),),
            )

    def files(self, number: int) -> list[str]:
        """The names of the files of a job's finished units."""
        rows = self._db.rows(
            "SELECT file FROM units WHERE job = ? AND state = 'done' AND file IS NOT NULL ORDER BY position", (number,)
        )
        return [str(row[0]) for row in rows]

    def units(self, number: int) -> list[StoredUnit]:
        """The units of a job, in its order."""
        rows = self._db.rows(
            "SELECT position, state, COALESCE(file, ''), COALESCE(reason, '') FROM units "
            "WHERE job = ? ORDER BY position",
            (number,),
        )
        return [StoredUnit(*row) for row in rows]


def _name(owner: Owner | None) -> str:
    return "" if owner is None else owner.name


def owners_of(path: Path) -> Path:
    """The folder of the lock files of a queue's owners."""
    return path.with_name(f"{path.name}-owners")


def default_store() -> Path:
    """Where the user's queue is."""
    return data_folder() / "queue.sqlite"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
