"""Judges of photographs: two CNNs of different makes, which are not CLIPs, and their training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.judges.corruption import occluded
from benchmarks.judges.networks import Block, MeanAndMax, Pair, convolution
from clipdesk.demo.average import follow
from clipdesk.demo.photographs import Batches, Photographs
from clipdesk.network.precision import fast_in_bfloat16

SIDE = 64
"""Side of the networks' input in pixels; pictures of another size are resampled."""
BATCH = 64
PEAK_RATE, WEIGHT_DECAY, SMOOTHING = 3e-3, 0.05, 0.1
MAX_NOISE, MAX_OCCLUSION = 0.3, 0.5
"""Largest sigma of the noise on training pictures, and longest side of a rectangle that hides a part of them."""
MEAN_WEIGHT = 0.004
"""Share of the newest weights in the mean that is kept."""


class PhotoJudge(nn.Module):
    """A network that names categories.

    Args:
        trunk: Maps pictures (n, 3, 64, 64), centred around 0, to features (n, width).
        width: Number of features.
        categories: Number of categories.
    """

    def __init__(self, trunk: nn.Module, width: int, categories: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(width, categories)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits of the categories, (n, categories).

        Args:
            pixels: RGB in [0, 1], (n, 3, rows, columns), any size.
        """
        if pixels.shape[-2:] != (SIDE, SIDE):
            pixels = F.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)
        logits: Tensor = self.head(self.trunk((pixels - 0.5) * 4))
        return logits


def full(categories: int) -> PhotoJudge:
    """Residual blocks of two full convolutions each (after ResNet)."""
    return PhotoJudge(
        nn.Sequential(
            *convolution(3, 32, side=5, stride=2),
            *convolution(32, 64, stride=2),
            Pair(64),
            *convolution(64, 128, stride=2),
            Pair(128),
            *convolution(128, 192, stride=2),
            Pair(192),
            MeanAndMax(),
        ),
        384,
        categories,
    )


def mobile(categories: int) -> PhotoJudge:
    """Depthwise-separable residual blocks (after MobileNet)."""
    return PhotoJudge(
        nn.Sequential(
            *convolution(3, 32, side=5, stride=2),
            *convolution(32, 96, stride=2),
            Block(96),
            Block(96),
            *convolution(96, 192, stride=2, side=2),
            Block(192),
            Block(192),
            Block(192),
            *convolution(192, 320, stride=2, side=2),
            Block(320),
            Block(320),
            MeanAndMax(),
        ),
        640,
        categories,
    )


MAKES: dict[str, Callable[[int], PhotoJudge]] = {"full": full, "mobile": mobile}
"""The judges by name."""
SEEDS = {"full": 1, "mobile": 2}
IMAGES = 300_000
"""Number of training pictures of each judge."""


def train_judge(
    judge: PhotoJudge, photographs: Photographs, images: int, *, seed: int, report_every: int = 200
) -> None:
    """Train a judge in place, and leave it with a mean of its last weights.

    A picture is cropped, turned, mirrored, mixed, noisy, and in half of the batches partly hidden.

    Args:
        judge: An untrained judge.
        photographs: The training set.
        images: Total number of training pictures, repetitions included.
        seed: Seed of all that is drawn.
        report_every: Steps between two lines that are printed.
    """
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    batches, steps = Batches(photographs, SIDE, torch.device("cpu")), images // BATCH
    half = fast_in_bfloat16(torch.device("cpu"))
    judge.train().to(memory_format=torch.channels_last)
    mean = {name: value.detach().clone() for name, value in judge.state_dict().items()}
    optimizer = torch.optim.AdamW(judge.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.15)
    losses: list[float] = []
    for step in range(1, steps + 1):
        pixels, truth = batches.draw(BATCH, MAX_NOISE, rng)
        if step % 2:
            pixels = occluded(pixels, generator, MAX_OCCLUSION)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits = judge(pixels.contiguous(memory_format=torch.channels_last)).float()
        loss = F.cross_entropy(logits, (1 - SMOOTHING) * truth + SMOOTHING / truth.shape[1])
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        follow(mean, judge.state_dict(), MEAN_WEIGHT)
        losses.append(float(loss.detach()))
        if step % report_every == 0 or step == steps:
            print(f"{step * BATCH} images, loss {np.mean(losses[-report_every:]):.3f}", flush=True)
    judge.load_state_dict(mean)
    judge.eval()


def weights_file(name: str) -> Path:
    """Path of a judge's weights."""
    return Path(__file__).parent / f"{name}.pt"


def load_judge(name: str) -> PhotoJudge:
    """Load a trained judge of `MAKES`, in float32 and evaluation mode."""
    state = torch.load(weights_file(name), weights_only=True)
    judge = MAKES[name](len(state["head.bias"]))
    judge.load_state_dict(state)
    return judge.eval()


@torch.no_grad()
def named(judge: PhotoJudge, images: NDArray[np.uint8], *, noise: float = 0.0, seed: int = 0) -> NDArray[np.int64]:
    """The index of the category that a judge sees in each picture: uint8 (n, rows, columns, 3) to (n,).

    Args:
        judge: The judge.
        images: The pictures.
        noise: Standard deviation of Gaussian noise that is added, as a share of the pixel range.
        seed: Of the noise.
    """
    generator, parts = torch.Generator().manual_seed(seed), []
    for start in range(0, len(images), 100):
        pixels = torch.from_numpy(np.array(images[start : start + 100])).permute(0, 3, 1, 2).float() / 255
        pixels = pixels + noise * torch.randn(pixels.shape, generator=generator) if noise else pixels
        parts.append(judge(pixels).argmax(dim=1))
    return torch.cat(parts).numpy()
