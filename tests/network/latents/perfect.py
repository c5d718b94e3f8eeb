"""A sparse autoencoder that rebuilds whatever it is given, of any layer: its latents are each unit's two signs."""

from __future__ import annotations

import torch

from clipdesk.network.latents.activations import Relu
from clipdesk.network.latents.algebra import Latents, Norm, Tokens


def perfect(width: int, layer: str = "", tokens: Tokens | None = None, norm: Norm = Norm.NONE) -> Latents:
    """Its latent i is unit i where that is above zero, and latent width + i is what it lacks below."""
    own = torch.eye(width)
    both = torch.cat([own, -own], dim=1)
    zeros = torch.zeros(width)
    return Latents(both, torch.zeros(2 * width), both.T, zeros, Relu(), norm=norm, layer=layer, tokens=tokens)


def useless(width: int, layer: str = "", tokens: Tokens | None = None) -> Latents:
    """One that rebuilds something far off."""
    found = perfect(width, layer, tokens)
    return Latents(
        found.encoder, found.bias, -3 * found.decoder, found.decoder_bias, Relu(), layer=layer, tokens=tokens
    )
