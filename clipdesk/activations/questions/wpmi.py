"""Soft WPMI, the score of CLIP-Dissect (Oikarinen and Weng 2023), from its formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.statistics import NONE, Embeddings, Extremes

SHARPNESS = 10.0
"""The formula's a: what cosines are multiplied by before the softmax."""
_FIRST, _LAST = 0.998, 0.97
"""How certainly the first and the last picture of a unit's list belong to it."""
_MOST = 100
_CONCEPTS = 256
_UNITS = 64
_FACTORS = 10
"""Factors that are multiplied before a logarithm is taken: none is below 0.002, so float32 holds ten."""


def soft_wpmi(
    top: Extremes, embeddings: Embeddings, texts: NDArray[np.float32], *, prior: float = 1.0
) -> NDArray[np.float64]:
    """How much more each concept belongs to a unit's top pictures than to those of the layer's other units.

    The layer is the fixed set over which the prior is taken: all of its units must be given, since the score of a unit
    depends on the others. Of the published defaults: a = 10, the top 100 pictures, whose membership falls from 0.998 to
    0.97, and lambda = 1.

    Args:
        top: The top pictures of all units of a layer.
        embeddings: The pictures'.
        texts: Embeddings of the concepts, of length 1, (concepts, width).
        prior: The formula's lambda.

    Returns:
        (units, concepts), larger is better.
    """
    found = log_likelihoods(top, embeddings, texts)
    return found - prior * log_prior(found)


def log_prior(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of the mean likelihood of each concept, (concepts,), from those of all units of a layer."""
    # Less the largest, so that the sum over the units does not underflow.
    highest = found.max(axis=0)
    return np.asarray(np.log(np.exp(found - highest).mean(axis=0)) + highest, dtype=np.float64)


def log_likelihoods(top: Extremes, embeddings: Embeddings, texts: NDArray[np.float32]) -> NDArray[np.float64]:
    """How well each concept explains each unit's top pictures, without the prior; (units, concepts)."""
    pictures = top.pictures[:, :_MOST]
    used, places = np.unique(pictures, return_inverse=True)
    places = places.reshape(pictures.shape)
    rows = embeddings.unit_rows(used)
    memberships = np.where(pictures == NONE, 0, _FIRST - np.arange(pictures.shape[1]) / _MOST * (_FIRST - _LAST))
    totals = np.zeros(len(rows), np.float32)
    for start in range(0, len(texts), _CONCEPTS):
        totals += _exponentials(rows, texts[start : start + _CONCEPTS]).sum(axis=1)
    found = np.empty((len(pictures), len(texts)))
    for start in range(0, len(texts), _CONCEPTS):
        part = slice(start, start + _CONCEPTS)
        shares = _exponentials(rows, texts[part]) / totals[:, None]
        for first in range(0, len(pictures), _UNITS):
            units = slice(first, first + _UNITS)
            found[units, part] = _log_likelihoods(shares, places[units], memberships[units].astype(np.float32))
    return found


def _exponentials(rows: NDArray[np.float32], texts: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.exp(rows @ (SHARPNESS * texts).T.astype(np.float32)), dtype=np.float32)


def _log_likelihoods(
    shares: NDArray[np.float32], places: NDArray[np.intp], memberships: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Sum over a unit's pictures of log(1 + membership * (share - 1) + 1e-7), (units, concepts)."""
    total = np.zeros((len(places), shares.shape[1]))
    for start in range(0, places.shape[1], _FACTORS):
        product = np.ones(total.shape, np.float32)
        for place in range(start, min(start + _FACTORS, places.shape[1])):
            product *= memberships[:, place, None] * (shares[places[:, place]] - 1) + np.float32(1 + 1e-7)
        total += np.log(product)
    return total
