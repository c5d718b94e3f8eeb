"""Each kind of work on the side of the queue: it finds results that are there already, and writes new ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from clipdesk.jobs.events import Event, Failure, Result, UnitEvent
from clipdesk.jobs.job import Job
from clipdesk.jobs.stored import StoredJob
from clipdesk.jobs.work import Work
from clipdesk.render.targets import Target

if TYPE_CHECKING:
    from clipdesk.jobs.saving import PictureFolder


class Task:
    """A kind of work, on the side of the queue: the only one that writes results. By default nothing is to be done."""

    def claim(self, units: Sequence[Any]) -> Sequence[Any]:
        """Claim units where their results go; those that another queue's process is on are left out."""
        return units

    def release(self, units: Sequence[Any]) -> None:
        """Let go of what `claim` has returned."""

    def before(self, part: Work) -> Sequence[UnitEvent]:
        """Units that need no work, since their results are there."""
        return []

    def after(self, event: Event, name: str) -> Event:
        """Take what an executor has given; what has become of it.

        Args:
            event: The event.
            name: Name that the unit's file is to have; empty for a free one.

        Raises:
            DiskFullError: there is no room for it, nor for that of any other unit.
        """
        return event

    def settle(self) -> None:
        """Bring everything on the disk up to date."""


class RenderTask(Task):
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
        self._noted = stored.listed
        self._folder: PictureFolder | None = None
        if stored.folder is not None:
            # Not above: it loads NumPy and Pillow, which the first sight of the window does without.
            from clipdesk.jobs.saving import PictureFolder

            self._folder = PictureFolder(stored.folder, stored.job, since)

    @override
    def claim(self, units: Sequence[Target]) -> Sequence[Target]:
        # Pictures that are not listed are of nobody else's: each gets a file of its own.
        return self._folder.claim(units) if self._folder is not None and self._noted else units

    @override
    def release(self, units: Sequence[Target]) -> None:
        if self._folder is not None and self._noted:
            self._folder.release(units)

    @override
    def before(self, part: Work) -> Sequence[UnitEvent]:
        if self._folder is None or not self._noted or not isinstance(part, Job):
            return []
        return self._folder.find(part.units)

    @override
    def after(self, event: Event, name: str) -> Event:
        if isinstance(event, Result):
            event = event if self._folder is None else self._folder.save(event, name, noted=self._noted)
        if isinstance(event, Failure) and event.known and self._folder is not None and self._noted:
            self._folder.note_failure(event, self._job.settings_of(event.target))
        return event

    @override
    def settle(self) -> None:
        if self._folder is not None:
            self._folder.settle()


TASKS: dict[str, Callable[[StoredJob], Task]] = {
    "render": RenderTask,
    "survey": lambda _: Task(),
    "autoencoder": lambda _: Task(),
    "comparison": lambda _: Task(),
}
"""By `Work.kind`."""
