"""What sparse autoencoders compute, in float64, written from their papers: what the tests compare with.

Nothing of ClipDesk's is used here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def layer_normed(x: Array) -> tuple[Array, Array, Array]:
    mean = x.mean(-1, keepdims=True)
    deviation = x.std(-1, ddof=1, keepdims=True)
    return (x - mean) / (deviation + 1e-5), mean, deviation


def relu(pre: Array) -> Array:
    return np.maximum(pre, 0)


def top_k(pre: Array, k: int, *, rectified: bool) -> Array:
    out = np.zeros_like(pre)
    for row, values in zip(out.reshape(-1, pre.shape[-1]), pre.reshape(-1, pre.shape[-1]), strict=True):
        best = np.argsort(-values, kind="stable")[:k]
        row[best] = values[best]
    return relu(out) if rectified else out


def above(pre: Array, threshold: Array | float) -> Array:
    return np.where(pre > threshold, relu(pre), 0)


def gated(x: Array, w: Array, b_gate: Array, r_mag: Array, b_mag: Array) -> Array:
    return ((x @ w + b_gate) > 0) * relu(x @ (w * np.exp(r_mag)) + b_mag)


def r2(x: Array, rebuilt: Array) -> float:
    flat, other = x.reshape(-1, x.shape[-1]), rebuilt.reshape(-1, x.shape[-1])
    return float(1 - ((flat - other) ** 2).sum() / ((flat - flat.mean(0)) ** 2).sum())
