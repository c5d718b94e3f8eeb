"""Directions that tell a concept from the others of its list, and whose correlations with units follow from sums.

The cosine to a text is a poor measure of whether a picture shows it: pictures of pink things are close to "red" too.
The probability of a concept among all of its list (CLIP-Dissect's: softmax of 10 times the cosines) says much better
what a picture shows. But it is not linear in the embedding, so that its correlation with a unit does not follow from
sums. So it is replaced by the direction whose products with the embeddings come closest to it, by least squares over
the surveyed pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.statistics import Embeddings

SHARPNESS = 10.0
"""What cosines are multiplied by before the softmax, as in CLIP-Dissect."""
_RIDGE = 1e-4
"""Share of the mean variance that is added in each direction, for those in which the pictures hardly vary."""
_MOST_PICTURES = 2048
_ROWS = 1024


def sharpened(
    embeddings: Embeddings,
    vocabulary: Vocabulary,
    *,
    concepts: Sequence[int] | None = None,
    pictures: NDArray[np.integer] | None = None,
) -> NDArray[np.float32]:
    """The directions of some concepts, in each template.

    Args:
        embeddings: Those of the surveyed pictures.
        vocabulary: The concepts among which each is to be told from the others.
        concepts: Places of those whose directions are wanted; all by default.
        pictures: Pictures to fit them to; all by default. Of more than 2,048 that many are taken, evenly.

    Returns:
        float32, (templates, concepts, width). The texts' own embeddings where there is one concept only.
    """
    chosen = slice(None) if concepts is None else list(concepts)
    if len(vocabulary.concepts) < 2:
        return vocabulary.texts[:, chosen]
    indices = np.arange(len(embeddings.rows)) if pictures is None else np.asarray(pictures)
    if len(indices) > _MOST_PICTURES:
        indices = indices[np.arange(_MOST_PICTURES) * len(indices) // _MOST_PICTURES]
    rows = embeddings.unit_rows(indices)
    centered = rows - rows.mean(axis=0)
    scatter = (centered.T @ centered).astype(np.float64)
    scatter += (_RIDGE * np.trace(scatter) / len(scatter) + 1e-12) * np.eye(len(scatter))
    fitted = [
        np.linalg.solve(scatter, _covariances(rows, centered, texts, chosen).astype(np.float64)).T
        for texts in vocabulary.texts
    ]
    return np.stack(fitted).astype(np.float32)


def probabilities(rows: NDArray[np.float32], texts: NDArray[np.float32]) -> NDArray[np.float32]:
    """How probable each text is for each picture: softmax over the texts of `SHARPNESS` times the cosine.

    Args:
        rows: Embeddings of pictures, of length 1, (pictures, width).
        texts: Embeddings of texts, of length 1, (texts, width).

    Returns:
        (pictures, texts); each row adds up to 1.
    """
    # Cosines are at most 1, so exp cannot overflow.
    found = np.exp(rows @ (SHARPNESS * texts).T.astype(np.float32))
    return np.asarray(found / found.sum(axis=1, keepdims=True), dtype=np.float32)


def _covariances(
    rows: NDArray[np.float32], centered: NDArray[np.float32], texts: NDArray[np.float32], chosen: slice | list[int]
) -> NDArray[np.float32]:
    """Sums over the pictures of the centred embedding times the probability, (width, concepts)."""
    total = np.zeros((rows.shape[1], len(texts[chosen])), np.float32)
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        total += centered[part].T @ probabilities(rows[part], texts)[:, chosen]
    return total
