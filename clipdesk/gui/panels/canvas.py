"""The canvas: pictures as they form, one or a grid of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

_MARGIN = 10
_HINT = "Choose a layer and a neuron, then press Render.\n\nDouble-click a neuron to render it at once."


class Canvas(QWidget):
    """Tiles with a label each. A click selects a tile, a click on it again selects none.

    Signals:
        tile_clicked: The index of the selected tile, or -1.
    """

    tile_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 200)
        self.setAccessibleName("Pictures")
        self._images: list[QImage] = []
        self._labels: list[str] = []
        self._colors: list[QColor] = []
        self._message = "Opening the model …"
        self.selected = -1

    @override
    def sizeHint(self) -> QSize:
        return QSize(640, 520)

    def show_hint(self) -> None:
        """Say what to do, where nothing was rendered yet."""
        self.show_message(_HINT)

    def show_message(self, text: str) -> None:
        """Show a message instead of pictures."""
        self._images, self._message, self.selected = [], text, -1
        self.update()

    def start(self, labels: Sequence[str], colors: Sequence[QColor]) -> None:
        """Prepare for pictures with these labels and colours."""
        self._labels, self._colors, self._images = list(labels), list(colors), []
        self._message, self.selected = "Starting …", -1
        self.update()

    def show_images(self, images: NDArray[np.uint8]) -> None:
        """Show pictures, (count, height, width, 3)."""
        count, height, width, _ = images.shape
        pixels = np.ascontiguousarray(images)
        # Copied: a QImage shares the array's memory, and the array goes away.
        self._images = [
            QImage(pixels[i].data, width, height, 3 * width, QImage.Format.Format_RGB888).copy() for i in range(count)
        ]
        self.update()

    @property
    def image_count(self) -> int:
        """How many pictures are shown."""
        return len(self._images)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().window())
        if not self._images:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(self.rect().adjusted(24, 24, -24, -24), _CENTERED, self._message)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for i, (picture, label) in enumerate(self._tiles()):
            painter.drawImage(picture, self._images[i])
            chosen = i == self.selected
            painter.setPen(QPen(self.palette().highlight().color() if chosen else self._colors[i], 3 if chosen else 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(picture.adjusted(-2, -2, 2, 2), 3, 3)
            painter.setPen(self.palette().windowText().color())
            text = painter.fontMetrics().elidedText(self._labels[i], Qt.TextElideMode.ElideLeft, label.width())
            painter.drawText(label, Qt.AlignmentFlag.AlignCenter, text)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        position = event.position().toPoint()
        hit = next((i for i, (picture, _) in enumerate(self._tiles()) if picture.contains(position)), -1)
        self.selected = -1 if hit == self.selected else hit
        self.tile_clicked.emit(self.selected)
        self.update()

    def _tiles(self) -> list[tuple[QRect, QRect]]:
        """For each picture where it and its label go, in the grid that makes them largest."""
        count = len(self._images)
        if not count:
            return []
        text = self.fontMetrics().height() + 6
        columns = max(range(1, count + 1), key=lambda n: self._side(n, count, text))
        rows, side = math.ceil(count / columns), self._side(columns, count, text)
        cell = QSize(side + _MARGIN, side + text + _MARGIN)
        origin = QPoint((self.width() - columns * cell.width()) // 2, (self.height() - rows * cell.height()) // 2)
        tiles = []
        for i in range(count):
            corner = origin + QPoint(
                i % columns * cell.width() + _MARGIN // 2, i // columns * cell.height() + _MARGIN // 2
            )
            tiles.append((QRect(corner, QSize(side, side)), QRect(corner + QPoint(0, side + 3), QSize(side, text))))
        return tiles

    def _side(self, columns: int, count: int, text: int) -> int:
        rows = math.ceil(count / columns)
        return max(8, min(self.width() // columns - _MARGIN - 4, self.height() // rows - text - _MARGIN - 4))


_CENTERED = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
