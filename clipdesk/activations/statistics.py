"""What a survey knows of the units of a layer. All of it merges: two parts of a set give what the whole gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pooling = Literal["mean", "max", "class"]
"""How a unit's values at all positions of a picture become one: their mean over the patches, the largest of the
patches, or the value at the class token."""

Key = tuple[str, Pooling]
"""A layer, pooled in one way."""

NONE = -1
"""The picture of a place in a list that nothing has taken, and the position where there is none."""


@dataclass(frozen=True, eq=False)
class Extremes:
    """The pictures at one end of each unit's values, the most extreme first; equal values by the picture's index.

    Attributes:
        values: Activations, float32, (units, most); NaN where there were fewer pictures.
        pictures: Index of the picture, int32, (units, most); -1 where there were fewer.
        positions: The patch with the largest value, from 0, int16, (units, most); -1 where pooling is not ``max``.
    """

    values: NDArray[np.float32]
    pictures: NDArray[np.int32]
    positions: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts of each unit's values in equal bins, whose width is a power of two: the smallest that holds them all.

    So the bins depend on the smallest and the largest value alone, not on the order of the pictures, and nothing is
    outside. Bin j of unit u holds values from ``(starts[u] + j) * 2.0 ** exponents[u]`` to the next bin's.

    Attributes:
        exponents: int16, (units,).
        starts: Number of the first bin, int32, (units,).
        counts: uint32, (units, bins).
    """

    exponents: NDArray[np.int16]
    starts: NDArray[np.int32]
    counts: NDArray[np.uint32]

    def edges(self, unit: int) -> NDArray[np.float64]:
        """The ends of a unit's bins, (bins + 1,)."""
        first = int(self.starts[unit])
        return np.ldexp(np.arange(first, first + self.counts.shape[1] + 1, dtype=np.float64), int(self.exponents[unit]))


@dataclass(frozen=True, eq=False)
class UnitStatistics:
    """What is known of all units of one layer, pooled in one way.

    Attributes:
        layer: Dotted name of the layer.
        pooling: How values at positions became one.
        count: Pictures.
        means: float64, (units,).
        squares: Sums of the squared differences from the mean, float64, (units,).
        least: float32, (units,).
        most: float32, (units,).
        fired: In how many pictures the unit was above zero, int64, (units,).
        cross: Sums over the pictures of (activation - its mean) * (embedding - its mean), float32, (units, width).
        top: The pictures with the largest values.
        bottom: The pictures with the smallest values, smallest first.
        histogram: All values.
        sample: The values in the pictures of `Survey.sample`, float16, (units, sampled).
    """

    layer: str
    pooling: Pooling
    count: int
    means: NDArray[np.float64]
    squares: NDArray[np.float64]
    least: NDArray[np.float32]
    most: NDArray[np.float32]
    fired: NDArray[np.int64]
    cross: NDArray[np.float32]
    top: Extremes
    bottom: Extremes
    histogram: Histogram
    sample: NDArray[np.float16]

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.means)

    def only(self, units: NDArray[np.integer]) -> UnitStatistics:
        """The same of some of the units."""

        def of(ends: Extremes) -> Extremes:
            return Extremes(ends.values[units], ends.pictures[units], ends.positions[units])

        bins = self.histogram
        return replace(
            self,
            means=self.means[units],
            squares=self.squares[units],
            least=self.least[units],
            most=self.most[units],
            fired=self.fired[units],
            cross=self.cross[units],
            top=of(self.top),
            bottom=of(self.bottom),
            histogram=Histogram(bins.exponents[units], bins.starts[units], bins.counts[units]),
            sample=self.sample[units],
        )

    @cached_property
    def deviations(self) -> NDArray[np.float64]:
        """Standard deviation of each unit over the pictures (divided by their number), (units,)."""
        return np.sqrt(self.squares / self.count)

    @cached_property
    def varies(self) -> NDArray[np.bool_]:
        """Which units have more than one value, (units,). Rounding may leave `squares` above 0 for the others."""
        return (self.most > self.least) & (self.squares > 0)

    @property
    def exciting(self) -> Extremes:
        """`top` without pictures that leave a unit that is never below zero at zero: these stand in the set's order."""
        gone = (self.least == 0)[:, None] & ~(self.top.values > 0)
        top = self.top
        return Extremes(
            np.where(gone, np.float32(np.nan), top.values),
            np.where(gone, np.int32(NONE), top.pictures),
            np.where(gone, np.int16(NONE), top.positions) if top.positions.size else top.positions,
        )

    @property
    def densities(self) -> NDArray[np.float64]:
        """Share of the pictures in which each unit is above zero, (units,), in [0, 1]."""
        return self.fired / self.count


@dataclass(frozen=True, eq=False)
class Surveyed:
    """A picture that a survey has read.

    Attributes:
        id: The first 16 hex digits of the SHA-256 of its content, a colon, and its place.
        place: Where it is in its set, as `Picture.place`.
        label: Its class; may be empty.
        caption: May be empty.
    """

    id: str
    place: str
    label: str = ""
    caption: str = ""

    @classmethod
    def of(cls, place: str, label: str, caption: str, sha256: str) -> Surveyed:
        """A picture whose content has a SHA-256."""
        return cls(f"{sha256[:16]}:{place}", place, label, caption)


@dataclass(frozen=True, eq=False)
class Embeddings:
    """The image embeddings of a survey's pictures, of length 1, and their sums.

    Attributes:
        rows: float16, (pictures, width); may be memory-mapped.
        mean: float64, (width,).
        scatter: Sum over the pictures of the outer product of (embedding - mean) with itself, float64, (width, width).
    """

    rows: NDArray[np.float16]
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    def unit_rows(self, pictures: NDArray[np.integer]) -> NDArray[np.float32]:
        """The embeddings of some pictures, of length 1 again after their rounding to float16, (pictures, width)."""
        rows = self.rows[pictures].astype(np.float32)
        lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
        return np.asarray(rows / np.where(lengths > 0, lengths, 1)[:, None], dtype=np.float32)

    def variances(self, directions: NDArray[np.floating]) -> NDArray[np.float64]:
        """How much the pictures' projections on each direction vary: sums of squared differences from their mean.

        Args:
            directions: (directions, width).

        Returns:
            (directions,).
        """
        wide = np.asarray(directions, dtype=np.float64)
        return np.asarray(((wide @ self.scatter) * wide).sum(axis=1), dtype=np.float64)
