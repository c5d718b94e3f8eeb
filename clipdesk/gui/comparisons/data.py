"""What the window shows of comparisons, as plain data. Loads neither torch nor NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from clipdesk.gui.surveys.data import Photo


class Changed(NamedTuple):
    """A unit that has changed, as `Drifted`.

    Attributes:
        place: Where it is in the list, the most changed first.
        name: Its layer and index, and its counterpart where that has another name.
        drift: 1 - correlation.
        moved: How far its values are from the other's.
        weights: Share by which its weights have moved; NaN where that is not known.
        density: By how much the share of pictures has grown in which it is above zero.
        top: Share of its top pictures that are others now.
        note: What is to be said of it; may be empty.
    """

    place: int
    name: str
    drift: float
    moved: float
    weights: float
    density: float
    top: float
    note: str


@dataclass(frozen=True)
class Side:
    """A unit in one of the two models.

    Attributes:
        name: The model, and the unit in it.
        numbers: What is known of it, in words.
        edges: Ends of the histogram's bins.
        counts: Pictures in each bin.
        top: The pictures that excite it most.
    """

    name: str
    numbers: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    top: tuple[Photo, ...]


@dataclass(frozen=True)
class Layers:
    """The CKA of each layer with each.

    Attributes:
        rows: Short names of the first model's layers.
        columns: Of the second's.
        values: By row, then by column; NaN where there is none.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]


class Listed(NamedTuple):
    """A comparison that can be opened.

    Attributes:
        folder: Where it is.
        name: The second model and the images, for people.
    """

    folder: Path
    name: str
