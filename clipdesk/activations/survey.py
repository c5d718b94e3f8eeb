"""Survey: one pass of a model over an image set, as it lies on the disk, and what follows from its sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.statistics import Embeddings, Pooling, Surveyed, UnitStatistics


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

    Exact, from sums: cov(a, z·t) = cov(a, z)·t, since the cosine is linear in the embedding.

    Args:
        statistics: A layer's.
        embeddings: The pictures'.
        directions: Embeddings of texts or of pictures, in the same space, of any length, (directions, width).

    Returns:
        (directions, units), in [-1, 1]; 0 where a unit or a direction does not vary.
    """
    covariances = np.asarray(directions, dtype=np.float64) @ statistics.cross.T.astype(np.float64)
    scale = np.sqrt(embeddings.variances(directions)[:, None] * statistics.squares[None])
    found = np.divide(covariances, scale, out=np.zeros_like(covariances), where=scale > 0)
    return np.asarray(np.clip(found, -1, 1), dtype=np.float64)
