"""Correlations between units, from their values in the sampled pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.survey import products

_LARGEST = float(np.finfo(np.float16).max)
_ROWS = 2048
"""Units whose samples are turned into float32 at once: few enough for a processor's cache."""


def standardized(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows of values with mean 0 and length 1, so that products of two rows are correlations; 0 for constant rows.

    Values that are not finite, where a unit overflowed float16, become its largest finite one.
    """
    values = samples.astype(np.float32)
    if not values.shape[1]:
        return values
    if not np.isfinite(values).all():
        values = np.nan_to_num(values, nan=0.0, posinf=_LARGEST, neginf=-_LARGEST)
    constant = values.max(axis=1) == values.min(axis=1)
    values -= values.mean(axis=1, keepdims=True)
    # Divided by the largest first, so that the squares of tiny values do not underflow.
    sizes = np.abs(values).max(axis=1, initial=0)
    values *= np.divide(1, sizes, out=np.zeros_like(sizes), where=~constant & (sizes > 0))[:, None]
    lengths = np.sqrt(np.einsum("us,us->u", values, values))
    values *= np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)[:, None]
    return values


def sample_correlations(samples: NDArray[np.floating], rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlation of some values in the sampled pictures with each unit's.

    Args:
        samples: Values of units, (units, sampled).
        rows: What they are compared with, `standardized`, (rows, sampled).

    Returns:
        (rows, units), in [-1, 1].
    """
    parts = [products(rows, standardized(samples[start : start + _ROWS])) for start in range(0, len(samples), _ROWS)]
    found = np.concatenate(parts, axis=1) if parts else np.zeros((len(rows), 0), np.float32)
    return np.clip(found.astype(np.float64), -1, 1)
