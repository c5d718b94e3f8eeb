"""Linear CKA of layers, without the upward bias that it has where units outnumber pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST = 4
"""Pictures below which there is no unbiased estimate."""


def cka(first: Sequence[NDArray[np.floating]], second: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Linear CKA (Kornblith et al. 2019) of each layer of one model with each of another.

    From the unbiased estimate of HSIC by Song et al. (2012), which Nguyen, Raghu and Kornblith (2021) put into CKA:
    layers of independent values get 0 on average, and may get a little less.

    Args:
        first: Each layer's values in the same pictures, (units, pictures).
        second: The other model's.

    Returns:
        (first's layers, second's); NaN where a layer does not vary or there are fewer than `LEAST` pictures.
    """
    left, right = _kernels(first), _kernels(second)
    products = left @ right.T
    lengths = [np.sqrt(np.maximum(np.einsum("lk,lk->l", each, each), 0)) for each in (left, right)]
    scale = np.outer(*lengths)
    found = np.full(products.shape, np.nan)
    np.divide(products, scale, out=found, where=scale > 0)
    return found


def _kernels(layers: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Each layer's kernel, centred so that products of two are unbiased estimates of HSIC, (layers, pictures²)."""
    return np.stack([_kernel(np.asarray(each, dtype=np.float64)).ravel() for each in layers])


def _kernel(values: NDArray[np.float64]) -> NDArray[np.float64]:
    count = values.shape[1]
    centred = values - values.mean(axis=1, keepdims=True)
    if count < LEAST or not np.any(values != values[:, :1]):
        return np.zeros((count, count))
    # The scale makes no difference to CKA, but what is large overflows when it is multiplied by itself.
    centred /= np.abs(centred).max()
    kernel = np.asarray(centred.T @ centred, dtype=np.float64)
    np.fill_diagonal(kernel, 0)
    rows = kernel.sum(axis=1) / (count - 2)
    kernel += rows.sum() / (count - 1) - rows[:, None] - rows
    np.fill_diagonal(kernel, 0)
    return kernel
