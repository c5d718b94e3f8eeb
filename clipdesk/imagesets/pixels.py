"""Images as a network sees them: squares, and tensors."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor


def square(image: Image.Image, side: int) -> Tensor:
    """The largest square in an image's middle, (3, side, side) in [0, 1]."""
    return as_pixels(fitted(image, side))


def fitted(image: Image.Image, side: int) -> Image.Image:
    """The largest square in an image's middle, resized to a side of `side` px."""
    return ImageOps.fit(image, (side, side), Image.Resampling.BICUBIC)


def as_pixels(image: Image.Image) -> Tensor:
    """An RGB image as a tensor, (3, height, width) in [0, 1]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
