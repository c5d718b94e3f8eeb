"""PNGs that contain their recipe and curve."""

from __future__ import annotations

import base64
import binascii
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from clipdesk.errors import ClipDeskError, UsageError, first_line, one_line
from clipdesk.export.check_record import CheckRecord
from clipdesk.export.files import write_atomically, write_new
from clipdesk.export.recipe import Recipe
from clipdesk.given import checked
from clipdesk.render.settings import limits

RECIPE_KEY = "clipdesk"
"""Keyword of the PNG text chunk; its text is the recipe as JSON."""

CURVE_KEY = "clipdesk-curve"
"""Keyword of the compressed chunk that holds the curve: base64 of little-endian float32, one for each step."""

CHECK_KEY = "clipdesk-check"
"""Keyword of the text chunk with what a check has found, as JSON."""

Curve = NDArray[np.float32]
"""The objective at each step, under that step's transforms, (steps,)."""

_MAX_SIDE = 8192
_MAX_BYTES = 256 * 2**20
_MAX_STEPS = int((limits("iterations") or (0, 0))[1])


class SavedPicture(NamedTuple):
    """A PNG that was read back.

    Attributes:
        recipe: Its recipe.
        curve: Its curve; None if the PNG has none, as from older versions, or a malformed one.
        image: The decoded picture.
        check: What a check has found that was kept in it; None if there is none, or a malformed one.
    """

    recipe: Recipe
    curve: Curve | None
    image: Image.Image
    check: CheckRecord | None = None

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture without transparency, (height, width, 3)."""
        return np.array(self.image.convert("RGB"))

    @property
    def whole(self) -> NDArray[np.uint8]:
        """The picture as it is: (height, width, 4) where it has transparency, else (height, width, 3)."""
        return np.array(self.image.convert("RGBA")) if self.image.has_transparency_data else self.pixels


def save_png(
    image: NDArray[np.uint8], path: Path, recipe: Recipe, curve: Curve | None = None, *, new: bool = False
) -> Path:
    """Write a picture with its recipe and its curve inside.

    Args:
        image: (height, width, 3 or 4).
        path: Where to; a file of this name is replaced.
        recipe: How it was made.
        curve: The objective at each step, (steps,).
        new: Whether to take the next free name instead of replacing a file.

    Returns:
        The file.

    Raises:
        DiskFullError: there is no room for it.
        ClipDeskError: it cannot be written.
    """
    written = None if curve is None else _written_curve(curve)

    def write(file: BinaryIO) -> None:
        Image.fromarray(image).save(file, format="PNG", pnginfo=_texts(recipe, written))

    if new:
        return write_new(path, write)
    write_atomically(path, write)
    return path


def with_recipe(image: Image.Image, recipe: Recipe, curve: Curve) -> Image.Image:
    """The same image, which carries its recipe and its curve from now on, for `save_picture`."""
    image.info |= {RECIPE_KEY: recipe.to_json(), CURVE_KEY: _written_curve(curve)}
    return image


@checked
def save_picture(picture: Image.Image, path: str | Path) -> None:
    """Write a picture of `FeatureVisualizer`'s as a PNG with its recipe and its curve inside.

    ``clipdesk show`` prints them, the window's gallery lists the picture, and ``clipdesk render --from`` makes it again
    if its model was opened by name, with `clipdesk.open_model`. `Image.save` writes the pixels alone.

    Args:
        picture: As `FeatureVisualizer` or `read_png` has returned it, unchanged.
        path: Where to; a file of this name is replaced.

    Raises:
        UsageError: the picture carries no recipe, as one that was made with parts of your own.
        DiskFullError: there is no room for it.
        ClipDeskError: it cannot be written.
    """
    text, curve = picture.info.get(RECIPE_KEY), picture.info.get(CURVE_KEY)
    if not isinstance(text, str):
        raise UsageError("This picture carries no recipe. Write its pixels alone with its own method save")
    recipe = Recipe.from_json(text)

    def write(file: BinaryIO) -> None:
        picture.save(file, format="PNG", pnginfo=_texts(recipe, curve if isinstance(curve, str) else None))

    write_atomically(Path(path), write)


def write_check(path: Path, check: CheckRecord) -> None:
    """Write a check into a PNG, in place of an earlier one; all else in it stays.

    Raises:
        UsageError, ClipDeskError: as `read_png`; or it cannot be written.
    """
    found = read_png(path)
    curve = None if found.curve is None else _written_curve(found.curve)
    texts = _texts(found.recipe, curve)
    texts.add_itxt(CHECK_KEY, check.model_dump_json())
    write_atomically(path, lambda file: found.image.save(file, format="PNG", pnginfo=texts))


def _texts(recipe: Recipe, curve: str | None) -> PngInfo:
    texts = PngInfo()
    texts.add_itxt(RECIPE_KEY, recipe.to_json())
    if curve is not None:
        texts.add_text(CURVE_KEY, curve, zip=True)
    return texts


def _written_curve(curve: Curve) -> str:
    return base64.b64encode(curve.astype("<f4").tobytes()).decode()


@checked
def read_recipe(path: str | Path) -> Recipe:
    """The recipe inside a PNG.

    Raises:
        UsageError, ClipDeskError: see `read_png`.
    """
    return read_png(Path(path)).recipe


def read_png(path: Path) -> SavedPicture:
    """Read a PNG to its last byte, so that a truncated file is noticed.

    The file is not trusted: its size is limited before it is decoded, and its texts before they are parsed.

    Raises:
        UsageError: the file is not a complete PNG that ClipDesk wrote.
        ClipDeskError: the file cannot be read.
    """
    with _explained(path), _opened(path) as file:
        file.load()
        image = file
        texts = {key: file.info.get(key) for key in (RECIPE_KEY, CURVE_KEY, CHECK_KEY)}
    text, curve = texts[RECIPE_KEY], texts[CURVE_KEY]
    if not isinstance(text, str):
        raise UsageError(f"{path} does not contain a ClipDesk recipe")
    try:
        recipe = Recipe.from_json(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    known = _read_curve(curve, recipe.steps) if isinstance(curve, str) else None
    return SavedPicture(recipe, known, image, _read_check(texts[CHECK_KEY]))


def pixels_of(path: Path) -> int:
    """How many pixels a PNG has, by its header.

    Raises:
        UsageError, ClipDeskError: see `read_png`.
    """
    with _explained(path), _opened(path) as file:
        return int(file.width * file.height)


def _opened(path: Path) -> Image.Image:
    """A PNG of which only the header has been read."""
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        # Reading a pipe could block for ever.
        raise UsageError(f"Cannot read {path}: it is not a regular file")
    if state.st_size > _MAX_BYTES:
        raise UsageError(f"{path} is larger than any picture that ClipDesk writes")
    # Only PNG, so that untrusted files do not reach other decoders.
    image = Image.open(path, formats=["PNG"])
    if max(image.size) > _MAX_SIDE:
        image.close()
        raise UsageError(f"{path} is larger than any picture that ClipDesk writes: {image.width} x {image.height}")
    return image


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Any error as one line. A damaged file fails in as many ways as there are files."""
    try:
        with warnings.catch_warnings():
            # Pillow would warn of pictures that are refused.
            warnings.simplefilter("ignore")
            yield
    except ClipDeskError:
        raise
    except UnidentifiedImageError:
        raise UsageError(f"{path} is not a PNG picture") from None
    except MemoryError as error:
        raise ClipDeskError(f"There is too little memory to read {path}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise ClipDeskError(f"Cannot read {path}: {error.strerror}") from error
        raise UsageError(f"{path} is damaged: {one_line(first_line(error))}") from error


def _read_check(text: object) -> CheckRecord | None:
    try:
        return CheckRecord.from_json(text) if isinstance(text, str) else None
    except UsageError:
        return None


def _read_curve(text: str, steps: int) -> Curve | None:
    """Read a curve of `steps` steps from untrusted text; None if it is malformed."""
    if steps > _MAX_STEPS or len(text) > 6 * _MAX_STEPS:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) != 4 * steps:
        return None
    curve = np.frombuffer(data, dtype="<f4").astype(np.float32)
    return curve if np.isfinite(curve).all() else None
