"""Directions that tell a concept from the others of its list, and whose correlations with units follow from sums.

The cosine to a text is a poor measure of whether a picture shows it: pictures of pink things are close to "red" too.
The probability of a concept among all of its list, a softmax of the cosines, says much better what a picture shows. But
it is not linear in the embedding, so that its correlation with a unit does not follow from sums. So it is replaced by
the direction whose products with the embeddings come closest to it, by least squares over the surveyed pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.statistics import Embeddings

SPREAD = 2.0
"""Standard deviation of the logits that the softmax gets, from picture to picture and from concept to concept. A factor
that is the same for all models and lists, such as CLIP-Dissect's 10, is too small where all cosines are close together.
"""
_RIDGE = 1e-4
"""Share of the mean variance that is added in each direction, for those in which the pictures hardly vary."""
_MOST_PICTURES = 2048
_ROWS = 1024
_TINY = 1e-12


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
    covariances = [_covariances(rows, centered, texts, chosen) for texts in vocabulary.texts]
    fitted = [np.linalg.solve(scatter, each.astype(np.float64)).T for each in covariances]
    return np.stack(fitted).astype(np.float32)


def readings(embeddings: Embeddings, contrast: Vocabulary, query: Vocabulary) -> NDArray[np.float32]:
    """The directions that tell one concept from those of a list: what `find` takes for a text.

    Args:
        embeddings: Those of the surveyed pictures.
        contrast: The list; it may have the concept too.
        query: The concept, read by the same model with the same templates.

    Returns:
        (templates, width).
    """
    whole = contrast.having(query)
    place = whole.index(query.concepts[0])
    assert place is not None  # `having` has added it
    return sharpened(embeddings, whole, concepts=[place])[:, 0]


def probabilities(rows: NDArray[np.float32], texts: NDArray[np.float32], sharpness: float) -> NDArray[np.float32]:
    """How probable each text is for each picture: softmax over the texts of `sharpness` times the cosine.

    Args:
        rows: Embeddings of pictures, of length 1, (pictures, width).
        texts: Embeddings of texts, of length 1, (texts, width).
        sharpness: As `sharpness_of` gives it.

    Returns:
        (pictures, texts); each row adds up to 1.
    """
    found = rows @ (sharpness * texts).T.astype(np.float32)
    found -= found.max(axis=1, keepdims=True)
    np.exp(found, out=found)
    found /= found.sum(axis=1, keepdims=True)
    return np.asarray(found, dtype=np.float32)


def sharpness_of(centered: NDArray[np.float32], texts: NDArray[np.float32]) -> float:
    """What cosines have to be multiplied by for a standard deviation of `SPREAD`; 0 where they do not vary.

    Cosines count less the mean of their picture and of their text.

    Args:
        centered: Embeddings of pictures less their mean, (pictures, width).
        texts: Embeddings of texts, of length 1, (texts, width).
    """
    apart = (texts - texts.mean(axis=0)).astype(np.float64)
    # The mean square of all products, from two small matrices.
    squares = float(((centered.T @ centered).astype(np.float64) * (apart.T @ apart)).sum())
    mean = squares / (len(centered) * len(texts))
    return SPREAD / float(np.sqrt(mean)) if mean > _TINY else 0.0


def _covariances(
    rows: NDArray[np.float32], centered: NDArray[np.float32], texts: NDArray[np.float32], chosen: slice | list[int]
) -> NDArray[np.float32]:
    """Sums over the pictures of the centred embedding times the probability, (width, concepts)."""
    total = np.zeros((rows.shape[1], len(texts[chosen])), np.float32)
    sharpness = sharpness_of(centered, texts)
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        total += centered[part].T @ probabilities(rows[part], texts, sharpness)[:, chosen]
    return total
