"""The recipe: everything needed to make a picture again, as the PNG contains it."""

from __future__ import annotations

import hashlib
import json
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from clipdesk.activations.active import Activity
from clipdesk.errors import UsageError, one_line
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1
MAX_CHARS = 4_194_304
"""Longest recipe; longer text is not parsed. A target takes less than half, and the paths in it come twice."""

_MOST_FILES = 128
"""A target may name 64 files, and the settings two more."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Short = Annotated[str, Field(max_length=64)]


class Outcome(str, Enum):
    """What became of a picture that was rendered."""

    DONE = "done"
    STOPPED = "stopped"
    SILENT = "silent"
    WORSE = "worse"

    @property
    def useful(self) -> bool:
        """Whether the picture says something of its target."""
        return self in (Outcome.DONE, Outcome.STOPPED)


class Activations(BaseModel):
    """The objective at the first, the last and the best step, with transforms, and for the picture without them.

    Attributes:
        start: In the first step, under its transforms and noise, as the curve has it.
        end: In the last step.
        best: In the best step.
        picture: The clean activation, of the picture as it is saved. Where the network computed in bfloat16, it is
            bfloat16's, a few tenths of a percent off float32's.
    """

    @classmethod
    def of(cls, curve: NDArray[np.float32], picture: float | None = None) -> Activations:
        """Those of a run.

        Args:
            curve: The objective at each step, (steps,).
            picture: The objective for the picture; by default that of the last step stands for it.
        """
        start, end, best = float(curve[0]), float(curve[-1]), float(curve.max())
        numbers = {"start": start, "end": end, "best": best, "picture": end if picture is None else picture}
        return cls(**{name: round(number, 6) for name, number in numbers.items()})

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: FiniteFloat
    end: FiniteFloat
    best: FiniteFloat
    picture: FiniteFloat


class Recipe(BaseModel):
    """The recipe of a picture.

    Attributes:
        version: Version of this format.
        clipdesk: Version of ClipDesk.
        torch: Version of torch.
        model: Name of the model, or path of its checkpoint.
        weights: The model's identity, `OpenModel.sha256`; None if the model did not come from a file.
        latents: SHA-256 of the model's sparse autoencoders, by their names; `weights` is over these, too.
        target: The target that the picture is to excite.
        settings: All settings, with the picture's own seed and the precision that ``auto`` chose.
        files: SHA-256 of the files that target and settings name, by path.
        steps: Number of steps done; fewer than the settings ask for if the render was stopped, or ended early.
        steady: Whether it ended early because the activation did not rise any more, as the settings ask.
        activation: Objective values that were reached.
        active: What is left of each latent that the target names, in the picture as it is saved.
        device: Device that rendered it.
        seconds: Time that its group took.
        date: Date of the picture in ISO 8601, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    clipdesk: _Short
    torch: _Short
    model: Annotated[str, Field(min_length=1, max_length=4096)]
    weights: Sha256 | None = None
    latents: Annotated[dict[str, Sha256], Field(max_length=_MOST_FILES)] = {}
    target: Target
    settings: RenderSettings
    files: Annotated[dict[str, Sha256], Field(max_length=_MOST_FILES)] = {}
    steps: Annotated[int, Field(ge=1)]
    steady: bool = False
    activation: Activations
    active: Annotated[dict[str, Activity], Field(max_length=_MOST_FILES)] = {}
    device: _Short
    seconds: Annotated[FiniteFloat, Field(ge=0)]
    date: _Short

    @model_validator(mode="before")
    @classmethod
    def _of_whole_gradient(cls, values: object) -> object:
        """Pictures of latents from before `latent_gradient` was a setting were made with the whole one."""
        if not isinstance(values, dict) or not values.get("latents"):
            return values
        settings = values.get("settings")
        if not isinstance(settings, dict) or "latent_gradient" in settings:
            return values
        return {**values, "settings": {**settings, "latent_gradient": "whole"}}

    @property
    def key(self) -> str:
        """A SHA-256 that this picture alone has, whatever its file is called and wherever it is.

        It is of what all versions of ClipDesk read from the recipe alike; a setting that is new changes nothing.
        """
        parts = {"model", "weights", "target", "steps", "activation", "date"}
        text = self.model_dump_json(include=parts, exclude_defaults=True)
        return hashlib.sha256(f"{self.settings.seed} {text}".encode()).hexdigest()

    @property
    def complete(self) -> bool:
        """True if all steps were done, or as many as were needed."""
        return self.steady or self.steps == self.settings.iterations

    @property
    def outcome(self) -> Outcome:
        """What became of the picture.

        A ReLU that is zero at every step has a zero gradient: only the regularisers have changed its picture. Where the
        activation ends below where it began, in the direction asked, the start was the better picture.
        """
        reached = self.activation
        if not self.complete:
            return Outcome.STOPPED
        if not any((reached.start, reached.end, reached.best, reached.picture)):
            return Outcome.SILENT
        return Outcome.WORSE if max(reached.end, reached.picture) < reached.start else Outcome.DONE

    @property
    def outcome_in_words(self) -> str:
        """``done``, ``stopped at 39``, ``nothing excited it`` or ``found nothing better than noise``."""
        if self.outcome is Outcome.WORSE:
            return f"found nothing better than {'noise' if self.settings.start == 'noise' else 'its start'}"
        words = {Outcome.STOPPED: f"stopped at {self.steps}", Outcome.SILENT: "nothing excited it"}
        return words.get(self.outcome, "done")

    def to_json(self) -> str:
        """The recipe as JSON, as a PNG contains it."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read a recipe from untrusted text.

        Raises:
            UsageError: the text is not a recipe, is too long, or was written by a newer ClipDesk.
        """
        if len(text) > MAX_CHARS:
            raise UsageError(f"its recipe is longer than any that ClipDesk writes ({len(text):,} characters)")
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            newer = _version(text)
            if newer is not None and newer > VERSION:
                raise UsageError(f"its recipe was written by a newer ClipDesk (format version {newer})") from error
            first = error.errors()[0]
            place = one_line(".".join(map(str, first["loc"]))) or "as a whole"
            raise UsageError(f"its recipe cannot be read: {place}: {one_line(first['msg'], 300)}") from error


def _version(text: str) -> int | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, int) else None
