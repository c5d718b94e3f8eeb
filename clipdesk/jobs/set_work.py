"""Work over an image set as kinds of work of the queue: surveys and comparisons. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from typing_extensions import override

from clipdesk.export.recipe import Sha256
from clipdesk.jobs.whole import WholeWork
from clipdesk.jobs.work import NameOfModel


class SetWork(WholeWork):
    """Work on some layers over an image set, which is its one unit.

    Attributes:
        layers: Names of layers; None for the usual ones.
    """

    layers: tuple[str, ...] | None = None

    @property
    @override
    def units(self) -> tuple[str, ...]:
        return (self.images,)

    @override
    def label(self, position: int) -> str:
        return Path(self.images).name


class SurveyWork(SetWork):
    """A survey."""

    kind: Literal["survey"] = "survey"

    @property
    @override
    def for_workers(self) -> bool:
        # They read its pictures, in shards.
        return True

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
        pooling: How values at positions become one, where a layer has that; else their mean.
    """

    kind: Literal["comparison"] = "comparison"
    second: NameOfModel
    second_weights: Sha256 | None = None
    match: bool = False
    pooling: Literal["mean", "max", "class"] = "mean"

    @property
    @override
    def noun(self) -> str:
        return "comparisons"
