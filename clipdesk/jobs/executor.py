"""Executor: where work is done. This file says what the queue needs of one; it imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from clipdesk.jobs.events import Event
from clipdesk.jobs.work import Work
from clipdesk.models.transfer import Transfer

if TYPE_CHECKING:
    # It takes torch along.
    from clipdesk.activations.surveying import Divided


def _ignore(_: object) -> None:
    """Do nothing."""


def _no() -> bool:
    return False


def _nothing(_: int) -> None:
    return None


@dataclass(frozen=True)
class Hooks:
    """Functions that an executor calls while it prepares or does work.

    Attributes:
        transfer: Told how far a download is.
        stage: Told what is done now, in words.
        unwanted: Asked while something is prepared; True gives it up.
        stop: Asked after every step; when it says True, what was reached so far comes as results, and the work ends.
        more: Takes so many further units of the job that is run, so that no worker has to wait for the slowest one;
            None where there are none, or where another job goes first.
        divided: Reads an image set with the help of others, as a survey needs it; None where there are none.
    """

    transfer: Callable[[Transfer], object] = _ignore
    stage: Callable[[str], object] = _ignore
    unwanted: Callable[[], bool] = _no
    stop: Callable[[], bool] = _no
    more: Callable[[int], Work | None] = _nothing
    divided: Divided | None = None


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
        """Do all units of a job, or of a part of it, and those that `more` gives.

        Yields:
            Events; among them one that ends each unit, unless `stop` says True.

        Raises:
            DeviceLostError: the device has failed; what has not come is not done.
            ClipDeskError: none of the units that are left can be done.
        """
