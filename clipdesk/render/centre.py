"""What all texts share in a model's embedding space.

Embeddings of texts lie in a narrow cone (Liang et al. 2022, arXiv:2203.02053), so that nearly all of a text's direction
is that of any text. What is its own is the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipdesk.models.texts import tokenize

if TYPE_CHECKING:
    from clip.model import CLIP

_THINGS = (
    *("dog", "fish", "bird", "insect", "snake", "face", "crowd", "child", "tree", "flower", "mountain", "beach"),
    *("river", "street", "bridge", "house", "kitchen", "chair", "lamp", "cake", "fruit", "bowl", "knife", "wheel"),
    *("car", "ship", "airplane", "computer", "clock", "newspaper", "painting", "flag", "shoe", "dress", "ball"),
    *("guitar", "fire", "cloud"),
)
_COLORS = ("red", "blue", "green", "yellow")
_SHAPES = ("circle", "triangle", "star", "ring", "tree", "face")
TEXTS = (
    tuple(f"a photo of a {thing}" for thing in _THINGS),
    tuple(f"a {color} {shape}" for color in _COLORS for shape in _SHAPES),
)
"""Texts about what has little to do with each other: common things, and drawn shapes."""


@torch.no_grad()
def text_centre(model: nn.Module) -> Tensor:
    """The mean embedding, each of length 1, of texts that a model tells apart, float32, (width,).

    Of the lists in `TEXTS` it is that whose embeddings differ most: words that a model has not learnt are alike to it.

    Args:
        model: A CLIP.
    """
    device = next(model.parameters()).device
    read = (cast("CLIP", model).encode_text(tokenize(list(texts), model).to(device)) for texts in TEXTS)
    return min((F.normalize(each.float(), dim=-1).mean(dim=0) for each in read), key=lambda mean: float(mean.norm()))
