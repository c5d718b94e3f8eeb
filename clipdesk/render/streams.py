"""Random numbers that belong to a picture, not to the batch in which it is rendered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from typing_extensions import override

_AHEAD = 8
"""Steps for which `StepStreams` draws numbers at once. Another value gives other numbers."""


class RandomStreams:
    """Random numbers from one generator for each picture of a batch.

    They are drawn on the CPU, so that a picture gets the same numbers alone, in a batch, and on every device.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.device = device
        """The device of the numbers that are returned."""

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
    """Random numbers for steps that all draw the same shapes: drawn on the device, at the same address in every step.

    A GPU draws them hundreds of times faster than a CPU could draw and copy them, and a captured step finds them at the
    same address. A picture gets the same numbers alone and in a batch; another device draws other numbers.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        super().__init__(seeds, device)
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        self._draws: list[_Draw] = []
        self._step, self._drawn = -1, 0

    def begin_step(self) -> None:
        """Make new numbers available, in the order in which the first step asked for them."""
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
        # Detached: callers overwrite it in place, and it must stay out of the graph.
        return self._draws[self._drawn - 1].now.detach()


class _Draw:
    """One draw of every step, (pictures, *shape), for several steps ahead."""

    def __init__(
        self,
        ahead: Tensor,
        generators: Sequence[torch.Generator],
        fill: Callable[[Tensor, torch.Generator], Tensor],
    ) -> None:
        self._ahead = ahead
        self._generators = generators
        self._fill = fill
        self.now = torch.empty_like(ahead[:, 0])

    def turn_to(self, place: int) -> None:
        """Make the numbers of the step at this place, among those that are drawn at once, the current ones."""
        if place == 0:
            for row, generator in zip(self._ahead, self._generators, strict=True):
                self._fill(row, generator)
        self.now.copy_(self._ahead[:, place])
