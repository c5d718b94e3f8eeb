"""Training a sparse autoencoder as a kind of work of the queue. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from typing_extensions import Self, override

from clipdesk.activations.autoencoders.settings import TrainingSettings
from clipdesk.jobs.work import Work


class AutoencoderWork(Work):
    """A training on a layer; its one unit is the layer, and its steps are hundredths of it.

    Attributes:
        images: What opens the set to learn from: an absolute path, a pattern of paths, or ``scenes:5000``.
        settings: What to train with.
        output: Absolute path of the folder to put it into; None for one of ClipDesk's own.
        device: Where to compute.
    """

    kind: Literal["autoencoder"] = "autoencoder"
    images: str
    settings: TrainingSettings
    output: str | None = None
    device: str = "auto"

    @property
    @override
    def units(self) -> tuple[str, ...]:
        return (self.settings.layer,)

    @property
    @override
    def steps(self) -> int:
        return 100

    @property
    @override
    def noun(self) -> str:
        return "sparse autoencoders"

    @property
    @override
    def divisible(self) -> bool:
        return False

    @override
    def part(self, positions: Sequence[int]) -> Self:
        return self

    @override
    def label(self, position: int) -> str:
        return f"Sparse autoencoder of {self.settings.layer}"
