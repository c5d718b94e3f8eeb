"""Work over an image set as kinds of work of the queue: surveys and comparisons. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from typing_extensions import Self, override

from clipdesk.export.recipe import Sha256
from clipdesk.jobs.work import NameOfModel, Work


class SetWork(Work):
    """Work over an image set; its one unit is the set, and its steps are hundredths of it.

    Attributes:
        images: What opens the set: an absolute path, a pattern of paths, or ``scenes:5000``.
        layers: Names of layers; None for the usual ones.
        device: Where to run the model.
    """

    images: str
    layers: tuple[str, ...] | None = None
    device: str = "auto"

    @property
    @override
    def units(self) -> tuple[str, ...]:
        return (self.images,)

    @property
    @override
    def steps(self) -> int:
        return 100

    @property
    @override
    def divisible(self) -> bool:
        return False

    @override
    def part(self, positions: Sequence[int]) -> Self:
        return self

    @override
    def label(self, position: int) -> str:
        return Path(self.images).name


class SurveyWork(SetWork):
    """A survey."""

    kind: Literal["survey"] = "survey"

    @property
    @override
    def noun(self) -> str:
        return "surveys"


class ComparisonWork(SetWork):
    """A comparison of two models over a set.

    Attributes:
        second: The model that is compared with `model`.
        second_weights: SHA-256 of its weights; None where any will do.
        match: Whether partners are sought although the architecture is the same.
    """

    kind: Literal["comparison"] = "comparison"
    second: NameOfModel
    second_weights: Sha256 | None = None
    match: bool = False

    @property
    @override
    def noun(self) -> str:
        return "comparisons"
