"""Contact sheets: the pictures of a folder with their labels, as one PNG or as the pages of a PDF."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageDraw, ImageFont

from clipdesk.errors import ClipDeskError, UsageError, one_line
from clipdesk.export.files import write_atomically
from clipdesk.export.folder import from_pictures
from clipdesk.export.png import read_png
from clipdesk.export.recipe import Outcome, Recipe
from clipdesk.network.layer_names import short_label

log = logging.getLogger(__name__)

_SIDE, _GAP, _TEXT = 160, 8, 20
_LONGEST = 8_000
"""Longest side of a PNG in pixels; if there are many pictures, they are drawn smaller."""
_PAGE_COLUMNS, _PAGE_ROWS = 6, 7
_DPI = 150
_BADGE = 16
_DARK = (48, 48, 48)
_Font = ImageFont.ImageFont | ImageFont.FreeTypeFont
_LONGEST_LABEL = 100
"""Characters of a label that are measured; fewer than half of them fit."""

SheetEntry = tuple[Path, Recipe]


def find_pictures(folder: Path) -> list[SheetEntry]:
    """The pictures of a folder with their recipes; see `from_pictures`."""
    return from_pictures(folder, lambda path, picture: (path, picture.recipe))


def save_sheet(pictures: Sequence[SheetEntry], path: Path, columns: int | None = None) -> None:
    """Write a contact sheet in the format of its suffix, PNG or PDF.

    Args:
        pictures: The pictures on the sheet.
        path: The file, ``.png`` or ``.pdf``.
        columns: Pictures in a row; by default about as many as rows, in a PDF 6.

    Raises:
        UsageError: the suffix is another.
        ClipDeskError: the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in (".png", ".pdf"):
        raise UsageError(f"A contact sheet is a .png or a .pdf, not {path.name}")
    if kind == ".png":
        per_row = columns or math.ceil(math.sqrt(len(pictures)))
        pages = [_draw(pictures, per_row, _side(len(pictures), per_row))]
    else:
        per_row = columns or _PAGE_COLUMNS
        size = per_row * _PAGE_ROWS
        pages = [_draw(pictures[i : i + size], per_row, _SIDE) for i in range(0, len(pictures), size)]

    def write(file: BinaryIO) -> None:
        if kind == ".png":
            pages[0].save(file, format="PNG")
        else:
            pages[0].save(file, format="PDF", save_all=True, append_images=pages[1:], resolution=_DPI)

    write_atomically(path, write)


def _side(count: int, columns: int) -> int:
    """Side of each picture that keeps the sheet within its longest side."""
    most = max(columns, math.ceil(count / columns))
    return max(16, min(_SIDE, _LONGEST // most - _GAP - _TEXT))


def _draw(pictures: Sequence[SheetEntry], columns: int, side: int) -> Image.Image:
    rows = math.ceil(len(pictures) / columns)
    width, height = side + _GAP, side + _TEXT + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    one_layer = len({recipe.target.sort_key[0] for _, recipe in pictures}) == 1
    for i, (path, recipe) in enumerate(pictures):
        left, top = _GAP + i % columns * width, _GAP + i // columns * height
        try:
            image = read_png(path).image
        except ClipDeskError as error:
            # It was whole a moment ago. Its place stays white.
            log.warning("not on the sheet: %s", error)
        else:
            shown = image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
            sheet.paste(shown if recipe.outcome.useful else shown.convert("L"), (left, top))
        if recipe.outcome is not Outcome.DONE and side >= 4 * _BADGE:
            pen.rectangle((left, top + side - _BADGE, left + side - 1, top + side - 1), fill=_DARK)
            words = fitting(recipe.outcome_in_words, side - 6, pen, font)
            pen.text((left + 3, top + side - _BADGE), words, fill="white", font=font)
        label = fitting(_label(recipe, one_layer), side, pen, font, at_start=True)
        pen.text((left, top + side + 3), label, fill="black", font=font)
    return sheet


def fitting(text: str, width: int, pen: ImageDraw.ImageDraw, font: _Font, *, at_start: bool = False) -> str:
    """A text, cut at its start or its end where it is too wide."""
    shown, left = text, text
    while pen.textlength(shown, font) > width and len(left) > 1:
        left = left[1:] if at_start else left[:-1]
        shown = f"…{left}" if at_start else f"{left}…"
    return shown


def _label(recipe: Recipe, one_layer: bool) -> str:
    """The end of a picture's label, which tells it from others, and its activation; on one line."""
    label = (short_label(recipe.target.short(one_layer)).splitlines() or [""])[0][-_LONGEST_LABEL:]
    return f"{one_line(label)}   {recipe.activation.picture:.3g}"
