"""Augmentation of training pictures, and their adversarial pushes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PUSHES = 2
"""Number of times that each batch is shown again, pushed further each time."""
# Without AVX-512, bfloat16 is eighteen times slower than float32 on a CPU.
HALF = torch.cuda.is_available() or torch.backends.cpu.get_cpu_capability() not in ("DEFAULT", "AVX2")


def shifted(images: NDArray[np.uint8], most: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shift each picture of (n, side, side, 3) by up to `most` pixels in both directions; edges are reflected."""
    side = images.shape[1]
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="reflect")
    corners = rng.integers(0, 2 * most + 1, size=(len(images), 2))
    return np.stack(
        [picture[top : top + side, left : left + side] for picture, (top, left) in zip(padded, corners, strict=True)]
    )


def augment(pixels: Tensor, max_noise: float, rng: np.random.Generator) -> Tensor:
    """Apply a random colour gain, colour shift and Gaussian noise to each picture of (n, 3, side, side) in [0, 1].

    The noise's sigma is at most `max_noise`. Small sigmas are more frequent, since strong noise hides fine outlines.
    """

    def uniform(low: float, high: float, channels: int) -> Tensor:
        drawn = rng.uniform(low, high, size=(len(pixels), channels, 1, 1))
        return torch.from_numpy(drawn.astype(np.float32)).to(pixels.device)

    changed = pixels * uniform(0.88, 1.12, 3) + uniform(-0.08, 0.08, 3)
    if not max_noise:
        return changed
    return changed + max_noise * uniform(0, 1, 1) ** 2.5 * _normal(pixels, rng)


def _normal(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """Standard normal numbers in the shape of the pictures, on their device."""
    if pixels.device.type == "cpu":
        # NumPy draws them many times faster than torch does on a CPU.
        return torch.from_numpy(rng.standard_normal(pixels.shape, dtype=np.float32))
    generator = torch.Generator(pixels.device).manual_seed(int(rng.integers(2**63)))
    return torch.randn(pixels.shape, device=pixels.device, generator=generator)


def pushed(pixels: Tensor, gradient: Tensor, radius: float, rng: np.random.Generator) -> Tensor:
    """Move each picture along the loss's gradient, by a random L2 norm of at most `radius`."""
    lengths = torch.from_numpy(rng.uniform(0, radius, len(pixels)).astype(np.float32)).to(pixels.device)
    norms = gradient.flatten(1).norm(dim=1).clamp(min=1e-12)
    moved: Tensor = pixels + (lengths / norms)[:, None, None, None] * gradient
    return moved


def learn_pushed(update: Callable[[Tensor], float], pixels: Tensor, push: float, rng: np.random.Generator) -> float:
    """Learn from pictures, and `PUSHES` times more from them, each time moved further along the loss's gradient.

    This is "free" adversarial training (Shafahi et al. 2019, arXiv:1904.12843).

    Args:
        update: One step of the optimiser, which leaves the loss's gradient in pictures that require one; the loss.
        pixels: Pictures, (n, 3, side, side).
        push: Largest L2 norm of all moves together; 0 shows the pictures once, as they are.
        rng: Draws the lengths of the moves.

    Returns:
        The loss of the pictures as they are.
    """
    pixels = pixels.requires_grad_(push > 0)
    first = update(pixels)
    for left in reversed(range(PUSHES if push > 0 else 0)):
        if pixels.grad is None:
            raise RuntimeError("the loss does not depend on the pictures")
        pixels = pushed(pixels.detach(), pixels.grad, push / PUSHES, rng).requires_grad_(left > 0)
        update(pixels)
    return first
