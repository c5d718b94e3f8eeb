"""A network whose image tower has learnt nothing: what it shows is the way of rendering, not the network."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from clipdesk.network.frozen import alone_with
from clipdesk.network.inspector import tower_of


def randomized(network: nn.Module, seed: int) -> nn.Module:
    """A copy of a network whose image tower's weights are shuffled, each tensor within itself.

    So every tensor keeps its values and its scale, and nothing of what was learnt (the model parameter randomization
    test, Adebayo et al. 2018, arXiv:1810.03292, which draws weights anew).

    Args:
        network: A CLIP; it is left as it is.
        seed: Of the shuffling.

    Raises:
        UsageError: it is not a CLIP.
    """
    tower_of(network)
    with alone_with(network):
        copied = deepcopy(network)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in tower_of(copied).parameters():
            order = torch.randperm(weights.numel(), generator=random).to(weights.device)
            weights.copy_(weights.flatten()[order].view_as(weights))
    return copied
