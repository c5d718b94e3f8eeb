"""The one reader of images that users have: to start from, to resemble, or to survey. Imports no torch."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from clipdesk.errors import UsageError, printable
from clipdesk.files import read_bytes
from clipdesk.imagesets.suffixes import SUFFIXES

_MOST_PIXELS = 100_000_000
_LONGEST_SIDE = 32_768
"""Each row and each column costs memory of its own, so a picture of one column needs another bound than its pixels."""
_STRIP_PIXELS = 4_000_000
_SIXTEEN_BITS = 65_535.0
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
"""The formats of the suffixes: untrusted files do not reach Pillow's other decoders, whatever their names."""
_READABLE = "it must be a whole PNG, JPEG, WebP, BMP or TIFF"


def read_image(path: Path) -> Image.Image:
    """Read an image in RGB, turned upright as its EXIF data says, on white where it is transparent.

    Grey values of 16 or 32 bits and floats are scaled to 8 bits, not clipped.

    Raises:
        UsageError: the file is missing, is not an image of a format of `SUFFIXES`, has more than 100 megapixels,
            or has a side of more than 32,768 px.
    """
    return decode_image(read_bytes(path), path)


def decode_image(data: bytes, path: Path | str, side: int = 0) -> Image.Image:
    """As `read_image`, from the bytes of the file.

    Args:
        data: The bytes of the file.
        path: What errors call it.
        side: If not 0, a JPEG may be decoded to an eighth, a quarter or a half of its size, as long as no side becomes
            shorter than this. It takes a fraction of the time.

    Raises:
        UsageError: as `read_image`.
    """
    shown = printable(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large images, for which the limits are these, and of damaged EXIF data.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as file:
                if file.width * file.height > _MOST_PIXELS or max(file.size) > _LONGEST_SIDE:
                    raise UsageError(f"{shown} is too large: {file.width} x {file.height} px")
                if side:
                    file.draft(None, (side, side))
                ImageOps.exif_transpose(file, in_place=True)
                return _on_white(_in_eight_bits(file))
    except UsageError:
        raise
    except Image.DecompressionBombError:
        # Pillow has its own limit of some 180 megapixels, which it checks before the size can be read.
        raise UsageError(f"{shown} is too large: more than 100 megapixels") from None
    except MemoryError:
        raise UsageError(f"There is too little memory to read {shown}") from None
    except Exception:
        # Decoders fail in as many ways as there are files.
        raise UsageError(f"{shown} is not an image that can be read: {_READABLE}") from None


def _on_white(image: Image.Image) -> Image.Image:
    """An image in RGB, on white where it is transparent; made strip by strip, since each step needs another copy."""
    if image.mode in ("RGB", "L") and "transparency" not in image.info:
        return image.convert("RGB")
    result = Image.new("RGB", image.size)
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(image.height, top + rows))).convert("RGBA")
        white = Image.new("RGBA", strip.size, "white")
        result.paste(Image.alpha_composite(white, strip).convert("RGB"), (0, top))
    return result


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
