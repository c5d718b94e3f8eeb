"""The heat map of two models' layers: the stronger the colour of a cell, the more alike."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QToolTip, QWidget
from typing_extensions import override

from clipdesk.gui.comparisons.data import Layers
from clipdesk.gui.plain import plain_tip

_CELL = 12
_NONE = Layers((), (), ())


class CkaMap(QWidget):
    """A's layers from top to bottom, B's from left to right. It is as large as its names and cells need."""

    def __init__(self) -> None:
        super().__init__()
        self._layers = _NONE
        self.setAccessibleName("CKA of the layers of A and of B")
        self.setMouseTracking(True)

    def show_layers(self, layers: Layers | None) -> None:
        """Show other layers; None for none."""
        self._layers = layers or _NONE
        self.setFixedSize(self.sizeHint())
        same = self._layers.rows == self._layers.columns
        diagonal = [values[at] for at, values in enumerate(self._layers.values)] if same else []
        said = f"lowest of the same layers {min(diagonal):.2f}" if diagonal else ""
        self.setAccessibleDescription(said)
        self.update()

    @property
    def _margin(self) -> int:
        names = (*self._layers.rows, *self._layers.columns)
        return max((self.fontMetrics().horizontalAdvance(name) for name in names), default=0) + 8

    @property
    def _cell(self) -> int:
        return max(_CELL, self.fontMetrics().height())

    @override
    def sizeHint(self) -> QSize:
        margin, cell = self._margin, self._cell
        return QSize(margin + cell * len(self._layers.columns) + 4, margin + cell * len(self._layers.rows) + 4)

    def said_at(self, point: QPointF) -> str:
        """What the cell at a point says; empty beside the cells."""
        column, row = (int((each - self._margin) // self._cell) for each in (point.x(), point.y()))
        if not (0 <= row < len(self._layers.rows) and 0 <= column < len(self._layers.columns)):
            return ""
        return f"A {self._layers.rows[row]}, B {self._layers.columns[column]}: {self._layers.values[row][column]:.3f}"

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        said = self.said_at(event.position())
        QToolTip.showText(event.globalPosition().toPoint(), plain_tip(said), self) if said else QToolTip.hideText()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter, margin, cell = QPainter(self), self._margin, self._cell
        color = self.palette().color(QPalette.ColorRole.Highlight)
        for row, values in enumerate(self._layers.values):
            for column, value in enumerate(values):
                if math.isfinite(value):
                    shade = QColor(color)
                    shade.setAlphaF(min(max(value, 0.0), 1.0))
                    painter.fillRect(QRectF(margin + column * cell, margin + row * cell, cell - 1, cell - 1), shade)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, name in enumerate(self._layers.rows):
            painter.drawText(QRectF(0, margin + row * cell, margin - 4, cell), int(right), name)
        painter.rotate(-90)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        for column, name in enumerate(self._layers.columns):
            painter.drawText(QRectF(4 - margin, margin + column * cell, margin, cell), int(left), name)
        painter.end()
