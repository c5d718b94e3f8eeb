"""What the window knows of a job: its state, and how far it and its pictures are. Plain data."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from clipdesk.gui.tracks import Track
from clipdesk.jobs.status import Status, Wish
from clipdesk.network.layer_names import short_label
from clipdesk.render.targets import Target

if TYPE_CHECKING:
    from clipdesk.jobs.events import Failure, Result
    from clipdesk.jobs.job import Job
    from clipdesk.jobs.work import Work

FRAME_BYTES = 192 * 2**20
"""Memory that the kept frames of all runs may take; the oldest runs give theirs up first."""


class Run:
    """A job in the window's queue.

    Args:
        number: Its number in this session.
        job: What is asked for.
        folder: Where its pictures are kept; None to keep none.
        urgent: Whether it goes before jobs that are not.

    Attributes:
        number: Its number in this session.
        stored: Its number in the queue; None as long as it has none.
        job: What was asked for.
        todo: What of it was asked for last; less than the job where only the rest is tried again.
        folder: Where its pictures are kept; None to keep none.
        urgent: Whether it goes before jobs that are not.
        state: What has become of it.
        reason: Why it failed.
        tracks: Its pictures that have begun here, by target; a job may ask for a hundred thousand.
        current: The targets that are rendered side by side now.
        step: How far they are.
        marked: Those of which the neuron table says that they are rendered.
        skipped: Targets whose pictures were there already, and their files.
        elsewhere: Targets whose pictures other programs have made, and their files.
        helpers: How many of its pictures other programs render now, as far as this window does not.
        stands: Whether it stands still in the middle of some pictures, which it keeps in memory.
        paused_by_user: Whether it was this job that the user paused, not the whole queue.
        gives_way_to: The urgent job that it lets go first; empty if there is none.
        wish: What the user has asked for since it was submitted; None once it has a number in the queue.
        refused: Whether the queue could not take it.
        preparing: What is done before it can begin, in words; empty if that is not known.
        place: Where a head renders it, as ``--on`` has it; empty for this window.
        unclaimed: How many of its pictures nobody has in hand yet.
        asked: How much of what the user has asked of it is still on its way to the queue's file.
    """

    def __init__(self, number: int, job: Job, folder: Path | None = None, *, urgent: bool = False) -> None:
        self.number = number
        self.stored: int | None = None
        self.job = job
        self.todo = job
        self.folder = folder
        self.urgent = urgent
        self.state = Status.WAITING
        self.reason = ""
        self.tracks: dict[Target, Track] = {}
        self.current: tuple[Target, ...] = ()
        self.marked: tuple[Target, ...] = ()
        self.step = 0
        self.skipped: dict[Target, Path] = {}
        self.elsewhere: dict[Target, Path] = {}
        self.helpers = 0
        self.stands = False
        self.paused_by_user = False
        self.gives_way_to = ""
        self.wish: Wish | None = None
        self.refused = False
        self.preparing = ""
        self.asked = 0
        self.place = ""
        self.unclaimed = len(job.targets)
        self._over: set[Target] = set()
        self._counted = 0
        self._busy = 0.0
        self._since = 0.0
        self._picture_steps = 0

    @property
    def title(self) -> str:
        """The first target, and how many more."""
        return title_of(self.job)

    @cached_property
    def _short(self) -> bool:
        """Whether a unit's number says which it is."""
        layers = {target.layer for target in self.job.targets}
        return len(self.job.targets) > 1 and len(layers) == 1

    @property
    def size(self) -> int:
        """How many pictures were asked for."""
        return len(self.job.targets)

    def track(self, target: Target) -> Track:
        """A picture of it, which begins if it has not; its label is short, its colour far from its neighbours'."""
        if target not in self.tracks:
            label = short_label(target.short(self._short))
            settings = self.job.settings_of(target)
            hue = hue_of(len(self.tracks))
            self.tracks[target] = Track(target, label, hue, model=str(self.job.model), settings=settings)
        return self.tracks[target]

    def shown(self) -> list[Track]:
        """The tracks to look at: the group that runs, or all that have pictures."""
        if self.current and not self.state.finished:
            return [self.track(target) for target in self.current]
        return [track for track in self.tracks.values() if track.frames.steps]

    def begin(self) -> None:
        """It runs from now on, for the first time or again; what it took to get ready does not count as its time."""
        self.state = Status.RUNNING
        self.reason = ""
        self.gives_way_to = ""
        self.stands = False
        self.helpers = 0
        self.preparing = ""
        self._since = time.monotonic()

    def rest(self, state: Status, reason: str = "") -> None:
        """It does not run any more, for now or for good."""
        if self.state is Status.RUNNING:
            self._busy += time.monotonic() - self._since
        self.state, self.reason = state, reason

    def advance(self, targets: tuple[Target, ...], step: int, pictures: int) -> None:
        """The group of `targets` has reached a step, after so many more steps of pictures."""
        self.current, self.step = targets, step
        self._picture_steps += pictures

    @property
    def removable(self) -> bool:
        """Whether it can be taken out of the queue: it does not run, and none of its pictures stands still."""
        return self.state is not Status.RUNNING and not self.stands

    @property
    def ended(self) -> int:
        """How many pictures have come to an end, good or bad, here or elsewhere; one that was stopped has not."""
        # Of those that others have made a done job hears a moment after its end.
        return self.size if self.state is Status.DONE else max(len(self._over), self._counted)

    def finish(self, result: Result) -> Track:
        """A picture has come; one that was stopped before its last step may still be finished another time."""
        track = self.track(result.target)
        track.finish(result)
        if result.complete:
            self._over.add(result.target)
        return track

    def fail(self, failure: Failure) -> Track:
        """A picture has failed; one that only could not be kept is still there to be seen and saved."""
        track = self.track(failure.target)
        if failure.result is not None:
            track.finish(failure.result)
        track.reason = failure.reason
        track.details = failure.details
        self._over.add(failure.target)
        return track

    def forget(self, paths: Container[Path | None]) -> None:
        """Let go of finished pictures whose files are in the trash."""
        under_way = () if self.state.finished else self.current
        gone = {target for target, track in self.tracks.items() if track.path in paths and target not in under_way}
        self.current = tuple(target for target in self.current if target not in gone)
        for target in gone:
            del self.tracks[target]

    def skip(self, target: Target, path: Path) -> None:
        """A picture was there already."""
        self._over.add(target)
        self.skipped[target] = path

    def note_elsewhere(self, target: Target, path: Path) -> bool:
        """A picture is in its file, whoever made it; whether that is news here."""
        track = self.tracks.get(target)
        if target in self.skipped or target in self.elsewhere or (track is not None and track.path is not None):
            return False
        self._over.add(target)
        self.elsewhere[target] = path
        return True

    def count(self, counts: Mapping[str, int]) -> None:
        """The queue knows how many units are in which state; others may have worked on them."""
        self._counted = min(self.size, counts.get("done", 0) + counts.get("failed", 0))
        self.helpers = 0 if self.state is Status.RUNNING or self.stands else counts.get("running", 0)
        self.unclaimed = counts.get("waiting", 0)

    def begin_again(self, *, everything: bool = False) -> None:
        """Wait once more, for what failed or was stopped, or for everything."""
        missing = list(self.job.targets) if everything else self.missing()
        for target in missing:
            if target in self.tracks:
                self.tracks[target].clear()
        again = set(missing)
        self._over -= again
        self.skipped = {target: path for target, path in self.skipped.items() if target not in again}
        self.elsewhere = {target: path for target, path in self.elsewhere.items() if target not in again}
        self.todo = self.job.model_copy(update={"targets": tuple(missing)}) if missing else self.job
        self.state = Status.WAITING
        self.reason = ""
        self.gives_way_to = ""
        self.preparing = ""
        self.current = ()
        self.step = 0
        self.unclaimed = len(missing)
        self._counted = 0
        self._busy = 0.0
        self._picture_steps = 0

    def missing(self) -> list[Target]:
        """Targets without a complete picture."""
        made = {t for t, track in self.tracks.items() if track.result and track.result.complete and not track.reason}
        return self._all_but(made | set(self.skipped) | set(self.elsewhere))

    def untouched(self) -> list[Target]:
        """Targets of which nothing has come yet, no picture and no reason why not."""
        return self._all_but(
            {t for t, track in self.tracks.items() if track.result or track.reason}
            | set(self.skipped)
            | set(self.elsewhere)
        )

    def _all_but(self, some: set[Target]) -> list[Target]:
        # To look up a hundred thousand targets takes an eighth of a second; a run that waits need not.
        return [t for t in self.job.targets if t not in some] if some else list(self.job.targets)

    @property
    def under_way(self) -> int:
        """How many pictures of the running group have not come to an end."""
        return sum(1 for t in self.current if not (self.track(t).result or self.track(t).reason))

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return min(1.0, (self.ended + self.under_way * self.step / self.job.settings.iterations) / self.size)

    @property
    def busy_seconds(self) -> float:
        """How long it has run, pauses left out."""
        return self._busy + (time.monotonic() - self._since if self.state is Status.RUNNING else 0.0)

    @property
    def steps_per_second(self) -> float:
        """Steps that the running group does each second; 0 where nothing ran yet."""
        seconds = self.busy_seconds
        if not self.current or seconds <= 0:
            return 0.0
        return self._picture_steps / len(self.current) / seconds

    @property
    def pictures_per_minute(self) -> float:
        """Pictures that it finishes each minute at the pace so far; 0 where nothing ran yet."""
        return 60 * self.steps_per_second * len(self.current) / self.job.settings.iterations

    @property
    def seconds_left(self) -> float | None:
        """Time left at the pace so far; None where it is not known."""
        rate = self.steps_per_second * len(self.current)
        if rate <= 0:
            return None
        return (1 - self.share) * self.size * self.job.settings.iterations / rate


def title_of(job: Work) -> str:
    """A job's first unit, and how many more."""
    first = short_label(job.label(0))
    more = len(job.units) - 1
    return f"{first} and {more} more" if more else first


def hue_of(i: int) -> int:
    """The hue of the i-th picture: neighbours stand the golden angle apart, so any few of them differ."""
    return (210 + round(137.5 * i)) % 360


def limit_frames(runs: Iterable[Run], allowed: int = FRAME_BYTES) -> None:
    """Thin the frames of the oldest finished runs until all fit the memory allowed."""
    in_order = list(runs)
    total = sum(track.frames.nbytes for run in in_order for track in run.tracks.values())
    for run in in_order:
        if total <= allowed:
            return
        if run.state is Status.RUNNING:
            continue
        for track in run.tracks.values():
            before = track.frames.nbytes
            track.frames.thin()
            total -= before - track.frames.nbytes
