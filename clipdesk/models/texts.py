"""Texts as a CLIP's text tower reads them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from clipdesk.errors import UsageError
from clipdesk.models.package import clip


class Reading(NamedTuple):
    """What a text tower can read, which a checkpoint of anybody's may say as it likes.

    Attributes:
        length: Tokens of a text, among them the two that mark start and end.
        vocabulary: How many different tokens it knows.
    """

    length: int = 77
    vocabulary: int = 49_408

    @classmethod
    def of(cls, model: nn.Module) -> Reading:
        """What a model says of itself; OpenAI's numbers where it says nothing."""
        usual = cls()
        return cls(
            int(getattr(model, "context_length", usual.length)), int(getattr(model, "vocab_size", usual.vocabulary))
        )


OPENAIS = Reading()


def tokenize(texts: list[str], reading: Reading = OPENAIS) -> torch.Tensor:
    """Token numbers of texts as a text tower wants them, (texts, length).

    Raises:
        UsageError: a text is too long, or the model does not know a token.
    """
    try:
        tokens = clip.tokenize(texts, context_length=reading.length)
    except RuntimeError as error:
        most = max(0, reading.length - 2)
        words = f" (about {2 * most // 3} words)" if most > 2 else ""
        raise UsageError(f"The text is too long: this CLIP reads at most {most} tokens{words}") from error
    if int(tokens.max()) >= reading.vocabulary:
        raise UsageError(
            f"This model knows {reading.vocabulary:,} tokens of CLIP's {OPENAIS.vocabulary:,}, too few to read a text. "
            "Render its units instead"
        )
    return tokens
