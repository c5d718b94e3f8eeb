"""Photographs in folders, one for each category, and the batches that networks learn from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from clipdesk.demo.pictures import augment

_STORED = 160
"""Side of the stored photographs, in pixels: room for crops."""
_KEPT_APART = 10
"""One photograph in so many is not trained on."""


@dataclass(frozen=True)
class Photographs:
    """Photographs with their categories.

    Attributes:
        images: uint8, (count, 160, 160, 3).
        labels: Index of each one's category, (count,).
        categories: Their names as they are said, such as "a grand piano".
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    categories: tuple[str, ...]

    def only(self, rows: NDArray[np.bool_]) -> Photographs:
        """Some of them."""
        return Photographs(self.images[rows], self.labels[rows], self.categories)


def read_photographs(folder: Path) -> tuple[Photographs, Photographs]:
    """Those to train on, and those that are kept apart: by the hash of the name, so that they stay the same ones.

    Args:
        folder: One folder of JPEGs for each category.
    """
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    files = [(path, label) for label, name in enumerate(names) for path in sorted((folder / name).glob("*.jpg"))]
    found = Photographs(
        np.stack([_square(path) for path, _ in files]),
        np.array([label for _, label in files]),
        tuple(said(name) for name in names),
    )
    apart = np.array([_is_apart(f"{path.parent.name}/{path.name}") for path, _ in files])
    return found.only(~apart), found.only(apart)


def said(name: str) -> str:
    """A category's folder name as it is said: with an article, if it is of one thing."""
    words = name.replace("_", " ").lower()
    if words.endswith("s") and not words.endswith(("ss", "us", "octopus")):
        return words
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _is_apart(name: str) -> bool:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % _KEPT_APART == 0


def _square(path: Path) -> NDArray[np.uint8]:
    image = Image.open(path).convert("RGB")
    scale = _STORED / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (image.width - _STORED) // 2, (image.height - _STORED) // 2
    return np.asarray(image.crop((left, top, left + _STORED, top + _STORED)))


class Batches:
    """Batches of photographs that are cropped, turned, mirrored, mixed (Zhang et al. 2018) and noisy.

    Args:
        photographs: The training set.
        side: Side of the pictures in pixels.
        device: Device of the pictures.
    """

    def __init__(self, photographs: Photographs, side: int, device: torch.device) -> None:
        self._photographs, self._side, self._device = photographs, side, device
        counts = np.bincount(photographs.labels, minlength=len(photographs.categories))
        # Between all photographs alike and all categories alike.
        chances = 1 / np.sqrt(counts[photographs.labels])
        self._chances = chances / chances.sum()

    def draw(self, count: int, noise: float, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """A batch.

        Args:
            count: Number of pictures.
            noise: Largest sigma of their noise, as a share of the pixel range.
            rng: Draws all that is random.

        Returns:
            Pictures, (count, 3, side, side), and the share of each category in them, (count, categories).
        """
        rows = rng.choice(len(self._chances), count, p=self._chances)
        images = torch.from_numpy(self._photographs.images[rows]).to(self._device).permute(0, 3, 1, 2).float() / 255
        pixels = self._cropped(images, rng)
        truth = F.one_hot(torch.from_numpy(self._photographs.labels[rows]), len(self._photographs.categories))
        truth = truth.float().to(self._device)
        share = float(rng.beta(0.3, 0.3))
        pixels, truth = (share * each + (1 - share) * each.flip(0) for each in (pixels, truth))
        return augment(pixels, noise, rng), truth

    def _cropped(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """A part of each, a little turned, and half of them mirrored."""
        count = len(images)
        scale = rng.uniform(0.55, 1.0, count) ** 0.5
        stretch = np.exp(rng.uniform(-0.2, 0.2, count))
        angle = rng.normal(0, 0.12, count)
        flip = np.where(rng.random(count) < 0.5, -1.0, 1.0)
        wide, high = np.minimum(1, scale * stretch), np.minimum(1, scale / stretch)
        shift = rng.uniform(-1, 1, (count, 2)) * (1 - np.stack([wide, high], axis=1))
        rows = np.stack(
            [
                np.stack([flip * wide * np.cos(angle), -high * np.sin(angle), shift[:, 0]], axis=1),
                np.stack([flip * wide * np.sin(angle), high * np.cos(angle), shift[:, 1]], axis=1),
            ],
            axis=1,
        )
        size = [count, 3, self._side, self._side]
        grid = F.affine_grid(torch.from_numpy(rows.astype(np.float32)), size, align_corners=False)
        return F.grid_sample(images, grid.to(self._device), padding_mode="reflection", align_corners=False)
