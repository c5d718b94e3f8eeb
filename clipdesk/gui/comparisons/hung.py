"""What hangs on the wall of a comparison: the photos that excite units most in A and in B, and their words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage, QPainter

from clipdesk.gui.images import packed

_SIDE, _RANKS = 112, 2


class HungUnits:
    """Units of a comparison, as a `WallSource`. Its units are places on the wall.

    Args:
        places: Where the units are in the list of the most changed ones, in the order of the wall.
        tops: Gives so many pictures that excite the unit at a place most, in A, and in B if it has a counterpart there.
        thumbnail: Gives a picture by its index, small.
    """

    def __init__(
        self,
        places: Sequence[int],
        tops: Callable[[int, int], Sequence[Sequence[int]]],
        thumbnail: Callable[[int], QImage],
    ) -> None:
        self._places, self._tops, self._thumbnail = tuple(places), tops, thumbnail
        self.words: dict[int, str] = {}

    @property
    def units(self) -> int:
        """How many hang there."""
        return len(self._places)

    @property
    def columns(self) -> Mapping[str, NDArray[np.float64]]:
        """None: the table sorts them."""
        return {}

    @property
    def map_problem(self) -> str:
        """Why there is no map."""
        return "Units of a comparison have no map"

    def top_photo(self, unit: int) -> bytes | None:
        """The two photos that excite a unit most in A, on the left, and in B, on the right, as a JPEG."""
        whole = QImage(2 * _SIDE, _RANKS * _SIDE, QImage.Format.Format_ARGB32)
        whole.fill(0)
        painter, drawn = QPainter(whole), False
        for column, pictures in enumerate(self._tops(self._places[unit], _RANKS)):
            for row, picture in enumerate(pictures):
                image = self._thumbnail(picture)
                if not image.isNull():
                    painter.drawImage(QRect(column * _SIDE, row * _SIDE, _SIDE, _SIDE), image, _middle(image))
                    drawn = True
        painter.end()
        return packed(whole) if drawn else None

    def map_order(self, columns: int, stopped: Callable[[], bool]) -> NDArray[np.integer]:
        """The order of the wall; there is no map."""
        return np.arange(self.units)


def _middle(image: QImage) -> QRect:
    """The largest square in the middle of an image."""
    side = min(image.width(), image.height())
    return QRect((image.width() - side) // 2, (image.height() - side) // 2, side, side)
