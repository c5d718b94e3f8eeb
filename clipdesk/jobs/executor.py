"""Executor: where work is done. This file says what the queue needs of one; it imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from clipdesk.jobs.events import Event
from clipdesk.jobs.work import Work
from clipdesk.models.transfer import Transfer


def _ignore(_: object) -> None:
    """Do nothing."""


def _no() -> bool:
    return False


@dataclass(frozen=True)
class Hooks:
    """Functions that an executor calls while it prepares or does work.

    Attributes:
        transfer: Told how far a download is.
        stage: Told what is done now, in words.
        unwanted: Asked while something is prepared; True gives it up.
        stop: Asked after every step; when it says True, what was reached so far comes as results, and the work ends.
    """

    transfer: Callable[[Transfer], object] = _ignore
    stage: Callable[[str], object] = _ignore
    unwanted: Callable[[], bool] = _no
    stop: Callable[[], bool] = _no


@dataclass(frozen=True)
class Prepared:
    """The result of preparing a job.

    Attributes:
        units: How many units to take at once.
        weights: SHA-256 of the weights that it will be done with; None where they are not from a file.
    """

    units: int
    weights: str | None = None


class Executor(Protocol):
    """Does work. It knows neither the queue nor the results' folder: it gets units and gives back events.

    Here it is a thread of this process; on other machines it may be many. What it yields can cross a process.
    """

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """Get ready for a job.

        Raises:
            ClipDeskError: the job cannot be done at all, as when its model's file is gone or has changed.
            Cancelled: `unwanted` said so.
        """

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """Do all units of a job, or of a part of it.

        Yields:
            Events; among them one that ends each unit, unless `stop` says True.

        Raises:
            DeviceLostError: the device has failed; what has not come is not done.
            ClipDeskError: none of the units that are left can be done.
        """
