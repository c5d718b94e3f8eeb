"""Pictures that are held out: a label is chosen without them, and scored on them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.statistics import NONE, Embeddings, Extremes, UnitStatistics
from clipdesk.activations.survey import Survey

_MOST_HELD = 3
"""One picture in this many is held out at most."""
_ROUNDING = 2e-3
"""Share of a unit's variation that the rounding of the sample to float16 may leave."""


@dataclass(frozen=True, eq=False)
class Held:
    """The pictures that are held out.

    Attributes:
        columns: Their columns in `UnitStatistics.sample`.
        pictures: Their indices.
    """

    columns: NDArray[np.intp]
    pictures: NDArray[np.int32]


def held_out(survey: Survey) -> Held:
    """The sampled pictures, or in a small set as many of them as leave two thirds of the set to learn from."""
    sampled = len(survey.sample)
    count = min(sampled, len(survey.pictures) // _MOST_HELD)
    columns = np.arange(count, dtype=np.intp) * sampled // max(1, count)
    return Held(columns, survey.sample[columns])


def others(survey: Survey, held: Held) -> NDArray[np.intp]:
    """Indices of the pictures that are not held out."""
    return np.setdiff1d(np.arange(len(survey.pictures)), held.pictures)


def embeddings_without(embeddings: Embeddings, held: Held) -> Embeddings:
    """The sums over the pictures that are not held out; `rows` stays as it is, so that indices keep their meaning."""
    count, left = len(embeddings.rows), len(embeddings.rows) - len(held.pictures)
    away = embeddings.unit_rows(held.pictures).astype(np.float64) - embeddings.mean
    shift = -away.sum(axis=0) / max(1, left)
    scatter = embeddings.scatter - away.T @ away - left * np.outer(shift, shift)
    return Embeddings(embeddings.rows, embeddings.mean + shift, scatter) if count else embeddings


def statistics_without(statistics: UnitStatistics, embeddings: Embeddings, held: Held) -> UnitStatistics:
    """What `correlations` and the lists of top pictures need, over the pictures that are not held out.

    Sums without the held-out pictures follow from what is kept of them, to the rounding of their values to float16. The
    extremes and the histogram stay those of all pictures.

    Args:
        statistics: A layer's, over all pictures.
        embeddings: Those of all pictures.
        held: The pictures to leave out.
    """
    left = statistics.count - len(held.pictures)
    values = statistics.sample[:, held.columns].astype(np.float64)
    values -= statistics.means[:, None]
    rows = embeddings.unit_rows(held.pictures).astype(np.float64) - embeddings.mean
    shift, row_shift = -values.sum(axis=1) / max(1, left), -rows.sum(axis=0) / max(1, left)
    squares = statistics.squares - (values**2).sum(axis=1) - left * shift**2
    cross = statistics.cross - values.astype(np.float32) @ rows.astype(np.float32)
    cross -= (left * np.outer(shift, row_shift)).astype(np.float32)
    squares[squares < _ROUNDING * statistics.squares] = 0
    return replace(
        statistics,
        count=left,
        means=statistics.means + shift,
        squares=squares,
        cross=cross,
        top=without_held(statistics.top, held),
        bottom=without_held(statistics.bottom, held),
    )


def without_held(ends: Extremes, held: Held) -> Extremes:
    """A list without the held-out pictures; the others move up."""
    gone = np.isin(ends.pictures, held.pictures) | (ends.pictures == NONE)
    order = np.argsort(gone, axis=1, kind="stable")
    gone = np.take_along_axis(gone, order, axis=1)
    return Extremes(
        np.where(gone, np.nan, np.take_along_axis(ends.values, order, axis=1)).astype(np.float32),
        np.where(gone, NONE, np.take_along_axis(ends.pictures, order, axis=1)).astype(np.int32),
        np.where(gone, NONE, np.take_along_axis(ends.positions, order, axis=1)).astype(np.int16),
    )
