"""The curves: activation over steps, one for each picture in its tile's colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget

_LEGEND_UP_TO = 8


class CurvesPanel(QWidget):
    """A plot of the running pictures' activations."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = pg.PlotWidget()
        self.plot.setAccessibleName("Activation curves")
        item = self.plot.getPlotItem()
        item.setLabel("bottom", "step")
        item.setLabel("left", "activation")
        item.getAxis("left").enableAutoSIPrefix(False)
        item.showGrid(x=True, y=True, alpha=0.2)
        item.setMenuEnabled(False)
        item.hideButtons()
        self.plot.setMouseEnabled(False, False)
        self._legend = item.addLegend(offset=(-10, -10))
        self._curves: list[pg.PlotDataItem] = []
        self._points = np.empty((0, 0), dtype=np.float32)
        self._count = 0
        self._apply_palette()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)

    def start(self, labels: Sequence[str], colors: Sequence[QColor], iterations: int) -> None:
        """Clear, and prepare for so many steps of the pictures with these labels."""
        for curve in self._curves:
            self.plot.removeItem(curve)
        self._legend.clear()
        self._points = np.empty((iterations, len(labels)), dtype=np.float32)
        self._count = 0
        self.plot.setXRange(0, iterations, padding=0.02)
        self._curves = []
        for label, color in zip(labels, colors, strict=True):
            curve = pg.PlotDataItem(pen=pg.mkPen(color, width=2), skipFiniteCheck=True)
            self.plot.addItem(curve)
            if len(labels) <= _LEGEND_UP_TO:
                self._legend.addItem(curve, label)
            self._curves.append(curve)

    def append(self, points: Sequence[NDArray[np.float32]]) -> None:
        """Add steps: the activations of all pictures, (pictures,), for each."""
        if not points:
            return
        self._points[self._count : self._count + len(points)] = points
        self._count += len(points)
        steps = np.arange(1, self._count + 1)
        for column, curve in enumerate(self._curves):
            curve.setData(steps, self._points[: self._count, column])

    @property
    def step_count(self) -> int:
        """How many steps are drawn."""
        return self._count

    def _apply_palette(self) -> None:
        palette = self.palette()
        self.plot.setBackground(palette.color(QPalette.ColorRole.Base))
        text = palette.color(QPalette.ColorRole.Text)
        for side in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(side)
            axis.setPen(text)
            axis.setTextPen(text)
        self._legend.setLabelTextColor(text)
