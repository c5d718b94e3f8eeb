"""How well a concept predicts a unit's activations in pictures that it was not chosen by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.sampled import standardized

ALPHA = 0.05
"""Share of the pictures, those with the largest activations, in which a unit counts as active for AUPRC."""
FEWEST = 30
"""Held-out pictures below which no score is given."""
_SHUFFLED = 200
_QUANTILE = 0.95


def correlations_of_pairs(values: NDArray[np.floating], signals: NDArray[np.floating]) -> NDArray[np.float64]:
    """Pearson correlation of each unit with each of its own signals.

    Args:
        values: (units, pictures).
        signals: (units, signals, pictures).

    Returns:
        (units, signals); NaN with fewer than `FEWEST` pictures.
    """
    units, count, pictures = signals.shape
    if pictures < FEWEST:
        return np.full((units, count), np.nan)
    rows = standardized(signals.reshape(units * count, pictures)).reshape(signals.shape)
    found = np.einsum("up,usp->us", standardized(values), rows)
    return np.asarray(np.clip(found, -1, 1), dtype=np.float64)


def active(values: NDArray[np.floating], alpha: float = ALPHA) -> NDArray[np.bool_]:
    """In which pictures each unit counts as active: the `alpha` of them with its largest values.

    Those that equal the smallest of these count too, unless it is the unit's smallest value: a unit that is above zero
    in 2 % of the pictures is active in these.

    Args:
        values: (units, pictures).
        alpha: Share of the pictures.

    Returns:
        (units, pictures).
    """
    pictures = values.shape[1]
    count = max(1, round(alpha * pictures))
    bound = np.partition(values, pictures - count, axis=1)[:, pictures - count][:, None]
    return np.asarray((values >= bound) & (values > values.min(axis=1, keepdims=True)), dtype=np.bool_)


def average_precisions(positives: NDArray[np.bool_], scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Area under the curve of precision and recall (AUPRC), as average precision; equal scores count together.

    Args:
        positives: (..., pictures).
        scores: Predictors, of the same shape.

    Returns:
        (...); NaN where nothing is positive or there are fewer than `FEWEST` pictures. Chance gives the share of
        positives.
    """
    pictures = scores.shape[-1]
    totals = positives.sum(axis=-1)
    if pictures < FEWEST:
        return np.full(totals.shape, np.nan)
    order = np.argsort(-scores, axis=-1, kind="stable")
    ranked, hits = np.take_along_axis(scores, order, axis=-1), np.take_along_axis(positives, order, axis=-1)
    last = np.ones(ranked.shape, dtype=bool)
    last[..., :-1] = ranked[..., 1:] != ranked[..., :-1]
    # For each place the last one with the same score.
    ends = np.where(last, np.arange(pictures), pictures)
    ends = np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]
    precisions = np.take_along_axis(hits.cumsum(axis=-1) / np.arange(1, pictures + 1), ends, axis=-1)
    found = np.full(totals.shape, np.nan)
    np.divide((precisions * hits).sum(axis=-1), totals, out=found, where=totals > 0)
    return found


def chance_bound(
    values: NDArray[np.floating], signals: NDArray[np.float32], seed: int, *, shuffled: int = _SHUFFLED
) -> float:
    """The correlation that 95 % of meaningless units stay below with the best of all concepts.

    Learnt from units of the same layer whose values are shuffled over the pictures, so that they have the distribution
    of real ones.

    Args:
        values: Units of the layer, (units, pictures).
        signals: All concepts in all templates, `standardized`, (signals, pictures).
        seed: Of the choice of units and of the shuffling.
        shuffled: Number of units to shuffle.

    Returns:
        NaN with fewer than `FEWEST` pictures, or if no unit varies.
    """
    if values.shape[1] < FEWEST:
        return float("nan")
    varying = np.flatnonzero(values.max(axis=1) > values.min(axis=1))
    if not len(varying):
        return float("nan")
    rng = np.random.default_rng(seed)
    rows = rng.permuted(standardized(values[rng.choice(varying, shuffled)]), axis=1)
    return float(np.quantile((rows @ signals.T).max(axis=1), _QUANTILE))
