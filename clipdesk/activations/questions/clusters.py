"""Groups among a unit's top pictures: does it answer to one thing or to several?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.examples import exciting
from clipdesk.activations.questions.lookup import check_unit, statistics_of
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.survey import Survey
from clipdesk.given import checked

MOST = 5
CLEAR = 0.25
"""Mean silhouette below which there is no structure worth the name (Kaufman and Rousseeuw 1990)."""
FEWEST = 3
"""Pictures of a group."""
_TRIES, _ROUNDS = 10, 100

Rows = NDArray[np.float64]
Groups = NDArray[np.intp]


@dataclass(frozen=True)
class Clusters:
    """The groups of a unit's top pictures.

    Attributes:
        groups: Indices of the pictures of each group, the largest group first, in it the most typical picture first;
            none if no picture excites the unit.
        silhouette: Mean silhouette of the grouping, in [-1, 1]; NaN for a single group.
        polysemanticity: 1 - cosine of the centres of two groups (SemanticLens), whether there are two or not; NaN with
            fewer than two different pictures.
    """

    groups: tuple[tuple[int, ...], ...]
    silhouette: float
    polysemanticity: float


@checked
def clusters(
    survey: Survey, layer: str, unit: int, *, pooling: Pooling | None = None, most: int = MOST, seed: int = 0
) -> Clusters:
    """Group the top pictures of a unit by k-means on their embeddings.

    The number of groups is the one with the largest mean silhouette, if that is at least `CLEAR` and each group has
    `FEWEST` pictures; otherwise all pictures are one group.

    Args:
        survey: A survey.
        layer: Dotted name of a layer.
        unit: Index of the unit.
        pooling: By default the layer's usual one.
        most: Number of groups, at most.
        seed: Of the starts of k-means.

    Raises:
        UsageError: the survey does not have the layer or the unit.
    """
    statistics = statistics_of(survey, layer, pooling)
    check_unit(statistics, unit)
    own = statistics.only(np.array([unit]))
    pictures = np.array([each.picture for each in exciting(own)], dtype=own.top.pictures.dtype)
    if not len(pictures):
        return Clusters((), float("nan"), float("nan"))
    rows = survey.embeddings.unit_rows(pictures).astype(np.float64)
    different = len(np.unique(rows, axis=0))
    rows = _narrow(rows)
    distances = np.sqrt(_squared(rows, rows))
    chosen, score = np.zeros(len(rows), dtype=np.intp), float("nan")
    polysemanticity = float("nan")
    for count in range(2, min(max(2, most), different) + 1):
        groups = k_means(rows, count, seed)
        if count == 2:
            polysemanticity = _apart(rows, groups)
        sizes = np.bincount(groups, minlength=count)
        silhouette = mean_silhouette(distances, groups)
        if count <= most and sizes.min() >= FEWEST and silhouette >= CLEAR and not silhouette <= score:
            chosen, score = groups, silhouette
    return Clusters(_sorted(rows, pictures, chosen), score, polysemanticity)


def k_means(rows: Rows, count: int, seed: int) -> Groups:
    """The best of ten runs of k-means from k-means++ starts: the group of each row.

    Args:
        rows: (rows, width), at least `count` different ones.
        count: Number of groups.
        seed: Of the starts.
    """
    rng = np.random.default_rng(seed)
    # All runs side by side: one by one, most of the time goes into calls.
    centers = np.stack([_starts(rows, count, rng) for _ in range(_TRIES)])
    groups = np.full((_TRIES, len(rows)), -1, dtype=np.intp)
    for _ in range(_ROUNDS):
        distances = _squared(rows, centers.reshape(_TRIES * count, -1)).reshape(len(rows), _TRIES, count)
        found = distances.argmin(axis=2).T
        if (found == groups).all():
            break
        groups = found
        member = (groups[:, None] == np.arange(count)[:, None]).astype(np.float64)
        sizes = member.sum(axis=2, keepdims=True)
        # A group that has lost all of its rows keeps its centre.
        centers = np.where(sizes > 0, member @ rows / np.maximum(1, sizes), centers)
    errors = distances.min(axis=2).sum(axis=0)
    return np.asarray(groups[errors.argmin()], dtype=np.intp)


def mean_silhouette(distances: Rows, groups: Groups) -> float:
    """How much nearer rows are to their own group than to the next one, in [-1, 1]; 0 for rows that are alone.

    Args:
        distances: Of all rows from each other, (rows, rows).
        groups: The group of each row, from 0; at least two.
    """
    member = groups[:, None] == np.arange(groups.max() + 1)
    sums, sizes = distances @ member, member.sum(axis=0)
    own = np.arange(len(distances)), groups
    inside = sums[own] / np.maximum(1, sizes[groups] - 1)
    means = sums / np.maximum(1, sizes)
    means[own] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(np.maximum(inside, outside), 1e-12)
    return float(np.where(sizes[groups] > 1, (outside - inside) / larger, 0).mean())


def _narrow(rows: Rows) -> Rows:
    """Rows in as few numbers as keep all of their distances and products: at most as many as there are rows."""
    if len(rows) >= rows.shape[1]:
        return rows
    left, sizes, _ = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(left * sizes, dtype=np.float64)


def _starts(rows: Rows, count: int, rng: np.random.Generator) -> Rows:
    """k-means++: each further start is drawn with a chance that grows with its distance to the others."""
    starts = [rows[rng.integers(len(rows))]]
    while len(starts) < count:
        nearest = _squared(rows, np.stack(starts)).min(axis=1)
        total = nearest.sum()
        starts.append(rows[rng.choice(len(rows), p=nearest / total if total > 0 else None)])
    return np.stack(starts)


def _squared(rows: Rows, others: Rows) -> Rows:
    """Squared distances, (rows, others)."""
    products = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * rows @ others.T
    return np.asarray(np.maximum(products, 0), dtype=np.float64)


def _apart(rows: Rows, groups: Groups) -> float:
    """1 - cosine of the centres of two groups."""
    if groups.min() == groups.max():
        return 0.0
    one, other = (rows[groups == group].mean(axis=0) for group in (0, 1))
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return 1 - float(one @ other) / lengths if lengths > 0 else float("nan")


def _sorted(rows: Rows, pictures: NDArray[np.int32], groups: Groups) -> tuple[tuple[int, ...], ...]:
    found = []
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        away = ((rows[inside] - rows[inside].mean(axis=0)) ** 2).sum(axis=1)
        found.append(tuple(int(pictures[place]) for place in inside[np.argsort(away, kind="stable")]))
    return tuple(sorted(found, key=len, reverse=True))
