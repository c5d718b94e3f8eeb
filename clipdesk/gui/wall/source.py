"""What hangs on the wall, as plain data: pictures that were rendered, and what a survey knows of a layer's units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil, sqrt
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class Kind(Enum):
    """What a tile shows of its unit.

    A unit in two models is a `PAIR`: its pictures beside each other, over the photos of both. There, a `Picture` is
    twice as wide as high, and a photo is a square of four: the first photos of both models, and below the second ones.
    """

    PICTURE = "picture"
    PHOTO = "photo"
    BOTH = "both"
    PAIR = "pair"


class Picture(NamedTuple):
    """A unit's rendered picture.

    Attributes:
        thumbnail: It, small, as `clipdesk.gui.images.packed` makes it.
        faded: Whether it shows nothing of the unit, so that it is drawn without colours.
        path: Its file, for large tiles; None where it was not kept.
    """

    thumbnail: bytes
    faded: bool = False
    path: Path | None = None


class WallSource(Protocol):
    """What a survey knows of the units of a layer."""

    @property
    def units(self) -> int:
        """Number of units."""

    @property
    def columns(self) -> Mapping[str, NDArray[np.float64]]:
        """Numbers that the units can be in the order of, by name, (units,); NaN where one is not defined."""

    @property
    def words(self) -> Mapping[int, str]:
        """What is known of units in words, such as ``heart 0.83``."""

    @property
    def map_problem(self) -> str:
        """Why there can be no map; empty where there can."""

    def top_photo(self, unit: int) -> bytes | None:
        """The picture of the set that excites a unit most, as a small file; None where there is none.

        Called on another thread.
        """

    def map_order(self, columns: int, stopped: Callable[[], bool]) -> NDArray[np.integer]:
        """The units row by row in a grid, with those close together that are active in the same pictures.

        Called on another thread; it may take a minute.

        Args:
            columns: Cells in a row.
            stopped: Says whether the order is no longer wanted; the result does not matter then.
        """


@dataclass(frozen=True, eq=False)
class Hanging:
    """What hangs where, and how it is drawn.

    Attributes:
        order: The units, row by row.
        columns: Cells in a row.
        kind: What tiles show.
        background: The colour between tiles, as a `QRgb`.
        empty: The colour of tiles without a picture.
    """

    order: Sequence[int]
    columns: int
    kind: Kind
    background: int
    empty: int

    @property
    def rows(self) -> int:
        """Number of rows; the last one may be short."""
        return -(-len(self.order) // self.columns)


_ASPECT = 1.5
"""Width of the wall by its height. It does not follow the window, so that units stay where the user has seen them."""


def columns_of(units: int) -> int:
    """How many cells a row of the wall has."""
    return max(1, ceil(sqrt(units * _ASPECT)))
