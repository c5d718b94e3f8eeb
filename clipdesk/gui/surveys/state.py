"""How far a survey, a comparison or a training is, and where it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from clipdesk.jobs.heads import Reached
from clipdesk.jobs.status import Status

if TYPE_CHECKING:
    from clipdesk.jobs.heads import Head
    from clipdesk.jobs.stored import StoredJob
    from clipdesk.jobs.whole import WholeWork

State = Literal["waiting", "preparing", "running", "paused", "left", "failed"]
"""``waiting``: for workers. ``left``: an earlier window, or another program, has not finished it."""


@dataclass(frozen=True)
class Making:
    """How far a survey, a comparison or a training is.

    Attributes:
        job: What is made.
        state: What is done now.
        share: How much of it is done, 0 to 1.
        seconds_left: None where it is not known yet.
        words: What is done while it is prepared, or why it waits, has paused by itself or failed.
        place: Where workers make it, as ``--on`` has it; empty for this window.
        number: Its number in the queue, once it is known.
    """

    job: WholeWork
    state: State = "preparing"
    share: float = 0.0
    seconds_left: float | None = None
    words: str = ""
    place: str = ""
    number: int | None = None

    @property
    def where(self) -> str:
        """Where it is made, for people."""
        return f"on {self.place}" if self.place else "in this window"


class AtHead(NamedTuple):
    """What a head says of a job.

    Attributes:
        place: Where its work is done.
        reached: How far the job is.
    """

    place: str
    reached: Reached


def jobs_of(heads: Sequence[Head]) -> dict[int, AtHead]:
    """What heads that live say of the jobs that they work on or prepare, by number."""
    return {
        number: AtHead(head.row.place, head.row.reached.get(number, Reached()))
        for head in heads
        if head.alive
        for number in (*head.row.jobs, *head.row.reached)
    }


def place_of(stored: StoredJob, heads: Sequence[Head]) -> str:
    """Where a head that lives works on a job or will, as ``--on`` has it; empty where none does."""
    there = jobs_of(heads).get(stored.number)
    if there is not None:
        return there.place
    if stored.status is not Status.WAITING or not stored.job.for_workers:
        return ""
    return next((head.row.place for head in heads if head.alive and not head.row.only), "")
