"""Shards of a survey as work for workers. The queue never keeps it: a head makes it of a survey. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from typing_extensions import Self, override

from clipdesk.jobs.work import Work

Shard = tuple[tuple[int, int], ...]
"""As in `activations.shards`."""


class ShardWork(Work):
    """Pictures of an image set that are to be read, in shards, which are its units.

    Attributes:
        images: What opens the set.
        fingerprint: Of the set, as the head knows it.
        layers: Names of layers.
        device: Where to compute.
        precision: What to compute in.
        shards: Which pictures.
    """

    kind: Literal["shards"] = "shards"
    images: str
    fingerprint: str
    layers: tuple[str, ...]
    device: str
    precision: Literal["float32", "bfloat16"]
    shards: tuple[Shard, ...]

    @property
    @override
    def units(self) -> tuple[Shard, ...]:
        return self.shards

    @property
    @override
    def noun(self) -> str:
        return "shards"

    @override
    def part(self, positions: Sequence[int]) -> Self:
        return self.of([self.shards[position] for position in positions])

    @override
    def of(self, units: Sequence[Shard]) -> Self:
        return self.model_copy(update={"shards": tuple(units)})

    @override
    def label(self, position: int) -> str:
        shard = self.shards[position]
        return f"pictures {shard[0][0]:,} to {shard[-1][1] - 1:,}"
