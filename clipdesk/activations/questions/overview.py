"""A layer at a glance: how many of its units are dead, dense, clear and redundant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.layer import UnitTable
from clipdesk.activations.statistics import Embeddings

CLEAR = 1 / 3
"""A unit is clear whose clarity is at least this share of the way from chance to 1."""
REDUNDANT = 0.9
"""A unit is redundant that correlates as much as this with another one of its layer."""


@dataclass(frozen=True, eq=False)
class Overview:
    """Which units of a layer are what. Dead units are nothing else.

    Attributes:
        units: Number of units.
        chance: Mean cosine of all pairs of pictures: the clarity of a unit that answers to nothing.
        dead: As in `UnitTable`, (units,).
        dense: As in `UnitTable`, (units,).
        clear: Whose top pictures are alike: a clarity of at least a third of the way from chance to 1, (units,).
        redundant: Which correlate with another unit of the layer by 0.9 or more, (units,).
    """

    units: int
    chance: float
    dead: NDArray[np.bool_]
    dense: NDArray[np.bool_]
    clear: NDArray[np.bool_]
    redundant: NDArray[np.bool_]

    def kinds(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """What units can be, each with the units that are."""
        yield from (("dead", self.dead), ("dense", self.dense), ("clear", self.clear), ("redundant", self.redundant))

    def notes(self, unit: int) -> list[str]:
        """What a unit is."""
        return [kind for kind, which in self.kinds() if which[unit]]


def overview(table: UnitTable, embeddings: Embeddings) -> Overview:
    """How many units of a layer are dead, dense, clear and redundant.

    Args:
        table: The layer's.
        embeddings: Those of the survey's pictures.
    """
    count = len(embeddings.rows)
    # Of all pairs of different pictures, from the length of the sum.
    chance = (count * float(embeddings.mean @ embeddings.mean) - 1) / max(1, count - 1)
    alive = ~table.dead
    return Overview(
        units=len(table.dead),
        chance=chance,
        dead=table.dead,
        dense=table.dense & alive,
        # Comparisons with NaN are false.
        clear=alive & (table.clarity - chance >= CLEAR * (1 - chance)),
        redundant=alive & (table.redundancy >= REDUNDANT),
    )
