"""What training pictures go through before a model sees them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def augment(pixels: Tensor, max_noise: float, rng: np.random.Generator) -> Tensor:
    """Colour gain, colour shift and Gaussian noise, drawn for each picture of (n, 3, side, side) in [0, 1].

    The noise's sigma is up to `max_noise`, and smaller ones are more frequent: fine outlines drown in strong noise.
    """

    def uniform(low: float, high: float, channels: int) -> Tensor:
        drawn = rng.uniform(low, high, size=(len(pixels), channels, 1, 1))
        return torch.from_numpy(drawn.astype(np.float32)).to(pixels.device)

    changed = pixels * uniform(0.88, 1.12, 3) + uniform(-0.08, 0.08, 3)
    if not max_noise:
        return changed
    # NumPy draws them many times faster than torch does on a CPU.
    noise = torch.from_numpy(rng.standard_normal(pixels.shape, dtype=np.float32)).to(pixels.device)
    return changed + max_noise * uniform(0, 1, 1) ** 2.5 * noise


def pushed(pixels: Tensor, gradient: Tensor, radius: float, rng: np.random.Generator) -> Tensor:
    """The pictures, each moved along the loss's gradient by an L2 norm drawn for it, up to `radius`."""
    lengths = torch.from_numpy(rng.uniform(0, radius, len(pixels)).astype(np.float32)).to(pixels.device)
    norms = gradient.flatten(1).norm(dim=1).clamp(min=1e-12)
    moved: Tensor = pixels + (lengths / norms)[:, None, None, None] * gradient
    return moved
