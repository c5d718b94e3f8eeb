"""Contact sheets of what a unit answers to: pictures from all of its range, and where in them it fires."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from clipdesk.activations.heatmaps import HeatMaps, has_places, heat_maps
from clipdesk.activations.questions.examples import Example, Examples
from clipdesk.activations.showing import ShownPictures
from clipdesk.activations.survey import Survey
from clipdesk.errors import one_line
from clipdesk.export.files import write_atomically
from clipdesk.export.sheet import fitting
from clipdesk.network.layer_names import short_layer
from clipdesk.network.opened import OpenModel

_SIDE, _GAP, _LINE = 128, 8, 16
_COLUMNS = 12
_TITLE = 30
_FREE, _FAINT = (225, 225, 225), (110, 110, 110)
_LONGEST_LABEL = 60

Section = tuple[str, Sequence[Example]]
"""A part of a unit's range: its heading, and pictures of it."""


@dataclass(frozen=True, eq=False)
class _Cell:
    picture: Image.Image | None
    lit: Image.Image | None
    value: str
    label: str


def save_example_sheet(
    opened: OpenModel,
    folder: Path,
    survey: Survey,
    found: Examples,
    sections: Sequence[Section],
    path: Path,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> int:
    """Write a contact sheet of a unit's pictures as a PNG; below each, itself with colour only where the unit fires.

    The pictures are read from the image set, and from the survey's thumbnails where it is away. Layers with one value
    for a whole picture, and values of the class token, have no places: there the pictures stand alone.

    Args:
        opened: The survey's model.
        folder: The survey's folder.
        survey: The survey.
        found: The unit's pictures.
        sections: Which of them are shown, part by part; a part without any has its heading all the same.
        path: The file.
        progress: Told how many pictures have been read.

    Returns:
        How many of the pictures are thumbnails.

    Raises:
        ClipDeskError: the file cannot be written, or the device has too little memory.
    """
    shown = ShownPictures(folder, survey, max(_SIDE, opened.side))
    listed = [example for _, examples in sections for example in examples]
    images: list[Image.Image | None] = []
    for number, example in enumerate(listed, 1):
        images.append(shown.read(example.picture))
        progress(number, len(listed))
    cells = iter(_cells(opened, survey, found, listed, images))
    rows = [(heading, [next(cells) for _ in examples]) for heading, examples in sections]
    title = f"{short_layer(found.layer)}:{found.unit}   {found.pooling}   {one_line(folder.name)}"
    sheet = _draw(title, rows)
    write_atomically(path, lambda file: sheet.save(file, format="PNG"))
    return shown.from_thumbnails


def _cells(
    opened: OpenModel, survey: Survey, found: Examples, listed: Sequence[Example], images: Sequence[Image.Image | None]
) -> list[_Cell]:
    maps: HeatMaps | None = None
    there = [image for image in images if image is not None]
    if there and found.pooling != "class" and has_places(opened.inspector.visualizable(found.layer)):
        maps = heat_maps(opened, found.layer, found.unit, there)
    cells, number = [], 0
    for example, image in zip(listed, images, strict=True):
        picture = survey.pictures[example.picture]
        lit = None if image is None or maps is None else maps.over(number, image)
        number += image is not None
        alike = f"  +{len(example.alike)} alike" if example.alike else ""
        label = one_line((picture.label or picture.place)[-_LONGEST_LABEL:])
        cells.append(_Cell(image, lit, f"{example.value + 0.0:.3g}{alike}", label))
    return cells


def _draw(title: str, rows: Sequence[tuple[str, Sequence[_Cell]]]) -> Image.Image:
    columns = min(_COLUMNS, max((len(cells) for _, cells in rows), default=1))
    pictures = 2 if any(cell.lit for _, cells in rows for cell in cells) else 1
    wide, high = _SIDE + _GAP, pictures * _SIDE + 2 * _LINE + _GAP
    lines = sum(math.ceil(len(cells) / columns) for _, cells in rows)
    empty = sum(not cells for _, cells in rows)
    size = (max(4, columns) * wide + _GAP, _TITLE + len(rows) * (_LINE + _GAP) + lines * high + empty * _LINE + _GAP)
    sheet = Image.new("RGB", size, "white")
    pen, font, large = ImageDraw.Draw(sheet), ImageFont.load_default(12), ImageFont.load_default(15)
    pen.text((_GAP, _GAP), fitting(title, size[0] - 2 * _GAP, pen, large), fill="black", font=large)
    top = _TITLE
    for heading, cells in rows:
        pen.text((_GAP, top + _GAP), fitting(heading, size[0] - 2 * _GAP, pen, font), fill="black", font=font)
        top += _LINE + _GAP
        if not cells:
            pen.text((_GAP, top), "none", fill=_FAINT, font=font)
            top += _LINE
        for number, cell in enumerate(cells):
            left, upper = _GAP + number % columns * wide, top + number // columns * high
            for place, image in enumerate((cell.picture, cell.lit)[:pictures]):
                corner = (left, upper + place * _SIDE)
                if image is None:
                    pen.rectangle((*corner, corner[0] + _SIDE - 1, corner[1] + _SIDE - 1), fill=_FREE)
                else:
                    sheet.paste(image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), corner)
            below = upper + pictures * _SIDE + 1
            for line, text in enumerate((cell.value, cell.label)):
                pen.text((left, below + line * _LINE), fitting(text, _SIDE, pen, font), fill="black", font=font)
        top += math.ceil(len(cells) / columns) * high
    return sheet
