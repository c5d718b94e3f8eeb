"""Surveys as a kind of work of the queue. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from typing_extensions import Self, override

from clipdesk.jobs.work import Work


class SurveyWork(Work):
    """A survey of an image set; its one unit is the set, and its steps are hundredths of it.

    Attributes:
        images: What opens the set: an absolute path, a pattern of paths, or ``scenes:5000``.
        layers: Dotted names of layers; None for the usual ones.
        device: Where to run the model.
    """

    kind: Literal["survey"] = "survey"
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
    def noun(self) -> str:
        return "surveys"

    @override
    def part(self, positions: Sequence[int]) -> Self:
        return self

    @override
    def label(self, position: int) -> str:
        return Path(self.images).name
