"""Normalise pictures for a network: subtract a mean from each channel, and divide by a standard deviation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from clipdesk.network.inspector import ROOT


class Normalization(NamedTuple):
    """Mean and standard deviation of each of the three channels."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


OPENAI = Normalization((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""The normalisation of openai/CLIP and of most other CLIPs."""


def normalization_of(model: nn.Module) -> Normalization:
    """The normalisation of a model: the one that open_clip notes at its vision tower, otherwise OpenAI's."""
    tower = model.get_submodule(ROOT)
    mean, std = getattr(tower, "image_mean", None), getattr(tower, "image_std", None)
    return OPENAI if mean is None or std is None else Normalization(tuple(mean), tuple(std))


def normalized(pixels: Tensor, normalization: Normalization = OPENAI) -> Tensor:
    """Normalise pixels in [0, 1], (n, 3, h, w)."""
    mean, std = constants(normalization, pixels.device)
    return (pixels - mean) / std


def constants(normalization: Normalization, device: torch.device) -> tuple[Tensor, Tensor]:
    """The mean and standard deviation of a normalisation, on a device, (3, 1, 1) each."""
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in normalization)
    return mean, std
