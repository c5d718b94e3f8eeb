"""The grid in which square tiles with a line of text below each are largest."""

from __future__ import annotations

import math

from PySide6.QtCore import QRect, QSize

_MARGIN = 12
_FEWEST_PIXELS = 8


def tiling(room: QSize, count: int, text: int) -> list[QRect]:
    """Places for the pictures of the tiles.

    Args:
        room: Where they have to fit.
        count: How many tiles there are.
        text: Height of the line below each picture.
    """
    if not count:
        return []
    columns = max(range(1, count + 1), key=lambda n: _side(room, n, count, text))
    rows, side = math.ceil(count / columns), _side(room, columns, count, text)
    width, height = side + _MARGIN, side + text + _MARGIN
    left, top = (room.width() - columns * width) // 2, (room.height() - rows * height) // 2
    return [
        QRect(left + i % columns * width + _MARGIN // 2, top + i // columns * height + _MARGIN // 2, side, side)
        for i in range(count)
    ]


def _side(room: QSize, columns: int, count: int, text: int) -> int:
    rows = math.ceil(count / columns)
    return max(_FEWEST_PIXELS, min(room.width() // columns - _MARGIN - 4, room.height() // rows - text - _MARGIN - 4))
