"""Random numbers that belong to a unit, not to the batch that it happens to be rendered in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from typing_extensions import override

_AHEAD = 8
"""Steps whose numbers a `StepStreams` draws at once. It decides which numbers they are."""


class RandomStreams:
    """One generator for each picture of a batch.

    Rows are drawn on the CPU, so a picture sees the same numbers alone, among others, and on every device.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.device = device
        """Where the numbers are given."""

    def __len__(self) -> int:
        return len(self._generators)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, (pictures, *shape)."""
        rows = torch.empty(len(self), *shape)
        for row, generator in zip(rows, self._generators, strict=True):
            row.normal_(generator=generator)
        return rows.to(self.device)

    def uniform(self, *shape: int) -> Tensor:
        """Numbers uniform in [-1, 1), (pictures, *shape)."""
        rows = torch.empty(len(self), *shape)
        for row, generator in zip(rows, self._generators, strict=True):
            row.uniform_(-1, 1, generator=generator)
        return rows.to(self.device)


class StepStreams(RandomStreams):
    """The random numbers of steps that all draw alike, on the device itself, in the same memory in every step.

    A GPU draws them hundreds of times faster than the CPU could and they could be brought to it, and a recorded step
    finds them where they were. A picture sees the same numbers alone and among others; other devices draw others.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        super().__init__(seeds, device)
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        self._draws: list[_Draw] = []
        self._step, self._drawn = -1, 0

    def begin_step(self) -> None:
        """Have new numbers ready, in the order in which the first step asked for them."""
        self._step, self._drawn = self._step + 1, 0
        for draw in self._draws:
            draw.turn_to(self._step % _AHEAD)

    @override
    def normal(self, *shape: int) -> Tensor:
        return self._next(shape, lambda row, generator: row.normal_(generator=generator))

    @override
    def uniform(self, *shape: int) -> Tensor:
        return self._next(shape, lambda row, generator: row.uniform_(-1, 1, generator=generator))

    def _next(self, shape: tuple[int, ...], fill: Callable[[Tensor, torch.Generator], Tensor]) -> Tensor:
        if self._drawn == len(self._draws):
            self._draws.append(
                _Draw(torch.empty(len(self), _AHEAD, *shape, device=self.device), self._generators, fill)
            )
            self._draws[-1].turn_to(self._step % _AHEAD)
        self._drawn += 1
        # Who overwrites it does not make it part of a calculation that is differentiated.
        return self._draws[self._drawn - 1].now.detach()


class _Draw:
    """One of the draws of each step, (pictures, *shape), for some steps ahead."""

    def __init__(
        self,
        ahead: Tensor,
        generators: Sequence[torch.Generator],
        fill: Callable[[Tensor, torch.Generator], Tensor],
    ) -> None:
        self._ahead, self._generators, self._fill = ahead, generators, fill
        self.now = torch.empty_like(ahead[:, 0])

    def turn_to(self, place: int) -> None:
        """To the numbers of the step at this place among those that are drawn at once."""
        if place == 0:
            for row, generator in zip(self._ahead, self._generators, strict=True):
                self._fill(row, generator)
        self.now.copy_(self._ahead[:, place])
