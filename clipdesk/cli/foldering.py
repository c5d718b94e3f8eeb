"""What the commands that make one file of a folder do. Takes NumPy and Pillow along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from clipdesk.cli.bars import counting
from clipdesk.cli.output import say, say_path
from clipdesk.export.curves import save_curves
from clipdesk.export.files import write_atomically
from clipdesk.export.page import save_page
from clipdesk.export.sheet import find_pictures, save_sheet
from clipdesk.imagesets.reading import images_in
from clipdesk.render.maco import magnitudes_of


class Folder:
    """A folder of pictures. Each method writes a file, prints its path, and says how much is in it.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def sheet(self, output: Path, columns: int | None) -> None:
        """A contact sheet, with so many pictures in a row; by default as many as make it about square."""
        pictures = find_pictures(self._path)
        save_sheet(pictures, output, columns)
        _tell(output, len(pictures))

    def page(self, output: Path, megabytes: float) -> None:
        """A page of HTML of at most this size."""
        with counting("Pictures") as progress:
            count = save_page(self._path, output, megabytes=megabytes, progress=progress)
        _tell(output, count, f", {output.stat().st_size / 1e6:.1f} MB")

    def curves(self, output: Path, wide: bool) -> None:
        """All curves as CSV."""
        with counting("Pictures") as progress:
            saved, without = save_curves(self._path, output, wide=wide, progress=progress)
        _tell(output, saved, f"; {without} without a curve" if without else "")

    def spectrum(self, output: Path, size: int) -> None:
        """The mean magnitudes of the images, for `clipdesk.render.maco`."""
        done = 0
        with counting("Pictures") as progress:

            def counted() -> Iterator[Image.Image]:
                nonlocal done
                for done, picture in enumerate(images_in(self._path), 1):
                    yield picture
                    progress(done, done)

            magnitudes = magnitudes_of(counted(), size)
        write_atomically(output, lambda file: np.save(file, magnitudes))
        _tell(output, done)


def _tell(output: Path, count: int, more: str = "") -> None:
    say_path(output)
    say(f"{'1 picture' if count == 1 else f'{count} pictures'}{more}", err=True)
