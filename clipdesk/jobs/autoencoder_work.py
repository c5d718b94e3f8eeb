"""Training a sparse autoencoder as a kind of work of the queue. Imports no torch."""

from __future__ import annotations

from typing import Literal

from typing_extensions import override

from clipdesk.activations.autoencoders.settings import TrainingSettings
from clipdesk.jobs.whole import WholeWork


class AutoencoderWork(WholeWork):
    """A training on a layer, which is its one unit; the set is what it learns from.

    Attributes:
        settings: What to train with.
        output: Absolute path of the folder to put it into; None for one of ClipDesk's own.
    """

    kind: Literal["autoencoder"] = "autoencoder"
    settings: TrainingSettings
    output: str | None = None

    @property
    @override
    def units(self) -> tuple[str, ...]:
        return (self.settings.layer,)

    @property
    @override
    def noun(self) -> str:
        return "sparse autoencoders"

    @override
    def label(self, position: int) -> str:
        return f"Sparse autoencoder of {self.settings.layer}"
