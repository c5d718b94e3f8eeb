"""Correlations between units, from their values in the sampled pictures."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.statistics import UnitStatistics
from clipdesk.activations.survey import products

_LARGEST = float(np.finfo(np.float16).max)
_ROWS = 2048
"""Units whose samples are turned into float32 at once: few enough for a processor's cache."""


_scales: WeakKeyDictionary[UnitStatistics, NDArray[np.float32]] = WeakKeyDictionary()
"""What `scales_of` found of layers that are in memory: it takes three quarters of a comparison with all units."""


def standardized(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows of values with mean 0 and length 1, so that products of two rows are correlations; 0 for constant rows.

    Values that are not finite, where a unit overflowed float16, become its largest finite one.
    """
    values = _finite(samples)
    if not values.shape[1]:
        return values
    constant = values.max(axis=1) == values.min(axis=1)
    values -= values.mean(axis=1, keepdims=True)
    # Divided by the largest first, so that the squares of tiny values do not underflow.
    sizes = np.abs(values).max(axis=1, initial=0)
    values *= np.divide(1, sizes, out=np.zeros_like(sizes), where=~constant & (sizes > 0))[:, None]
    lengths = np.sqrt(np.einsum("us,us->u", values, values))
    values *= np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)[:, None]
    return values


def unit_correlations(statistics: UnitStatistics, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """As `sample_correlations` with a layer's units; the second time for a layer takes a quarter of the first."""
    scales = _scales.get(statistics)
    if scales is None:
        scales = _scales[statistics] = scales_of(statistics.sample)
    return sample_correlations(statistics.sample, rows, scales)


def sample_correlations(
    samples: NDArray[np.floating], rows: NDArray[np.float32], scales: NDArray[np.float32] | None = None
) -> NDArray[np.float64]:
    """Correlation of some values in the sampled pictures with each unit's.

    Args:
        samples: Values of units, (units, sampled).
        rows: What they are compared with, `standardized`, (rows, sampled).
        scales: What `scales_of` gives for the units, if it is known.

    Returns:
        (rows, units), in [-1, 1].
    """
    scales = scales_of(samples) if scales is None else scales
    # The rows' own mean is 0, so that of the samples need not be taken off.
    parts = [products(rows, _finite(samples[start : start + _ROWS])) for start in range(0, len(samples), _ROWS)]
    found = np.concatenate(parts, axis=1) if parts else np.zeros((len(rows), 0), np.float32)
    return np.clip((found * scales).astype(np.float64), -1, 1)


def scales_of(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """What makes each unit's values, less their mean, a row of length 1; 0 for constant units, (units,)."""
    found = np.zeros(len(samples), np.float32)
    for start in range(0, len(samples), _ROWS) if samples.shape[1] else ():
        values = _finite(samples[start : start + _ROWS])
        constant = values.max(axis=1) == values.min(axis=1)
        values -= values.mean(axis=1, keepdims=True)
        lengths = np.sqrt(np.einsum("us,us->u", values, values))
        np.divide(1, lengths, out=found[start : start + len(values)], where=~constant & (lengths > 0))
    return found


def _finite(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    values = samples.astype(np.float32)
    if not np.isfinite(values).all():
        values = np.nan_to_num(values, nan=0.0, posinf=_LARGEST, neginf=-_LARGEST)
    return values
