"""Images that users have in files: to start from, to resemble, or to take a spectrum of."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from clipdesk.errors import UsageError
from clipdesk.render.files import read_bytes

_MOST_PIXELS = 100_000_000
_SIXTEEN_BITS = 65_535.0
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def read_image(path: Path) -> Image.Image:
    """Read an image in RGB, turned upright as its EXIF data says, on white where it is transparent.

    Grey values of 16 or 32 bits and floats are scaled to 8 bits, not clipped.

    Raises:
        UsageError: the file is missing, is not an image, or has more than 100 megapixels.
    """
    return decode_image(read_bytes(path), path)


def decode_image(data: bytes, path: Path) -> Image.Image:
    """As `read_image`, from the bytes of the file; `path` is only named in errors.

    Raises:
        UsageError: the bytes are not an image, or it has more than 100 megapixels.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of large images; the limit here is this one.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as file:
                if file.width * file.height > _MOST_PIXELS:
                    raise UsageError(f"{path} is too large: {file.width} x {file.height} px")
                upright = ImageOps.exif_transpose(file)
                transparent = _in_eight_bits(upright).convert("RGBA")
    except Image.DecompressionBombError:
        # Pillow has its own limit of some 180 megapixels, which it checks before the size can be read.
        raise UsageError(f"{path} is too large: more than 100 megapixels") from None
    except (OSError, SyntaxError, ValueError):
        raise UsageError(f"{path} is not an image that can be read") from None
    white = Image.new("RGBA", transparent.size, "white")
    return Image.alpha_composite(white, transparent).convert("RGB")


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """An image whose grey values have more than 8 bits, in 8; others as they are.

    Numbers of 16 bits are out of 65,535. Pillow does not say of what 32 bits and floats are out of: it is taken to be
    1 (of floats), 255 or 65,535, the first that is no less than the largest; otherwise, and where some are negative,
    the smallest becomes black and the largest white.
    """
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image).astype(np.float32)
    finite = values[np.isfinite(values)]
    least, most = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    values = np.nan_to_num(values, nan=least, posinf=most, neginf=least)
    if image.mode.startswith("I;16"):
        least, most = 0.0, _SIXTEEN_BITS
    elif least >= 0:
        bounds = (1.0, 255.0, _SIXTEEN_BITS) if image.mode == "F" else (255.0, _SIXTEEN_BITS)
        least, most = 0.0, next((bound for bound in bounds if most <= bound), most)
    else:
        most = max(most, least + 1)
    scaled = (values - least) * (255 / (most - least))
    return Image.fromarray(np.rint(np.clip(scaled, 0, 255)).astype(np.uint8))


def square(image: Image.Image, side: int) -> Tensor:
    """The largest square in an image's middle, (3, side, side) in [0, 1]."""
    return as_pixels(fitted(image, side))


def fitted(image: Image.Image, side: int) -> Image.Image:
    """The largest square in an image's middle, resized to a side of `side` px."""
    return ImageOps.fit(image, (side, side), Image.Resampling.BICUBIC)


def as_pixels(image: Image.Image) -> Tensor:
    """An RGB image as a tensor, (3, height, width) in [0, 1]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def images_in(folder: Path) -> Iterator[Image.Image]:
    """Read the images of a folder, sorted by name; other files are skipped.

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
                yield read_image(path)
            except UsageError:
                continue
