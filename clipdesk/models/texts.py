"""Texts as the text towers of CLIPs want them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from clipdesk.errors import UsageError
from clipdesk.models.geometry import VisionTower
from clipdesk.models.names import has_open_clip
from clipdesk.models.package import CLIP, clip

_LENGTH = 77
_VOCABULARY = 49_408
"""Tokens that OpenAI's tokenizer has."""


def tokenize(texts: list[str], model: nn.Module | None = None) -> Tensor:
    """Token numbers of texts, (texts, length).

    Args:
        texts: The texts.
        model: The model whose text tower reads them; by default one of OpenAI's. A model of open_clip's that
            `load_model` has opened has its own tokenizer; another is taken to have OpenAI's, if its vocabulary is as
            large.

    Raises:
        UsageError: a text is too long, or the tokenizer is not known or needs a package that is not installed, or the
            model does not know all tokens of OpenAI's tokenizer.
        ClipDeskError: the tokenizer could not be downloaded.
    """
    if isinstance(model, VisionTower):
        raise UsageError(
            "This model is a vision tower alone, without a text tower. Render its units or an image instead"
        )
    own = _own_tokenizer(model)
    if own is not None:
        tokens = own(texts)
        # These truncate long texts. If appending a word changes no token, the text was truncated.
        if (own([f"{text} star" for text in texts]) == tokens).all(dim=1).any():
            raise UsageError(f"The text is too long: this model reads at most {tokens.shape[1] - 2} tokens")
        return tokens
    vocabulary = int(getattr(model, "vocab_size", _VOCABULARY))
    if vocabulary != _VOCABULARY and not isinstance(model, CLIP):
        raise UsageError(
            "It is not known which tokenizer this model has. Open it by its name, and texts can be rendered"
        )
    tokens = _openais(texts, int(getattr(model, "context_length", _LENGTH)))
    if int(tokens.max()) >= vocabulary:
        raise UsageError(
            f"This model knows {vocabulary:,} tokens of CLIP's {_VOCABULARY:,}, too few to read a text. "
            "Render its units instead"
        )
    return tokens


def _openais(texts: list[str], length: int) -> Tensor:
    try:
        return clip.tokenize(texts, length)
    except RuntimeError as error:
        most = max(0, length - 2)
        words = f" (about {2 * most // 3} words)" if most > 2 else ""
        raise UsageError(f"The text is too long: this CLIP reads at most {most} tokens{words}") from error


def _own_tokenizer(model: nn.Module | None) -> Callable[[list[str]], Tensor] | None:
    if model is None or isinstance(model, CLIP) or not has_open_clip():
        return None
    from clipdesk.models.open_clips import tokenizer_of

    return tokenizer_of(model)
