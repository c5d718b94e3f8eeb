"""Jobs and their units as the queue keeps them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.work import Work


class JobRow(NamedTuple):
    """The part of a job that changes: the wish for it, the number of its units in each state, and why it has paused."""

    wish: Wish
    counts: dict[str, int]
    reason: str = ""

    @property
    def status(self) -> Status:
        """The status that follows from them."""
        # Nothing is left to cancel where all units have ended: that was asked for a moment too late.
        if not self.counts.get("waiting", 0) + self.counts.get("running", 0):
            return Status.FAILED if self.counts.get("failed") else Status.DONE
        if self.wish is Wish.CANCEL:
            return Status.CANCELLED
        if self.wish is Wish.PAUSE:
            return Status.PAUSED
        return Status.RUNNING if self.counts.get("running") else Status.WAITING


@dataclass(frozen=True)
class StoredJob:
    """A job in the queue.

    Attributes:
        number: Its number.
        job: What is asked for.
        folder: Where its files go; None where they are not kept.
        skip: Whether pictures that were in the folder before are left as they are.
        wish: What people want of it.
        created: The time at which it was added, in ISO 8601, UTC.
        counts: How many units are waiting, running, done and failed; states that none is in are left out.
        urgent: Whether it goes before those that are not.
        listed: True if its pictures are noted in the metadata of their folder.
        reason: Why it has paused by itself; empty if it has not.
    """

    number: int
    job: Work
    folder: Path | None
    skip: bool
    wish: Wish
    created: str
    counts: dict[str, int]
    urgent: bool = False
    listed: bool = True
    reason: str = ""

    @property
    def status(self) -> Status:
        """Its status."""
        return JobRow(self.wish, self.counts).status

    @property
    def finished(self) -> bool:
        """True if it does not go on by itself."""
        return self.status.finished


@dataclass(frozen=True)
class StoredUnit:
    """A unit of a job in the queue.

    Attributes:
        position: Its place in the job.
        state: ``waiting``, ``running``, ``done`` or ``failed``.
        file: Name of its file, or the one that it is to have; empty if there is none.
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
    def job(self) -> Work:
        """The job with these units alone."""
        return self.stored.job.part(self.positions)


def stored_path(path: Path) -> str | bytes:
    """A path as a text, or as bytes where it is not Unicode, which SQLite's texts are."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return str(path)


def wish_of(state: object) -> Wish:
    """What is wanted of a job by its row; that it be cancelled if the row is damaged."""
    return next((wish for wish in Wish if wish.value == state), Wish.CANCEL)
