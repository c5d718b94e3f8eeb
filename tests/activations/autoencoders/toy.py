"""A trainer that needs no library: it counts, and learns the mean of what it has seen."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from clipdesk.activations.autoencoders.settings import TrainingSettings
from clipdesk.activations.autoencoders.trainer import Weights


class ToyTrainer:
    """Adds up the rows of all steps; its decoder bias is their mean."""

    def __init__(self, settings: TrainingSettings, sample: Tensor, latents: int, device: torch.device) -> None:
        self._settings, self._latents, self._width = settings, latents, sample.shape[1]
        self._done = 0
        self._sum = torch.zeros(self._width, dtype=torch.float64)

    @property
    def step(self) -> int:
        return self._done

    def advance(self, rows: Tensor) -> None:
        assert rows.shape == (self._settings.batch, self._width)
        self._sum += rows.double().mean(dim=0)
        self._done += 1

    def write(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "toy.json").write_text(json.dumps([self._done, self._sum.tolist()]))

    def read(self, folder: Path) -> None:
        self._done, total = json.loads((folder / "toy.json").read_text())
        self._sum = torch.tensor(total, dtype=torch.float64)

    def weights(self) -> Weights:
        encoder = torch.eye(self._width, self._latents)
        mean = (self._sum / max(1, self._done)).float()
        # Latent i is unit i above the mean; what lies below it is lost.
        threshold = None if self._settings.kind == "topk" else 0.0
        return Weights(encoder, -mean @ encoder, encoder.T.contiguous(), mean, threshold)
