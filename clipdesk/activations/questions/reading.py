"""Text embeddings of concepts, from a model's text tower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import nn

from clipdesk.activations.questions.vocabulary import TEMPLATES, Vocabulary, texts_of
from clipdesk.models.texts import tokenize
from clipdesk.network.frozen import frozen

if TYPE_CHECKING:
    from clip.model import CLIP

_BATCH = 128


def read_vocabulary(
    network: nn.Module,
    concepts: Sequence[str],
    *,
    reader: str,
    templates: Sequence[str] = TEMPLATES,
    progress: Callable[[int, int], None] | None = None,
) -> Vocabulary:
    """Embed concepts by a model's text tower.

    A large list takes minutes on a processor: keep what this returns.

    Args:
        network: A CLIP; its embeddings have to be those of the survey.
        concepts: The concepts.
        reader: What the model was asked for by.
        templates: Texts with a {} for the concept.
        progress: Called with the number of texts that are embedded, and of all.

    Raises:
        UsageError: a text is too long, or the model has no text tower or no tokenizer that is known.
    """
    texts = texts_of(concepts, templates)
    device = next(network.parameters()).device
    parts = []
    with torch.no_grad(), frozen(network):
        for start in range(0, len(texts), _BATCH):
            tokens = tokenize(texts[start : start + _BATCH], network).to(device)
            parts.append(F.normalize(cast("CLIP", network).encode_text(tokens).float(), dim=-1).cpu())
            if progress is not None:
                progress(min(start + _BATCH, len(texts)), len(texts))
    rows = torch.cat(parts).numpy()
    return Vocabulary(tuple(concepts), rows.reshape(len(templates), len(concepts), -1), reader)
