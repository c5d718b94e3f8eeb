"""PNGs that carry the recipe they were made with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.files import write_atomically

RECIPE_KEY = "clipdesk"
"""Keyword of the PNG text chunk; its text is the recipe as JSON."""


def save_png(image: NDArray[np.uint8], path: Path, recipe: Mapping[str, Any]) -> None:
    """Write a picture, (height, width, 3), with its recipe inside.

    Raises:
        ClipDeskError: it cannot be written.
    """
    text = PngInfo()
    text.add_itxt(RECIPE_KEY, json.dumps(recipe, ensure_ascii=False))

    def write(file: BinaryIO) -> None:
        Image.fromarray(image).save(file, format="PNG", pnginfo=text)

    write_atomically(path, write)


def read_recipe(path: Path) -> dict[str, Any]:
    """The recipe inside a PNG, read to its last byte so that a truncated file is noticed.

    Raises:
        UsageError: the file is no whole PNG, or holds no recipe.
        ClipDeskError: it cannot be read.
    """
    try:
        with Image.open(path) as image:
            image.load()
            text = image.info.get(RECIPE_KEY)
    except UnidentifiedImageError:
        raise UsageError(f"{path} is not a picture") from None
    except (OSError, SyntaxError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise ClipDeskError(f"Cannot read {path}: {error.strerror}") from error
        raise UsageError(f"{path} is damaged: {error}") from error
    try:
        recipe = json.loads(text) if text else None
    except ValueError:
        recipe = None
    if not isinstance(recipe, dict):
        raise UsageError(f"{path} holds no ClipDesk recipe")
    return recipe
