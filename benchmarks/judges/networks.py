"""The judges' networks, their files, and their answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from clipdesk.demo.export import save_model
from clipdesk.scenes.captions import FACTORS

SIDE = 64
"""Side of the networks' input in pixels; larger pictures are averaged down."""

FOLDER = Path(__file__).parent


class Judge(nn.Module):
    """A network with one head for each factor of a scene.

    Args:
        trunk: Maps pictures (n, 3, 64, 64), centred around 0, to features (n, width).
        width: Number of features.
    """

    def __init__(self, trunk: nn.Module, width: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleList(nn.Linear(width, len(values)) for values in FACTORS.values())

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Logits for the values of each factor, in the order of `FACTORS`.

        Args:
            pixels: RGB in [0, 1], (n, 3, rows, columns), any size.
        """
        if pixels.shape[-2:] != (SIDE, SIDE):
            pixels = F.adaptive_avg_pool2d(pixels, SIDE)
        features = self.trunk((pixels - 0.5) * 4)
        return [head(features) for head in self.heads]


def plain() -> Judge:
    """Strided convolutions in a row, mean and maximum of each channel, and a dense layer (after VGG)."""
    return Judge(
        nn.Sequential(
            *convolution(3, 24, side=5, stride=2),
            *convolution(24, 48, stride=2),
            *convolution(48, 96, stride=2),
            *convolution(96, 96),
            *convolution(96, 128),
            MeanAndMax(),
            nn.Linear(256, 192),
            nn.ReLU(),
        ),
        192,
    )


def separable() -> Judge:
    """Depthwise-separable residual blocks, then mean and maximum of each channel (after MobileNet)."""
    return Judge(
        nn.Sequential(
            *convolution(3, 24, side=5, stride=2),
            *convolution(24, 64, stride=2),
            Block(64),
            Block(64),
            nn.Conv2d(64, 128, 2, stride=2),
            nn.BatchNorm2d(128),
            Block(128),
            Block(128),
            Block(128),
            MeanAndMax(),
        ),
        256,
    )


def foreign() -> Judge:
    """Residual blocks of two full convolutions each (after ResNet)."""
    return Judge(
        nn.Sequential(
            *convolution(3, 24, side=5, stride=2),
            *convolution(24, 48, stride=2),
            Pair(48),
            *convolution(48, 96, stride=2),
            Pair(96),
            Pair(96),
            MeanAndMax(),
        ),
        192,
    )


MAKES = {"plain": plain, "separable": separable, "foreign": foreign}
"""The judges by name. ``foreign`` learns from scenes that other code draws; see `benchmarks.judges.foreign`."""


def convolution(inputs: int, outputs: int, *, stride: int = 1, side: int = 3) -> list[nn.Module]:
    """A convolution, batch normalisation and a rectifier."""
    filters = nn.Conv2d(inputs, outputs, side, stride=stride, padding=side // 2, bias=False)
    return [filters, nn.BatchNorm2d(outputs), nn.ReLU()]


class MeanAndMax(nn.Module):
    """Mean and maximum over all positions: (n, channels, rows, columns) to (n, 2 x channels)."""

    def forward(self, features: Tensor) -> Tensor:
        """Both, one after the other."""
        return torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)


class Block(nn.Module):
    """A residual block: filter each channel by itself, then mix the channels at each position."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Add the mixed channels to the features."""
        added: Tensor = self.inner(features)
        return features + added


class Pair(nn.Module):
    """A residual block of two convolutions over all channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        second = [nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)]
        self.inner = nn.Sequential(*convolution(width, width), *second)

    def forward(self, features: Tensor) -> Tensor:
        """Add the convolved features."""
        return F.relu(features + self.inner(features))


def weights_file(name: str) -> Path:
    """Path of a judge's weights."""
    return FOLDER / f"{name}.pt"


def save_judge(judge: nn.Module, path: Path) -> None:
    """Save a judge's weights in float16."""
    state = judge.state_dict()
    save_model({key: value.half() if value.is_floating_point() else value for key, value in state.items()}, path)


def load_judge(name: str) -> Judge:
    """Load a trained judge of `MAKES`, in float32 and evaluation mode."""
    judge = MAKES[name]()
    judge.load_state_dict(torch.load(weights_file(name), weights_only=True))
    return judge.eval()


@torch.no_grad()
def named(judge: Judge, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The factors that a judge sees in pictures, as in `Scene.factors`: uint8 (n, rows, columns, 3) to (n, 4)."""
    parts = []
    for start in range(0, len(images), 256):
        pixels = torch.from_numpy(np.array(images[start : start + 256])).permute(0, 3, 1, 2).float() / 255
        parts.append(torch.stack([logits.argmax(dim=1) for logits in judge(pixels)], dim=1))
    return torch.cat(parts).numpy()
