"""Curves as CSV: one row per step, or one column per picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from clipdesk.errors import UsageError
from clipdesk.export.files import write_atomically
from clipdesk.export.folder import from_pictures
from clipdesk.export.png import Curve
from clipdesk.export.recipe import Recipe

COLUMNS = ("picture", "model", "layer", "unit", "text", "seed", "step", "activation")


def save_curves(
    folder: Path,
    path: Path,
    *,
    wide: bool = False,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> tuple[int, int]:
    """Write the curves of a folder's pictures; returns the number of pictures with a curve, and without one.

    Args:
        folder: Folder with the pictures.
        path: The CSV file.
        wide: Write one column per picture under its file's name (`curves_csv`) instead of `curve_rows`.
        progress: Called after each file with the number of files read, and of all files.

    Raises:
        UsageError: the folder does not exist, or does not contain a picture with a curve.
        ClipDeskError: the file cannot be written.
    """
    found = from_pictures(folder, lambda file, picture: (file.name, picture.recipe, picture.curve), progress)
    having = [(name, recipe, curve) for name, recipe, curve in found if curve is not None]
    if not having:
        raise UsageError(f"No picture in {folder} contains a curve; older versions of ClipDesk did not save one")
    parts = [curves_csv({_plain(name): c.tolist() for name, _, c in having})] if wide else curve_rows(having)

    def write(file: BinaryIO) -> None:
        for part in parts:
            file.write(part.encode("utf-8", "replace"))

    write_atomically(path, write)
    return len(having), len(found) - len(having)


def curves_csv(curves: Mapping[str, Sequence[float]]) -> str:
    """A table with a column ``step``, from 1, and one column per curve; shorter curves end in empty cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *curves])
    for i in range(max((len(values) for values in curves.values()), default=0)):
        writer.writerow([i + 1, *(f"{values[i]:.6g}" if i < len(values) else "" for values in curves.values())])
    return text.getvalue()


def curve_rows(pictures: Iterable[tuple[str, Recipe, Curve]]) -> Iterator[str]:
    """The lines of a tidy table: `COLUMNS`, then one row per step of each picture.

    Args:
        pictures: Name, recipe and curve of each picture.

    Yields:
        The heading, then all rows of one picture at a time. Activations are exact to the last bit of a float32. Cells
        that do not apply to a target are empty.
    """
    yield _lines([COLUMNS])
    for name, recipe, curve in pictures:
        target = recipe.target
        unit = (_plain(target.layer), target.index, "") if target.layer is not None else ("", "", _plain(target.name))
        row = (_plain(name), _plain(recipe.model), *unit, recipe.settings.seed)
        yield _lines((*row, step, str(value)) for step, value in enumerate(curve, 1))


def _lines(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _plain(cell: str) -> str:
    """Escape untrusted text so that a spreadsheet does not take it for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
