"""PNGs that carry the recipe they were made with."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.files import write_atomically
from clipdesk.export.recipe import Recipe

RECIPE_KEY = "clipdesk"
"""Keyword of the PNG text chunk; its text is the recipe as JSON."""

_MAX_SIDE = 8192
_MAX_BYTES = 256 * 2**20


def save_png(image: NDArray[np.uint8], path: Path, recipe: Recipe) -> None:
    """Write a picture, (height, width, 3), with its recipe inside.

    Raises:
        ClipDeskError: it cannot be written.
    """
    text = PngInfo()
    text.add_itxt(RECIPE_KEY, recipe.to_json())

    def write(file: BinaryIO) -> None:
        Image.fromarray(image).save(file, format="PNG", pnginfo=text)

    write_atomically(path, write)


def read_recipe(path: Path) -> Recipe:
    """The recipe inside a PNG, read to its last byte so that a truncated file is noticed.

    The file may be anybody's: its size is bounded before it is decoded, and the recipe's before it is parsed.

    Raises:
        UsageError: the file is no whole PNG of ours.
        ClipDeskError: it cannot be read.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path} is larger than any picture of ClipDesk's")
        # Only PNG: no other decoder needs to see a file that anybody may have made.
        with Image.open(path, formats=["PNG"]) as image:
            if max(image.size) > _MAX_SIDE:
                raise UsageError(f"{path} is larger than any picture of ClipDesk's: {image.size[0]} x {image.size[1]}")
            image.load()
            text = image.info.get(RECIPE_KEY)
    except UnidentifiedImageError:
        raise UsageError(f"{path} is not a PNG picture") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise ClipDeskError(f"Cannot read {path}: {error.strerror}") from error
        raise UsageError(f"{path} is damaged: {error}") from error
    if not isinstance(text, str):
        raise UsageError(f"{path} holds no ClipDesk recipe")
    try:
        return Recipe.from_json(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
