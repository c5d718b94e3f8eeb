"""What the window keeps of a picture: its curve, and the frames that show how it formed. Plain data."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from clipdesk.render.targets import Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.export.recipe import Recipe
    from clipdesk.jobs.events import Result
    from clipdesk.render.settings import RenderSettings

MAX_FRAMES = 60


class Series:
    """Numbers that grow by one at each step."""

    def __init__(self) -> None:
        self._values = array("f")

    def __len__(self) -> int:
        return len(self._values)

    def append(self, value: float) -> None:
        """Add the next step's number."""
        self._values.append(value)

    def cut(self, steps: int) -> None:
        """Forget all numbers after a step."""
        del self._values[steps:]

    def at(self, step: int | None) -> float | None:
        """The number of a step, counted from 1, or of the newest; None where there is none."""
        last = len(self._values)
        place = last if step is None else min(max(step, 1), last)
        return self._values[place - 1] if last else None

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
        """Keep a picture, (size, size, 3 or 4), to which nobody writes any more; it replaces one of the same step."""
        if self.steps[-1:] == [step]:
            self._frames.pop()
        self._frames.append((step, image))
        if len(self._frames) > MAX_FRAMES:
            # The one goes whose neighbours' steps are then still the closest, in proportion.
            steps = self.steps
            del self._frames[min(range(1, MAX_FRAMES), key=lambda i: steps[i + 1] / steps[i - 1])]

    def cut(self, step: int) -> None:
        """Forget all pictures after a step."""
        self._frames = [frame for frame in self._frames if frame[0] <= step]

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
        found = self._at(step)
        return None if found is None else found[1]

    def step_at(self, step: int) -> int | None:
        """The step of the picture that `at` gives."""
        found = self._at(step)
        return None if found is None else found[0]

    def _at(self, step: int) -> tuple[int, NDArray[np.uint8]] | None:
        if not self._frames:
            return None
        return next((frame for frame in reversed(self._frames) if frame[0] <= step), self._frames[0])

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
        model: The model it is rendered with; empty where that is not known.
        settings: How it is rendered.
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
    model: str = ""
    settings: RenderSettings | None = None
    compared: bool = False

    @property
    def made_with(self) -> RenderSettings | None:
        """The settings that it was made with, or is being made with."""
        return self.settings if self.recipe is None else self.recipe.settings

    @property
    def reached(self) -> int:
        """How many steps it has done."""
        return len(self.curve) if self.recipe is None else self.recipe.steps

    def earlier(self, step: int | None) -> int | None:
        """The step of the picture that is shown at a step, if it is not the newest one.

        Args:
            step: The step that is looked at; None for the newest.
        """
        shown = None if step is None else self.frames.step_at(step)
        return None if shown in (None, *self.frames.steps[-1:]) else shown

    def finish(self, result: Result) -> None:
        """Note the result; its picture is the last of the frames."""
        self.result = result
        self.recipe = result.recipe
        # Others of its group may have gone on after it had ended.
        self.frames.cut(len(result.curve))
        for series in (self.curve, *self.penalties.values()):
            series.cut(len(result.curve))
        self.frames.add(len(result.curve), result.pixels)

    def clear(self) -> None:
        """Forget what was reached, as before another try."""
        self.curve = Series()
        self.penalties = {}
        self.frames = KeptFrames()
        self.result = None
        self.recipe = None
        self.reason = ""
        self.details = ""
