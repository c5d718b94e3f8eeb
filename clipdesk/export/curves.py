"""Curves as CSV: a row for each step, or one column for each picture."""

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
    """Write the curves of a folder's pictures; how many pictures have one, and how many have none.

    Args:
        folder: Where the pictures are.
        path: The CSV file.
        wide: As `curves_csv`, a column for each picture under its file's name; else as `curve_rows`.
        progress: Called after each file with how many are done, and how many there are.

    Raises:
        UsageError: there is no such folder, no picture in it, or none of them has a curve.
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
    """A table with a column ``step``, from 1, and one for each curve; a shorter curve's later cells are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *curves])
    for i in range(max((len(values) for values in curves.values()), default=0)):
        writer.writerow([i + 1, *(f"{values[i]:.6g}" if i < len(values) else "" for values in curves.values())])
    return text.getvalue()


def curve_rows(pictures: Iterable[tuple[str, Recipe, Curve]]) -> Iterator[str]:
    """The lines of a tidy table: `COLUMNS`, then a row for each step of each picture.

    Args:
        pictures: Name, recipe and curve of each.

    Yields:
        The heading, then all rows of one picture at a time. Activations are exact to the last bit of a float32; what a
        target does not have is empty.
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
    """A cell that no spreadsheet takes for a formula: anybody may have written the text."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
