"""Pictures that people give: to begin with, to look for, or to make a spectrum of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from clipdesk.errors import UsageError
from clipdesk.render.files import check_readable

_MOST_PIXELS = 100_000_000
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def read_picture(path: Path) -> Image.Image:
    """A picture in RGB, turned as it was taken, on white where it is clear.

    Raises:
        UsageError: it is not there, is none, or is larger than 100 megapixels.
    """
    check_readable(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; the limit here is this one.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                if file.width * file.height > _MOST_PIXELS:
                    raise UsageError(f"{path} is too large: {file.width} x {file.height} px")
                turned = ImageOps.exif_transpose(file)
                clear = turned.convert("RGBA")
    except Image.DecompressionBombError:
        # Pillow's own limit, some 180 megapixels, is met before the size can be asked.
        raise UsageError(f"{path} is too large: more than 100 megapixels") from None
    except (OSError, SyntaxError, ValueError):
        raise UsageError(f"{path} is no picture that can be read") from None
    white = Image.new("RGBA", clear.size, "white")
    return Image.alpha_composite(white, clear).convert("RGB")


def square(picture: Image.Image, side: int) -> Tensor:
    """The largest square in a picture's middle, (3, side, side) in [0, 1]."""
    fitted = np.array(ImageOps.fit(picture, (side, side), Image.Resampling.BICUBIC))
    return torch.from_numpy(fitted).permute(2, 0, 1).float() / 255


def pictures_in(folder: Path) -> Iterator[Image.Image]:
    """The pictures of a folder by name; what is none is passed over.

    Raises:
        UsageError: the folder cannot be read.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"Cannot read {folder}: {error.strerror or error}") from None
    for path in paths:
        if path.suffix.lower() in SUFFIXES:
            try:
                yield read_picture(path)
            except UsageError:
                continue
