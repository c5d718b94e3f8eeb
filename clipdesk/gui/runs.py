"""What the window knows of a job: its state, and for each of its pictures the curve and the kept frames. Plain data."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from clipdesk.jobs.status import Status, Wish
from clipdesk.render.targets import Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.export.recipe import Recipe
    from clipdesk.jobs.events import Result
    from clipdesk.jobs.job import Job
    from clipdesk.jobs.work import Work

MAX_FRAMES = 60
FRAME_BYTES = 192 * 2**20
"""Memory that the kept frames of all runs may take; the oldest runs give theirs up first."""


class Series:
    """Numbers that grow by one at each step."""

    def __init__(self) -> None:
        self._values = array("f")

    def __len__(self) -> int:
        return len(self._values)

    def append(self, value: float) -> None:
        """Add the next step's number."""
        self._values.append(value)

    @property
    def values(self) -> NDArray[np.float32]:
        """A copy of all numbers so far, (steps,)."""
        # Not above: to import it takes an eighth of a second, and the first sight of the window can do without.
        import numpy as np

        return np.array(self._values, dtype=np.float32)


@dataclass(frozen=True)
class Held:
    """A curve of an earlier run that stays for comparison."""

    label: str
    hue: int
    values: NDArray[np.float32]


class KeptFrames:
    """Pictures of a run, at most `MAX_FRAMES`: dense at its start, where the picture takes its form, then sparser.

    The steps of neighbours are about in one ratio. The first and the newest picture are always there.
    """

    def __init__(self) -> None:
        self._frames: list[tuple[int, NDArray[np.uint8]]] = []

    def add(self, step: int, image: NDArray[np.uint8]) -> None:
        """Keep a picture, (size, size, 3), which must not be written to again; it replaces one of the same step."""
        if self.steps[-1:] == [step]:
            self._frames.pop()
        self._frames.append((step, image))
        if len(self._frames) > MAX_FRAMES:
            # The one goes whose neighbours' steps are then still the closest, in proportion.
            steps = self.steps
            del self._frames[min(range(1, MAX_FRAMES), key=lambda i: steps[i + 1] / steps[i - 1])]

    def thin(self) -> None:
        """Give up all but the first and the newest."""
        del self._frames[1:-1]

    @property
    def steps(self) -> list[int]:
        """The steps at which there are pictures."""
        return [step for step, _ in self._frames]

    @property
    def images(self) -> list[NDArray[np.uint8]]:
        """The pictures, first step first."""
        return [image for _, image in self._frames]

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return sum(image.nbytes for _, image in self._frames)

    def at(self, step: int) -> NDArray[np.uint8] | None:
        """The newest picture not after a step, or the first one; None where there are none."""
        if not self._frames:
            return None
        return next((image for at, image in reversed(self._frames) if at <= step), self._frames[0][1])

    @property
    def newest(self) -> NDArray[np.uint8] | None:
        """The newest picture; None where there are none."""
        return self._frames[-1][1] if self._frames else None


@dataclass(eq=False)
class Track:
    """One picture on its way, or done.

    Attributes:
        target: What it is to excite.
        label: Its short name beside the others of its run.
        hue: Where its colour stands on the wheel, 0 to 359.
        curve: The objective at each step.
        penalties: What each regulariser took off at each step.
        frames: The kept pictures.
        result: Set when it is done or stopped.
        reason: Why it failed.
        details: The same for developers.
        path: Its file, once it is saved.
        recipe: How it was made, once it is.
        compared: Whether it is kept in sight, for others to be compared with.
    """

    target: Target
    label: str
    hue: int = 210
    curve: Series = field(default_factory=Series)
    penalties: dict[str, Series] = field(default_factory=dict)
    frames: KeptFrames = field(default_factory=KeptFrames)
    result: Result | None = None
    reason: str = ""
    details: str = ""
    path: Path | None = None
    recipe: Recipe | None = None
    compared: bool = False

    def finish(self, result: Result) -> None:
        """Note the result; its picture is the last of the frames."""
        self.result, self.recipe = result, result.recipe
        self.frames.add(len(result.curve), result.image)

    def clear(self) -> None:
        """Forget what was reached, as before another try."""
        self.curve, self.penalties, self.frames = Series(), {}, KeptFrames()
        self.result = None
        self.recipe = None
        self.reason = ""
        self.details = ""


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
        state: What has become of it, and `reason`, why it failed.
        tracks: Its pictures that have begun, by target; a job may ask for a hundred thousand.
        current: The targets that are rendered side by side now, and `step`, how far they are.
        marked: Those of which the neuron table says that they are rendered.
        ended: How many pictures have come to an end, also a bad one.
        skipped: Those whose pictures were there, and their files.
        stands: Whether it stands still in the middle of some pictures, which it keeps in memory.
        paused_by_user: Whether it was this job that the user paused, not the whole queue.
        gives_way_to: The urgent job that it lets go first; empty if there is none.
        wish: What the user has asked for since it was submitted, as long as it has no number in the queue.
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
        self.ended = 0
        self.skipped: dict[Target, Path] = {}
        self.stands = False
        self.paused_by_user = False
        self.gives_way_to = ""
        self.wish: Wish | None = None
        self.asked = 0
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
            label = short_layer(target.short(self._short))
            self.tracks[target] = Track(target, label, hue_of(len(self.tracks)))
        return self.tracks[target]

    def shown(self) -> list[Track]:
        """The tracks to look at: the group that runs, or all that have pictures."""
        if self.current and not self.state.finished:
            return [self.track(target) for target in self.current]
        return [track for track in self.tracks.values() if track.frames.steps]

    def begin(self) -> None:
        """It runs from now on, for the first time or again."""
        self.state = Status.RUNNING
        self.reason = ""
        self.gives_way_to = ""
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

    def end_track(self, target: Target) -> Track:
        """A picture has come to an end, good or bad."""
        self.ended += 1
        return self.track(target)

    def skip(self, target: Target, path: Path) -> None:
        """A picture was there already."""
        self.ended += 1
        self.skipped[target] = path

    def count(self, counts: Mapping[str, int]) -> None:
        """The queue knows how many units are in which state; others may have worked on them."""
        self.ended = max(self.ended, min(self.size, counts.get("done", 0) + counts.get("failed", 0)))

    def begin_again(self) -> None:
        """Wait once more, for what failed or was stopped; for everything, if all was made."""
        missing = self.missing() or list(self.job.targets)
        for target in missing:
            if target in self.tracks:
                self.tracks[target].clear()
        self.todo = self.job.model_copy(update={"targets": tuple(missing)})
        self.skipped = {target: path for target, path in self.skipped.items() if target not in set(missing)}
        self.state = Status.WAITING
        self.reason = ""
        self.current = ()
        self.step = 0
        self.ended = self.size - len(missing)
        self._busy = 0.0
        self._picture_steps = 0

    def missing(self) -> list[Target]:
        """Targets without a complete picture."""
        made = {t for t, track in self.tracks.items() if track.result and track.result.complete and not track.reason}
        return self._all_but(made | set(self.skipped))

    def untouched(self) -> list[Target]:
        """Targets of which nothing has come yet, no picture and no reason why not."""
        return self._all_but(
            {t for t, track in self.tracks.items() if track.result or track.reason} | set(self.skipped)
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
    first = short_layer(job.label(0))
    more = len(job.units) - 1
    return f"{first} and {more} more" if more else first


def hue_of(i: int) -> int:
    """The hue of the i-th picture: neighbours stand the golden angle apart, so any few of them differ."""
    return (210 + round(137.5 * i)) % 360


def short_layer(name: str) -> str:
    """A layer's dotted name without what all of them begin with."""
    return name.removeprefix("visual.").removeprefix("transformer.").removeprefix("resblocks.")


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
