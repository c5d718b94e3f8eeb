"""Words for what an attention head writes into the embedding: TextSpan (Gandelsman et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.errors import UsageError

COUNT = 10
RANK = 80
"""Directions in which a head's contributions vary most, into whose span texts are projected."""
_TINY = 1e-9


@dataclass(frozen=True)
class SpanWord:
    """A concept whose direction a head writes along.

    Attributes:
        concept: The concept.
        explained: Share of the variance of the head's contributions that its direction explains, beyond what those
            before it do.
    """

    concept: str
    explained: float


def text_span(
    contributions: NDArray[np.floating], vocabulary: Vocabulary, *, count: int = COUNT, rank: int = RANK
) -> tuple[SpanWord, ...]:
    """The concepts that span what a head writes, in the order in which they were taken.

    Texts are projected into the span of the contributions. Then, again and again, the text is taken along which they
    vary most, and its direction is taken out of the contributions and of the other texts.

    Args:
        contributions: What the head adds to the embedding of each picture, (pictures, width).
        vocabulary: The concepts.
        count: Number of concepts, at most.
        rank: Directions of the contributions that count.

    Raises:
        UsageError: the contributions and the texts have different widths, so they are of different models.
    """
    data = np.asarray(contributions, dtype=np.float64)
    texts = vocabulary.means.astype(np.float64)
    if data.shape[1] != texts.shape[1]:
        raise UsageError(
            f"The words were read by {vocabulary.reader}, whose embeddings have {texts.shape[1]} numbers, but what the "
            f"head writes has {data.shape[1]}. Both have to be of the same model"
        )
    basis = np.linalg.svd(data, full_matrices=False)[2][:rank]
    texts = texts @ basis.T @ basis
    data = data - data.mean(axis=0)
    total, smallest = float((data**2).sum()), _TINY * float((texts**2).sum(axis=1).max(initial=0))
    found: list[SpanWord] = []
    if total <= 0:
        return ()
    for _ in range(min(count, len(texts))):
        place = int((data @ texts.T).std(axis=0).argmax())
        length = float(texts[place] @ texts[place])
        if length <= smallest:
            break
        direction = texts[place] / np.sqrt(length)
        along = data @ direction
        explained = float((along**2).sum()) / total
        if explained <= _TINY:
            break
        found.append(SpanWord(vocabulary.concepts[place], explained))
        data = data - np.outer(along, direction)
        texts = texts - np.outer(texts @ direction, direction)
    return tuple(found)
