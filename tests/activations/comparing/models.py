"""Small models that differ in what is known, and their comparison."""

from __future__ import annotations

import copy

import torch
from clip.model import CLIP

from clipdesk.activations.comparing.comparison import Comparison
from clipdesk.activations.comparing.making import compare
from clipdesk.network.opened import OpenModel
from tests.activations.sets import random_set

MLP = "visual.transformer.resblocks.1.mlp"
HIDDEN = f"{MLP}.gelu"


def other(model: CLIP, change: float = 0.1, seed: int = 3) -> CLIP:
    """The same with its weights moved by a share of them."""
    moved = copy.deepcopy(model)
    maker = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in moved.visual.parameters():
            parameter.add_(change * parameter.std() * torch.randn(parameter.shape, generator=maker))
    return moved


def permuted(model: CLIP, order: torch.Tensor) -> CLIP:
    """The same function, with the hidden units of the last block in another order."""
    turned = copy.deepcopy(model)
    weight, bias, after = (
        turned.get_parameter(f"{MLP}.{name}") for name in ("c_fc.weight", "c_fc.bias", "c_proj.weight")
    )
    with torch.no_grad():
        weight.copy_(weight[order].clone())
        bias.copy_(bias[order].clone())
        after.copy_(after[:, order].clone())
    return turned


def compared(first: CLIP, second: CLIP, layers: list[str] | None = None, *, match: bool = False) -> Comparison:
    return compare(OpenModel.of(first), OpenModel.of(second), random_set(60, 64), layers=layers, match=match)


def deeper(side: int = 64, blocks: int = 4) -> CLIP:
    """One of another depth or input size than `openais`."""
    torch.manual_seed(0)
    return CLIP(64, side, blocks, 128, 16, 77, 49408, 64, 1, 2).float().eval()
