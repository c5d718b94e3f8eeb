"""All units of a layer with their numbers: the list of what is worth looking at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.measures import (
    clarities,
    class_selectivities,
    kurtoses,
    monosemanticities,
    redundancies,
    sparsenesses,
)
from clipdesk.activations.statistics import Pooling, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError, nearest

DENSE = 0.1
"""Share of the pictures above which a unit behind a rectifier is called dense."""
_MOST_COMPARED = 10_000
"""Units of a layer up to which all of them are compared with each other."""


@dataclass(frozen=True, eq=False)
class UnitTable:
    """The units of a layer in columns, each of them (units,). NaN where a number is not defined.

    Attributes:
        layer: Dotted name of the layer.
        pooling: How values at positions became one.
        count: Pictures that the numbers rest on.
        by_class: Whether `selectivity` compares classes; without labels it is lifetime sparseness.
        density: Share of the pictures in which the unit is above zero.
        selectivity: How much more the best class excites it than the others, or how few pictures do; in [0, 1].
        kurtosis: Excess kurtosis.
        maximum: Its largest value, in standard deviations above its mean.
        clarity: Mean cosine of all pairs of its top pictures.
        monosemanticity: Mean cosine of all pairs of pictures, weighted by how much both excite it.
        redundancy: Its largest correlation with another unit of the layer. NaN in layers of more than 10,000 units.
        nearest: That other unit; -1 for none.
        dead: Whether it is constant, or behind a rectifier and never above zero.
        dense: Whether it is behind a rectifier and above zero in at least a tenth of the pictures.
    """

    layer: str
    pooling: Pooling
    count: int
    by_class: bool
    density: NDArray[np.float64]
    selectivity: NDArray[np.float64]
    kurtosis: NDArray[np.float64]
    maximum: NDArray[np.float64]
    clarity: NDArray[np.float64]
    monosemanticity: NDArray[np.float64]
    redundancy: NDArray[np.float64]
    nearest: NDArray[np.int64]
    dead: NDArray[np.bool_]
    dense: NDArray[np.bool_]

    def order(self, by: str, *, ascending: bool = False) -> NDArray[np.intp]:
        """Indices of the units in the order of a column, largest first; equal ones by index, undefined ones last.

        Args:
            by: One of `COLUMNS`.
            ascending: Smallest first.

        Raises:
            UsageError: there is no such column.
        """
        if by not in COLUMNS:
            raise UsageError(f"Units cannot be sorted by '{by}'. {nearest(by, COLUMNS, len(COLUMNS))}")
        values: NDArray[np.float64] = getattr(self, by)
        # NaN is last in numpy's order, and stays NaN when its sign changes.
        return np.argsort(values if ascending else -values, kind="stable")


COLUMNS: tuple[str, ...] = ("density", "selectivity", "kurtosis", "maximum", "clarity", "monosemanticity", "redundancy")
"""Columns that a table can be sorted by."""


def table(survey: Survey, statistics: UnitStatistics, *, rectified: bool) -> UnitTable:
    """The units of a layer with all of their numbers.

    Args:
        survey: A survey.
        statistics: The layer's, of this survey.
        rectified: Whether the layer is behind a rectifier (`clipdesk.network.rectifiers`); only there do dead and
            dense mean something.
    """
    labels = [survey.pictures[index].label for index in survey.sample]
    selectivities = class_selectivities(statistics, labels)
    if statistics.units <= _MOST_COMPARED:
        redundancy, other = redundancies(statistics)
    else:
        redundancy, other = np.full(statistics.units, np.nan), np.full(statistics.units, -1, dtype=np.int64)
    deviations = np.where(statistics.varies, statistics.deviations, np.nan)
    return UnitTable(
        layer=statistics.layer,
        pooling=statistics.pooling,
        count=statistics.count,
        by_class=selectivities is not None,
        density=statistics.densities,
        selectivity=sparsenesses(statistics) if selectivities is None else selectivities,
        kurtosis=kurtoses(statistics.histogram),
        maximum=(statistics.most - statistics.means) / deviations,
        clarity=clarities(statistics, survey.embeddings),
        monosemanticity=monosemanticities(statistics, survey.embeddings),
        redundancy=redundancy,
        nearest=other,
        dead=~statistics.varies | (rectified & (statistics.fired == 0)),
        dense=rectified & (statistics.densities >= DENSE),
    )
