"""Soft WPMI, the score of CLIP-Dissect (Oikarinen and Weng 2023), from its formula."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.statistics import NONE, Embeddings, Extremes

SHARPNESS = 10.0
"""The formula's a: what cosines are multiplied by before the softmax."""
_FIRST, _LAST = 0.998, 0.97
"""How certainly the first and the last picture of a unit's list belong to it."""
_EPSILON = 1e-7
"""What the formula adds before the logarithm."""
_MOST = 100
_HELD = 2**27
"""Shares that are kept in memory at once: 512 MB. So those of 50,000 pictures and 2,600 concepts are computed once."""
_PICTURES = 4096
_UNITS = 16
_FACTORS = 10
"""Factors that are multiplied before a logarithm is taken: none is below 0.002, so float32 holds ten."""

_Numbers = NDArray[np.float32]


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
    found = np.empty((len(pictures), len(texts)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for part, shares in _shares(embeddings.unit_rows(used), texts, pool):
            # A place that no picture has taken: its factor becomes 1.
            shares[used == NONE] = 1
            list(pool.map(partial(_add_logs, found[:, part], shares, places), range(0, len(pictures), _UNITS)))
    return found


def _shares(rows: _Numbers, texts: _Numbers, pool: Executor) -> Iterator[tuple[slice, _Numbers]]:
    """How probable each concept is for each picture, (pictures, concepts), for as many concepts at once as have room.

    With less room than for all, the exponentials are computed twice: first for their sums.
    """
    size = max(1, _HELD // max(1, len(rows)))
    parts = [slice(start, start + size) for start in range(0, len(texts), size)]
    sums = np.zeros((len(rows), 1), np.float32)
    for part in parts if len(parts) > 1 else ():
        sums += _exponentials(rows, texts[part], pool)[1]
    for part in parts:
        found, own = _exponentials(rows, texts[part], pool)
        yield part, _divided(found, own if len(parts) == 1 else sums, pool)


def _exponentials(rows: _Numbers, texts: _Numbers, pool: Executor) -> tuple[_Numbers, _Numbers]:
    """Exponentials of cosines times `SHARPNESS`, (pictures, concepts), and their sums, (pictures, 1)."""
    found = np.empty((len(rows), len(texts)), np.float32)
    sums = np.empty((len(rows), 1), np.float32)
    sharp = (SHARPNESS * texts).T.astype(np.float32)

    def of(start: int) -> None:
        part = slice(start, start + _PICTURES)
        np.exp(rows[part] @ sharp, out=found[part])
        found[part].sum(axis=1, keepdims=True, out=sums[part])

    list(pool.map(of, range(0, len(rows), _PICTURES)))
    return found, sums


def _divided(found: _Numbers, sums: _Numbers, pool: Executor) -> _Numbers:
    def divide(start: int) -> None:
        found[start : start + _PICTURES] /= sums[start : start + _PICTURES]

    list(pool.map(divide, range(0, len(found), _PICTURES)))
    return found


def _add_logs(found: NDArray[np.float64], shares: _Numbers, places: NDArray[np.intp], first: int) -> None:
    """For some units, the sum over their pictures of log(1 + membership * (share - 1) + 1e-7).

    Each factor is the membership times a sum of the share and a number that depends on the rank alone, so that a
    picture takes one addition and one multiplication.
    """
    units = slice(first, first + _UNITS)
    rows = places[units]
    memberships = _FIRST - np.arange(rows.shape[1]) / _MOST * (_FIRST - _LAST)
    added = ((1 + _EPSILON - memberships) / memberships).astype(np.float32)
    found[units] = np.log(memberships).sum()
    factors = np.empty((len(rows), shares.shape[1]), np.float32)
    product = np.empty_like(factors)
    for start in range(0, rows.shape[1], _FACTORS):
        product.fill(1)
        for place in range(start, min(start + _FACTORS, rows.shape[1])):
            np.take(shares, rows[:, place], axis=0, out=factors, mode="clip")
            factors += added[place]
            product *= factors
        found[units] += np.log(product, out=product)
