"""Numbers that say which units of a layer are worth looking at; docs/understanding.md has the formulas and sources."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.sampled import standardized
from clipdesk.activations.statistics import NONE, Embeddings, Histogram, UnitStatistics

FEWEST_OF_A_CLASS = 4
"""Sampled pictures that a class must have to count for `class_selectivities`."""
_ROWS = 1024


def kurtoses(histogram: Histogram) -> NDArray[np.float64]:
    """Excess kurtosis of each unit's values: 0 for a normal distribution, large where few pictures stand out.

    From the histogram, each value as the middle of its bin. NaN where all values are in one bin.

    Returns:
        (units,).
    """
    # In bins; neither the width of a bin nor the place of the first one matters.
    places = np.arange(histogram.counts.shape[1], dtype=np.float64)
    second, fourth = np.empty((2, len(histogram.counts)))
    for start in range(0, len(histogram.counts), _ROWS):
        counts = histogram.counts[start : start + _ROWS].astype(np.float64)
        total = np.maximum(counts.sum(axis=1), 1)
        squares = (places[None] - ((counts @ places) / total)[:, None]) ** 2
        second[start : start + _ROWS] = (counts * squares).sum(axis=1) / total
        fourth[start : start + _ROWS] = (counts * squares**2).sum(axis=1) / total
    return ratios(fourth, second**2, second > 0) - 3


def sparsenesses(statistics: UnitStatistics) -> NDArray[np.float64]:
    """Lifetime sparseness: 0 if all pictures excite a unit alike, 1 if only one does. NaN for constant units.

    Values count from the unit's smallest one on, so that it does not matter where its zero is.

    Returns:
        (units,).
    """
    count = statistics.count
    first = statistics.means - statistics.least
    second = statistics.squares / count + first**2
    return (1 - ratios(first**2, second, statistics.varies)) / (1 - 1 / max(2, count))


def class_selectivities(statistics: UnitStatistics, labels: Sequence[str]) -> NDArray[np.float64] | None:
    """How much more the best class excites each unit than the others do: (best - others) / (best + others).

    Both are means over the sampled pictures, counted from the unit's smallest value on: 0 for no difference, 1 if the
    other classes never lift the unit above it. Classes with fewer than `FEWEST_OF_A_CLASS` sampled pictures are left
    out.

    Args:
        statistics: A layer's.
        labels: Class of each sampled picture; empty for none.

    Returns:
        (units,), NaN for constant units; None if fewer than two classes have enough pictures.
    """
    names, numbers = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    sizes = np.bincount(numbers, minlength=len(names)) if len(names) else np.zeros(0, int)
    kept = np.flatnonzero((sizes >= FEWEST_OF_A_CLASS) & (names != ""))
    if len(kept) < 2:
        return None
    member = (numbers[:, None] == kept[None]).astype(np.float32) / sizes[kept].astype(np.float32)
    shifted = statistics.sample.astype(np.float32) - statistics.least[:, None]
    means = np.maximum((shifted @ member).astype(np.float64), 0)
    highest = means.max(axis=1)
    others = (means.sum(axis=1) - highest) / (len(kept) - 1)
    whole = highest + others
    return ratios(highest - others, whole, (whole > 0) & statistics.varies)


def clarities(statistics: UnitStatistics, embeddings: Embeddings, most: int = 100) -> NDArray[np.float64]:
    """Mean cosine of all pairs of each unit's top pictures: 1 if they are all alike. NaN with fewer than two.

    Of a unit that is never below zero only pictures above it count.

    Args:
        statistics: A layer's.
        embeddings: The pictures'.
        most: Number of top pictures that count.

    Returns:
        (units,).
    """
    pictures = statistics.exciting.pictures[:, :most]
    there = pictures != NONE
    numbers = there.sum(axis=1).astype(np.float64)
    # Only pictures that are in some list, as float32, and last a row of zeros for the places that nothing has taken.
    listed = np.zeros(len(embeddings.rows) + 1, dtype=np.bool_)
    listed[pictures] = True
    used = np.flatnonzero(listed[:-1])
    places = np.full(len(listed), len(used))
    places[used] = np.arange(len(used))
    rows = np.concatenate([embeddings.unit_rows(used), np.zeros((1, embeddings.rows.shape[1]), np.float32)])
    squares = np.empty(len(pictures))
    for start in range(0, len(pictures), _ROWS):
        # That none is -1 makes it the last.
        part = places[pictures[start : start + _ROWS]]
        total = np.zeros((len(part), rows.shape[1]), np.float32)
        for column in part.T:
            total += rows[column]
        squares[start : start + _ROWS] = np.einsum("ud,ud->u", total, total)
    pairs = numbers * (numbers - 1)
    return ratios(squares - numbers, pairs, pairs > 0)


def monosemanticities(statistics: UnitStatistics, embeddings: Embeddings) -> NDArray[np.float64]:
    """Monosemanticity score: mean cosine of all pairs of pictures, weighted by how much both excite the unit.

    The weight of a picture goes from 0, at the unit's smallest value, to 1, at its largest; that of a pair is the
    product. Exact, from sums. NaN where no pair has a weight: for constant units, and those that one picture excites.

    Returns:
        (units,).
    """
    count, mean = statistics.count, embeddings.mean
    span = np.where(statistics.varies, statistics.most.astype(np.float64) - statistics.least, np.nan)
    # Sum over the pictures of weight, of weight squared, and of weight times embedding.
    first = count * (statistics.means - statistics.least) / span
    second = statistics.squares / span**2 + first**2 / count
    # |cross / span + first * mean|², without a copy of `cross` in float64.
    sizes = np.empty(statistics.units)
    for start in range(0, statistics.units, _ROWS):
        rows = statistics.cross[start : start + _ROWS].astype(np.float64)
        rows /= span[start : start + _ROWS, None]
        rows += first[start : start + _ROWS, None] * mean
        sizes[start : start + _ROWS] = np.einsum("ud,ud->u", rows, rows)
    pairs = first**2 - second
    return ratios(sizes - second, pairs, pairs > 1e-9 * first**2)


def redundancies(
    statistics: UnitStatistics, units: Sequence[int] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The largest correlation of each unit with another one of the layer, in the sampled pictures, and which that is.

    Args:
        statistics: A layer's.
        units: Those that are asked about; all by default.

    Returns:
        (units,) each: the correlation, NaN where no other unit varies or the unit does not; the index, -1 there.
    """
    rows = standardized(statistics.sample)
    constant = np.asarray(~rows.any(axis=1), dtype=np.bool_)
    wanted = np.arange(len(rows)) if units is None else np.asarray(units, dtype=np.intp)
    largest = np.full(len(wanted), np.nan)
    others = np.full(len(wanted), NONE, dtype=np.int64)
    if (~constant).sum() < 2:
        return largest, others
    for start in range(0, len(wanted), _ROWS):
        part = wanted[start : start + _ROWS]
        products = rows[part] @ rows.T
        products[np.arange(len(part)), part] = -np.inf
        products[:, constant] = -np.inf
        others[start : start + _ROWS] = products.argmax(axis=1)
        largest[start : start + _ROWS] = products.max(axis=1)
    largest[constant[wanted]], others[constant[wanted]] = np.nan, NONE
    return np.clip(largest, -1, 1), others


def ratios(
    numerators: NDArray[np.float64], denominators: NDArray[np.float64], defined: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Quotients where they are defined, and NaN elsewhere."""
    found = np.full(len(numerators), np.nan)
    np.divide(numerators, denominators, out=found, where=defined)
    return found
