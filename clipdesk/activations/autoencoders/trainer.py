"""What a training needs of the library that learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from clipdesk.activations.autoencoders.settings import TrainingSettings


class Weights(NamedTuple):
    """What was trained: ``f = act(x @ encoder + bias)``, ``x' = f @ decoder + decoder_bias``.

    Attributes:
        encoder: (width of the layer, latents).
        bias: (latents,).
        decoder: (latents, width of the layer), rows of length 1.
        decoder_bias: (width of the layer,).
        threshold: Above which a latent counts; None where the largest few do.
    """

    encoder: Tensor
    bias: Tensor
    decoder: Tensor
    decoder_bias: Tensor
    threshold: float | None


class Trainer(Protocol):
    """What learns: it goes a step at a time, and can go on in another process."""

    @property
    def step(self) -> int:
        """Steps done."""

    def advance(self, rows: Tensor) -> None:
        """Do a step on some rows."""

    def write(self, folder: Path) -> None:
        """Write all that a later process needs to go on."""

    def read(self, folder: Path) -> None:
        """Go on from what `write` has written."""

    def weights(self) -> Weights:
        """What was learnt so far."""


MakeTrainer = Callable[[TrainingSettings, Tensor, int, torch.device], Trainer]
"""Makes one from the settings, some of the rows, (rows, width), the number of latents, and a device."""
