"""What happens while a job runs, as plain data: it can be pickled, sent to another process, and logged.

Imports neither torch nor numpy. Pictures and curves are NumPy's arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipdesk.export.metadata import WorkerRecord
from clipdesk.export.recipe import Activations, Recipe
from clipdesk.jobs.status import Status
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Began:
    """Some units of a job are being worked on from now on, or again after a pause."""


@dataclass(frozen=True)
class Progress:
    """A group of pictures, or of units of another kind of work, has done a step.

    Attributes:
        targets: What the pictures are to excite, or the units.
        step: Steps done, from 1.
        iterations: Steps in all.
        activations: The objective of each picture in this step, under its transforms, float32, (pictures,).
        penalties: What each regulariser took off each picture's objective, by name, float32, (pictures,) each.
        images: The pictures, uint8, (pictures, size, size, 3); None where nobody asked for them.
        worker: Who has done it; None where this process did.
    """

    targets: tuple[Any, ...]
    step: int
    iterations: int
    activations: NDArray[np.float32]
    penalties: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    images: NDArray[np.uint8] | None = None
    worker: WorkerRecord | None = None


@dataclass(frozen=True)
class PartRead:
    """A worker has read some more pictures of a shard of a survey.

    Attributes:
        target: The shard.
        done: Pictures of it that were read or left out.
        thumbnails: Place and WebP of each that was read since the last one.
    """

    target: Any
    done: int
    thumbnails: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class ShardPiece:
    """A piece of what was found in a shard of a survey; pieces come in order.

    Attributes:
        target: The shard.
        done: Pictures of it that were read or left out.
        start: Where the bytes belong.
        data: Bytes.
    """

    target: Any
    done: int
    start: int
    data: bytes


@dataclass(frozen=True)
class Result:
    """A picture.

    Attributes:
        target: What it is to excite.
        settings: How it was made, with its own seed.
        image: uint8, (size, size, 3).
        curve: The objective at each step, under that step's transforms, float32, (steps,).
        activation: The objective of the picture itself.
        seconds: Time its group took.
        complete: False if the job was cancelled before the picture's last step.
        recipe: All of this and what it ran on.
        alpha: How opaque each pixel is, uint8, (size, size); None where all are.
        worker: Who rendered it; None where this process did.
    """

    target: Target
    settings: RenderSettings
    image: NDArray[np.uint8]
    curve: NDArray[np.float32]
    activation: float
    seconds: float
    complete: bool
    recipe: Recipe
    alpha: NDArray[np.uint8] | None = None
    worker: WorkerRecord | None = None

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture as its file has it: (size, size, 4) where it is transparent, else (size, size, 3)."""
        if self.alpha is None:
            return self.image
        # A copy with room for a fourth channel, made without importing NumPy here.
        pixels = self.image[..., [0, 1, 2, 2]]
        pixels[..., 3] = self.alpha
        return pixels

    def at(self, step: int, image: NDArray[np.uint8]) -> Result:
        """The picture as it was after an earlier step, as if the job had been stopped there.

        Its own activation was not measured then: the objective of that step, under its transforms, stands for it.

        Args:
            step: The step, from 1.
            image: The picture at that step, uint8, (size, size, 3).
        """
        if step >= len(self.curve):
            return self
        curve = self.curve[:step]
        reached = Activations.of(curve)
        # What is left of its latents was not measured then.
        changed = {"steps": step, "steady": False, "activation": reached, "active": {}}
        recipe = self.recipe.model_copy(update=changed)
        changes: dict[str, Any] = {"activation": reached.picture, "complete": False, "recipe": recipe, "alpha": None}
        return replace(self, image=image, curve=curve, **changes)


@dataclass(frozen=True)
class Failure:
    """A unit that could not be done.

    Attributes:
        target: What was asked for: a `Target`, or a unit of another kind of work.
        reason: Why it failed, for the user.
        known: Whether the model has such a target.
        result: The picture, where it was rendered and could not be kept.
        details: For developers; empty where the reason says it all.
    """

    target: Any
    reason: str
    known: bool = True
    result: Result | None = None
    details: str = ""


@dataclass(frozen=True)
class Saved:
    """A target's picture is in its file.

    Attributes:
        result: The picture.
        path: The file.
        note: Why the picture is not in the folder's metadata; empty if it is, or need not be.
    """

    result: Result
    path: Path
    note: str = ""

    @property
    def target(self) -> Target:
        """What it is to excite."""
        return self.result.target


@dataclass(frozen=True)
class Skipped:
    """A target whose picture was there already, made with the same settings and weights.

    Attributes:
        target: What was asked for.
        path: The file.
    """

    target: Target
    path: Path


@dataclass(frozen=True)
class Done:
    """A unit of another kind of work than rendering is done.

    Attributes:
        target: The unit, as `Work.units` has it.
        file: Name of the file that has what it gave; empty if there is none.
    """

    target: Any
    file: str = ""


@dataclass(frozen=True)
class Paused:
    """A job was paused in the middle of its units; they wait as they are."""


@dataclass(frozen=True)
class Halted:
    """A job has paused by itself, since none of its units would fare better; what it had in hand waits again.

    Attributes:
        reason: Why, for the user, such as a full disk.
    """

    reason: str


@dataclass(frozen=True)
class Ended:
    """Nothing more will come of a job by itself.

    Attributes:
        status: ``done``, ``failed`` or ``cancelled``.
    """

    status: Status


RenderEvent = Progress | Result | Failure
"""What rendering gives."""
UnitEvent = Result | Saved | Skipped | Done | Failure
"""A unit has come to an end."""
Event = Began | Progress | PartRead | ShardPiece | Result | Failure | Saved | Skipped | Done | Paused | Halted | Ended
"""What can happen to a job."""
