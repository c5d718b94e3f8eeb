"""Survey: one pass of a model over an image set, as it lies on the disk, and what follows from its sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.statistics import Embeddings, Pooling, Surveyed, UnitStatistics

_FEW = 4


@dataclass(frozen=True, eq=False)
class Survey:
    """What every unit of a model answers to in a set of pictures.

    Attributes:
        model: What the model was asked for by.
        weights: SHA-256 of its weights.
        source: What opens the image set again.
        pictures: Those that were read, in the order of their places; indices elsewhere count in this order.
        embeddings: Their image embeddings.
        sample: Indices of up to 512 pictures drawn by chance (those whose ids have the smallest SHA-256), ascending,
            int32, (sampled,). Every unit's activations in them are kept, so what is learnt from the others can be
            tested on them.
        statistics: By layer and pooling.
    """

    model: str
    weights: str
    source: str
    pictures: Sequence[Surveyed]
    embeddings: Embeddings
    sample: NDArray[np.int32]
    statistics: Mapping[tuple[str, Pooling], UnitStatistics]


def correlations(
    statistics: UnitStatistics, embeddings: Embeddings, directions: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Pearson correlation of each unit's activation with each direction's cosine to the picture, over all pictures.

    From sums, to about six digits: cov(a, z·t) = cov(a, z)·t, since the cosine is linear in the embedding.

    Args:
        statistics: A layer's.
        embeddings: The pictures'.
        directions: Embeddings of texts or of pictures, in the same space, of any length, (directions, width).

    Returns:
        (directions, units), in [-1, 1]; 0 where a unit or a direction does not vary.
    """
    found = products(scaled(embeddings, directions), statistics.cross).astype(np.float64)
    found *= reciprocals(statistics)
    return np.clip(found, -1, 1, out=found)


def scaled(embeddings: Embeddings, directions: NDArray[np.floating]) -> NDArray[np.float32]:
    """Directions of a length at which the pictures' projections vary by 1 in all; 0 where they do not vary.

    In float32, as `UnitStatistics.cross` is: a copy of 180,000 rows in float64 takes longer than all the rest.

    Args:
        embeddings: The pictures'.
        directions: (directions, width).
    """
    wide = np.asarray(directions, dtype=np.float64)
    variances = embeddings.variances(wide)
    # Rounding leaves a little of a direction that does not vary at all.
    rounding = 1e-12 * float(np.trace(embeddings.scatter)) * (wide * wide).sum(axis=1)
    lengths = np.divide(1, np.sqrt(np.maximum(variances, 0)), out=np.zeros_like(variances), where=variances > rounding)
    return np.asarray(wide * lengths[:, None], dtype=np.float32)


def reciprocals(statistics: UnitStatistics) -> NDArray[np.float64]:
    """What makes each unit's values vary by 1 in all, when they are multiplied by it: 1 / sqrt(squares), (units,).

    It is 0 for units whose values are all the same.
    """
    return np.divide(1, np.sqrt(statistics.squares), out=np.zeros(statistics.units), where=statistics.varies)


def products(directions: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The product of each direction with each row, (directions, rows).

    A few directions are taken one by one on this thread: BLAS's threads would wait for each other for longer than
    that takes, where other programs are at work.
    """
    if len(directions) <= _FEW:
        taken = [np.einsum("ud,d->u", rows, direction) for direction in directions]
        return np.stack(taken) if taken else np.zeros((0, len(rows)), np.float32)
    return np.asarray(directions @ rows.T, dtype=np.float32)
