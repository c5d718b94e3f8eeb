"""Corruption of the judges' training pictures: occlusion, blur, colour casts and noise, all at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_OCCLUSION = 0.35
"""Longest side of the rectangle, as a share of the picture's."""
MAX_BLUR = 1.5
"""Largest sigma, in pixels of a picture of 64."""
MAX_GAIN, MAX_SHIFT = 0.15, 0.08
"""Largest gain of each channel, as a share of one, and largest shift, as a share of the range."""
MAX_NOISE = 0.2
"""Largest sigma in a picture of 64 pixels, as a share of the range: as strong as 0.4 in one of 128."""

_REACH = 4


def corrupted(pixels: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Corrupt each picture differently, with every kind of corruption up to its limit above.

    Args:
        pixels: RGB in [0, 1], (n, 3, 64, 64).
        generator: Generator of the strengths, places and noise.
        strength: Share of the limits, in [0, 1].

    Returns:
        The corrupted pictures, in [0, 1].
    """
    pixels = occluded(pixels, generator, strength * MAX_OCCLUSION)
    pixels = blurred(pixels, strength * MAX_BLUR * torch.rand(len(pixels), generator=generator))
    pixels = miscolored(pixels, generator, strength * MAX_GAIN, strength * MAX_SHIFT)
    sigma = strength * MAX_NOISE * torch.rand(len(pixels), 1, 1, 1, generator=generator)
    return (pixels + sigma * torch.randn(pixels.shape, generator=generator)).clamp(0, 1)


def occluded(pixels: Tensor, generator: torch.Generator, limit: float) -> Tensor:
    """Draw a rectangle of one colour into each picture, with sides of at most `limit` of the picture's."""
    n, side = len(pixels), pixels.shape[-1]
    sizes = limit * torch.rand(n, 2, generator=generator)
    starts = (1 - sizes) * torch.rand(n, 2, generator=generator)
    places = (torch.arange(side) + 0.5) / side
    inside = (places >= starts[..., None]) & (places < (starts + sizes)[..., None])
    mask = (inside[:, 1, :, None] & inside[:, 0, None, :])[:, None]
    return torch.where(mask, torch.rand(n, 3, 1, 1, generator=generator), pixels)


def blurred(pixels: Tensor, sigma: Tensor) -> Tensor:
    """Blur each picture with its own sigma, (n,), in pixels."""
    n, channels, side, _ = pixels.shape
    offsets = torch.arange(-_REACH, _REACH + 1)
    kernels = torch.exp(-((offsets / sigma.clamp(min=0.05)[:, None]) ** 2) / 2)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    padded = F.pad(pixels, [_REACH] * 4, mode="replicate").reshape(1, n * channels, side + 2 * _REACH, -1)
    rows = F.conv2d(padded, kernels[:, None, :, None], groups=n * channels)
    return F.conv2d(rows, kernels[:, None, None, :], groups=n * channels).view(pixels.shape)


def miscolored(pixels: Tensor, generator: torch.Generator, max_gain: float, max_shift: float) -> Tensor:
    """Apply a random gain and shift to each channel of each picture."""
    gain = 1 + max_gain * (2 * torch.rand(len(pixels), 3, 1, 1, generator=generator) - 1)
    shift = max_shift * (2 * torch.rand(len(pixels), 3, 1, 1, generator=generator) - 1)
    return pixels * gain + shift
