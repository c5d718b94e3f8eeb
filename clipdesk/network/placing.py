"""Where a network is, in which number format, and how large it is."""

from __future__ import annotations

import copy

import torch
from torch import nn

from clipdesk.network.frozen import alone_with
from clipdesk.network.inspector import ROOT

_RECTIFIERS = ("QuickGELU", "GELU", "ReLU", "SiLU")


def on_device(network: nn.Module, device: torch.device) -> nn.Module:
    """The network itself if it is in float32 on the device, else a copy that is."""
    first = next(network.parameters())
    same_place = first.device.type == device.type and device.index in (None, first.device.index)
    with alone_with(network):
        if same_place and all(p.dtype == torch.float32 for p in network.parameters()):
            return network
        return copy.deepcopy(network).float().to(device)


def bytes_of(network: nn.Module) -> int:
    """Memory that its weights take."""
    with alone_with(network):
        return sum(each.numel() * each.element_size() for each in (*network.parameters(), *network.buffers()))


def activation_of(network: nn.Module) -> str:
    """Class of the first rectifier in a vision tower; empty where there is none that is known."""
    kinds = (type(module).__name__ for module in network.get_submodule(ROOT).modules())
    return next((kind for kind in kinds if kind in _RECTIFIERS), "")
