"""Each kind of work on the side of the queue: it finds results that are there already, and writes new ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from clipdesk.jobs.events import Event, Failure, Result, UnitEvent
from clipdesk.jobs.job import Job
from clipdesk.jobs.saving import PictureFolder
from clipdesk.jobs.stored import StoredJob
from clipdesk.jobs.work import Work


class Task(Protocol):
    """A kind of work, on the side of the queue: the only one that writes results."""

    def before(self, part: Work) -> Sequence[UnitEvent]:
        """Units that need no work, since what they give is there."""

    def after(self, event: Event, name: str) -> Event:
        """Take what an executor has given; what has become of it.

        Args:
            event: The event.
            name: Name that the unit's file is to have; empty for a free one.
        """

    def settle(self) -> None:
        """Bring everything on the disk up to date."""


class RenderTask:
    """Rendering: skips pictures that are there, saves new ones, and notes them in the metadata.

    Args:
        stored: The job.

    Raises:
        UsageError, ClipDeskError: as `PictureFolder`.
    """

    def __init__(self, stored: StoredJob) -> None:
        if not isinstance(stored.job, Job):
            raise TypeError(f"{stored.job.kind} is not rendering")
        since = None if stored.skip else stored.created
        self._job = stored.job
        self._noted = not stored.named
        self._folder = None if stored.folder is None else PictureFolder(stored.folder, stored.job, since)

    def before(self, part: Work) -> Sequence[UnitEvent]:
        """As `Task.before`."""
        return self._folder.find(part.units) if self._folder is not None and isinstance(part, Job) else []

    def after(self, event: Event, name: str) -> Event:
        """As `Task.after`."""
        if isinstance(event, Result):
            event = event if self._folder is None else self._folder.save(event, name, noted=self._noted)
        if isinstance(event, Failure) and event.known and self._folder is not None and self._noted:
            self._folder.note_failure(event, self._job.settings_of(event.target))
        return event

    def settle(self) -> None:
        """As `Task.settle`."""
        if self._folder is not None:
            self._folder.settle()


TASKS: dict[str, Callable[[StoredJob], Task]] = {"render": RenderTask}
"""By `Work.kind`."""
