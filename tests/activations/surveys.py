"""Surveys of given activations, by direct computation in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.statistics import Embeddings, Extremes, Histogram, Pooling, Surveyed, UnitStatistics
from clipdesk.activations.survey import Survey

LAYER = "visual.layer"


def direct_survey(
    activations: Mapping[tuple[str, Pooling], NDArray[np.floating]],
    rows: NDArray[np.floating],
    *,
    labels: Sequence[str] = (),
    sampled: int = 512,
    most: int = 100,
    seed: int = 0,
) -> Survey:
    """A survey of pictures whose activations and embeddings are known.

    Args:
        activations: By layer and pooling, (pictures, units).
        rows: Embeddings, of any length, (pictures, width).
        labels: Class of each picture.
        sampled: Number of sampled pictures, at most.
        most: Length of the lists of top and bottom pictures.
        seed: Of the sample.
    """
    count = len(rows)
    z = rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    sample = np.sort(np.random.default_rng(seed).permutation(count)[:sampled]).astype(np.int32)
    centered = z - z.mean(axis=0)
    return Survey(
        model="demo",
        weights="0" * 64,
        source="scenes:5000",
        pictures=[
            Surveyed(f"{index:016x}:{index}", f"{index}.png", labels[index] if labels else "") for index in range(count)
        ],
        embeddings=Embeddings(z.astype(np.float16), z.mean(axis=0), centered.T @ centered),
        sample=sample,
        statistics={
            (layer, pooling): direct_statistics(layer, pooling, values, z, sample, most)
            for (layer, pooling), values in activations.items()
        },
    )


def direct_statistics(
    layer: str,
    pooling: Pooling,
    values: NDArray[np.floating],
    z: NDArray[np.float64],
    sample: NDArray[np.int32],
    most: int,
) -> UnitStatistics:
    """The statistics of a layer's activations, (pictures, units)."""
    a = values.astype(np.float64)
    centered = a - a.mean(axis=0)
    return UnitStatistics(
        layer=layer,
        pooling=pooling,
        count=len(a),
        means=a.mean(axis=0),
        squares=(centered**2).sum(axis=0),
        least=a.min(axis=0).astype(np.float32),
        most=a.max(axis=0).astype(np.float32),
        fired=(a > 0).sum(axis=0),
        cross=(centered.T @ (z - z.mean(axis=0))).astype(np.float32),
        top=_extremes(-a, a, most),
        bottom=_extremes(a, a, most),
        histogram=_histogram(a),
        sample=a[sample].T.astype(np.float16),
    )


def toy(
    count: int = 1500,
    units: int = 24,
    width: int = 16,
    *,
    seed: int = 0,
    labels: Sequence[str] = (),
    sampled: int = 512,
) -> tuple[Survey, NDArray[np.float64], NDArray[np.float64]]:
    """A survey of rectified units that answer to random directions: survey, activations, embeddings of length 1."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(count, width)) + 0.5
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    # As float32, in which a survey reads them.
    a = np.maximum(rng.normal(size=(count, units)) + 3 * z @ rng.normal(size=(width, units)), -0.3)
    a = a.astype(np.float32).astype(np.float64)
    return direct_survey({(LAYER, "mean"): a}, z, labels=labels, sampled=sampled), a, z


def _extremes(keys: NDArray[np.float64], values: NDArray[np.float64], most: int) -> Extremes:
    """The pictures with the smallest keys."""
    count, units = keys.shape
    order = np.argsort(keys, axis=0, kind="stable")[:most].T
    filled = (units, most)
    found, pictures = np.full(filled, np.nan, np.float32), np.full(filled, -1, np.int32)
    found[:, : min(count, most)] = np.take_along_axis(values.T, order, axis=1)
    pictures[:, : min(count, most)] = order
    return Extremes(found, pictures, np.full(filled, -1, np.int16))


def _histogram(values: NDArray[np.float64], bins: int = 128) -> Histogram:
    exponents, starts, counts = [], [], []
    for column in values.T:
        low, high = float(column.min()), float(column.max())
        exponent = -40
        while np.floor(high / 2.0**exponent) - np.floor(low / 2.0**exponent) + 1 > bins:
            exponent += 1
        start = int(np.floor(low / 2.0**exponent)) if high > low else 0
        places = (np.floor(column / 2.0**exponent) - start).astype(int) if high > low else np.zeros(len(column), int)
        exponents.append(exponent)
        starts.append(start)
        counts.append(np.bincount(places, minlength=bins))
    return Histogram(np.array(exponents, np.int16), np.array(starts, np.int32), np.array(counts, np.uint32))
