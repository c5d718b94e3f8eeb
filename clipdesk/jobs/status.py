"""The wish of people for a job, and the status of the job."""

from __future__ import annotations

from enum import Enum


class Wish(Enum):
    """Whether a job is to run, to pause or to be cancelled; the values are those of the queue's file."""

    RUN = "open"
    PAUSE = "paused"
    CANCEL = "cancelled"


class Status(Enum):
    """The state of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """True if the job does not go on by itself."""
        return self in (Status.DONE, Status.FAILED, Status.CANCELLED)
