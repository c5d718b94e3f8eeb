"""The form of overcomplete: an encoder of one layer, maybe with a batch norm, and a dictionary of directions."""

from __future__ import annotations

import torch

from clipdesk.models.checks import NotAState
from clipdesk.network.latents.activations import Activation, Relu, Threshold, TopK
from clipdesk.network.latents.algebra import Latents
from clipdesk.network.latents.contents import Content

_LINEAR, _NORM = "encoder.final_block.0", "encoder.final_block.1"
_TINY = 1e-5
"""What a batch norm adds to a variance."""


def read_overcomplete(content: Content) -> Latents:
    """Latents of overcomplete's form: state dicts of SAE, TopKSAE, BatchTopKSAE and JumpSAE.

    How many latents top-k keeps, and the threshold of batch top-k, are not among the weights. They are read where they
    stand beside these, as `top_k` and `running_threshold`; without them it is ReLU.

    Raises:
        NotAState: the file holds something else.
    """
    if any(name.startswith("encoder.mlp_blocks") for name in content.weights):
        raise NotAState("its encoder has hidden layers; only encoders of one layer are read")
    encoder = content.matrix(f"{_LINEAR}.weight").T
    width, count = encoder.shape
    bias = content.vector(f"{_LINEAR}.bias", count)
    if content.has(f"{_NORM}.running_var"):
        mean, variance = (content.vector(f"{_NORM}.running_{name}", count) for name in ("mean", "var"))
        scale = content.vector(f"{_NORM}.weight", count) / (variance + _TINY).sqrt()
        encoder, bias = encoder * scale, (bias - mean) * scale + content.vector(f"{_NORM}.bias", count)
    rows = content.matrix("dictionary._weights")
    length = rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    multiplier = content.number("dictionary.multiplier") if content.has("dictionary.multiplier") else 0.0
    decoder = rows / length * torch.tensor(multiplier).exp()
    return Latents(encoder, bias, decoder, torch.zeros(width), _activation(content, count), form="overcomplete")


def _activation(content: Content, count: int) -> Activation:
    if content.has("thresholds"):
        return Threshold(content.vector("thresholds", count).exp())
    threshold = content.config["running_threshold"]
    if isinstance(threshold, torch.Tensor) and threshold.numel() == 1:
        threshold = float(threshold)
    if isinstance(threshold, int | float):
        return Threshold(torch.tensor([max(float(threshold), 0.0)]))
    return TopK(content.config.whole("top_k")) if "top_k" in content.config else Relu()
