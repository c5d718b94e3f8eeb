"""Write a trained demo model in the format of OpenAI's state dicts, so that `clip.load` opens it like OpenAI's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

VOCABULARY = 49_408
CONTEXT = 77


def token_subset(tokens: Tensor) -> Tensor:
    """The distinct token numbers in `tokens`, sorted, since CLIP needs the end token to be the largest."""
    distinct: Tensor = torch.unique(tokens.long())
    return distinct


def export_state_dict(trained: dict[str, Tensor], used: Tensor, seed: int) -> dict[str, Tensor]:
    """The state dict in float16, with its vocabulary and context extended to CLIP's full size.

    Words and positions that training never used get random values, as if they had been initialised and never changed.

    Args:
        trained: State dict of the trained model, with its vocabulary cut to `used`.
        used: Token numbers of the rows of its embedding, (words,).
        seed: Seed of the random values.
    """
    generator = torch.Generator().manual_seed(seed)
    # A ResNet's batch counters are integers, and stay integers.
    state = {name: value.detach().cpu() for name, value in trained.items()}
    width = state["token_embedding.weight"].shape[1]
    embedding = 0.02 * torch.randn(VOCABULARY, width, generator=generator)
    embedding[used.cpu()] = state["token_embedding.weight"]
    positions = 0.01 * torch.randn(CONTEXT, width, generator=generator)
    positions[: len(state["positional_embedding"])] = state["positional_embedding"]
    state |= {"token_embedding.weight": embedding, "positional_embedding": positions}
    return {name: value.half() if value.is_floating_point() else value for name, value in state.items()}


def save_model(state: dict[str, Any], path: Path) -> None:
    """Write the file under a temporary name, then rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)
