"""What hangs on the walls of tests: pictures and photos of one colour, by which tiles are recognised."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QColor, QImage, QImageWriter

from clipdesk.gui.images import packed
from clipdesk.gui.wall.source import Picture

RED, GREEN, BLUE = "#ff0000", "#00ff00", "#0000ff"


def plain(color: str, width: int = 96, height: int = 96) -> QImage:
    """An image of one colour."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(color))
    return image


def picture(color: str, *, faded: bool = False) -> Picture:
    """A rendered picture of one colour."""
    return Picture(packed(plain(color)), faded)


def webp(color: str) -> bytes:
    """A photo of one colour, as a survey keeps it."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"WEBP")).write(plain(color))
    return bytes(buffer.data().data())


def looks(found: QColor, color: str) -> bool:
    """Whether a colour is another one, up to what a JPEG does to it."""
    other = QColor(color)
    differences = found.red() - other.red(), found.green() - other.green(), found.blue() - other.blue()
    return max(map(abs, differences)) < 24


class Known:
    """What a survey might know of units, as a `WallSource`: their photos are blue."""

    def __init__(self, units: int, order: Callable[[int], NDArray[np.integer]] | None = None) -> None:
        self.units = units
        self.columns: dict[str, NDArray[np.float64]] = {"density": np.arange(units) / units}
        self.words = {3: "heart 0.83"}
        self.map_problem = ""
        self._order = order
        self._photo = webp(BLUE)

    def top_photo(self, unit: int) -> bytes | None:
        return None if unit == 0 else self._photo

    def map_order(self, columns: int, stopped: Callable[[], bool]) -> NDArray[np.integer]:
        return np.arange(self.units)[::-1] if self._order is None else self._order(columns)
