"""Random numbers that belong to a unit, not to the batch that it happens to be rendered in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class RandomStreams:
    """One generator for each picture of a batch.

    Rows are drawn on the CPU, so a picture sees the same numbers alone, among others, and on every device.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._device = device

    def __len__(self) -> int:
        return len(self._generators)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, (pictures, *shape)."""
        rows = torch.empty(len(self), *shape)
        for row, generator in zip(rows, self._generators, strict=True):
            row.normal_(generator=generator)
        return rows.to(self._device)

    def uniform(self, *shape: int) -> Tensor:
        """Numbers uniform in [-1, 1), (pictures, *shape)."""
        rows = torch.empty(len(self), *shape)
        for row, generator in zip(rows, self._generators, strict=True):
            row.uniform_(-1, 1, generator=generator)
        return rows.to(self._device)
