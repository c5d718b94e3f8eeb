"""What people want of a job, and what has become of it."""

from __future__ import annotations

from enum import Enum


class Wish(Enum):
    """What people want of a job; the values are those of the queue's file."""

    RUN = "open"
    PAUSE = "paused"
    CANCEL = "cancelled"


class Status(Enum):
    """What has become of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether nothing more will come of it by itself."""
        return self in (Status.DONE, Status.FAILED, Status.CANCELLED)
