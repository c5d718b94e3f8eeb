"""The plots themselves: activations above, regularisers below. The only module that imports pyqtgraph.

To import it takes half a second, so the curves panel does that after the window is on screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QSplitter
from typing_extensions import override

from clipdesk.gui.panels.canvas import track_color

if TYPE_CHECKING:
    from clipdesk.gui.runs import Held, Series, Track

_LEGEND_UP_TO = 12
_MOST_VALUES = 6
_STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


class Plot(pg.PlotWidget):
    """A plot in the window's colours, with a line under the mouse."""

    def __init__(self, title: str, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.item = self.getPlotItem()
        self.item.setLabel("left", title)
        self.item.getAxis("left").enableAutoSIPrefix(False)
        self.item.getAxis("left").setWidth(8 * self.fontMetrics().averageCharWidth() + 24)
        self.item.showGrid(x=True, y=True, alpha=0.2)
        self.item.setMenuEnabled(False)
        self.item.hideButtons()
        self.setMouseEnabled(False, False)
        self.legend = self.item.addLegend(offset=(-10, -10))
        self.line = pg.InfiniteLine(angle=90, movable=False, pen=pg.mkPen(QColor(128, 128, 128)))
        self.line.setVisible(False)
        self.item.addItem(self.line, ignoreBounds=True)
        self.curves: list[pg.PlotDataItem] = []
        self.apply_palette()

    def clear_curves(self) -> None:
        """Take out all curves."""
        for curve in self.curves:
            self.item.removeItem(curve)
        self.legend.clear()
        self.curves = []

    def add_curve(self, label: str, color: QColor, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> pg.PlotDataItem:
        """A curve; its name in the legend switches it on and off."""
        curve = pg.PlotDataItem(
            pen=pg.mkPen(color, width=2, style=style), connect="finite", autoDownsample=True, clipToView=True
        )
        self.item.addItem(curve)
        if len(self.curves) < _LEGEND_UP_TO:
            self.legend.addItem(curve, label)
        self.curves.append(curve)
        return curve

    def apply_palette(self) -> None:
        """Take on the window's colours."""
        palette = self.palette()
        self.setBackground(palette.color(QPalette.ColorRole.Base))
        text = palette.color(QPalette.ColorRole.Text)
        for side in ("left", "bottom"):
            axis = self.item.getAxis(side)
            axis.setPen(text)
            axis.setTextPen(text)
        self.legend.setLabelTextColor(text)

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "line"):
            self.apply_palette()


class Plots(QSplitter):
    """One curve for each track in its tile's colour, those that are held behind them, and one for each regulariser.

    Signals:
        pointed: The values under the mouse, in words; empty where there are none.
    """

    pointed = Signal(str)

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self.activation = Plot("activation", "Activation curves")
        self.penalty = Plot("penalty", "Regulariser curves")
        self.penalty.item.setLabel("bottom", "step")
        self.penalty.item.setXLink(self.activation)
        self._tracks: list[Track] = []
        self._log = False
        self._drawn: list[tuple[pg.PlotDataItem, Track]] = []
        self._penalties: list[tuple[str, pg.PlotDataItem, Series]] = []
        for plot in (self.activation, self.penalty):
            self.addWidget(plot)
        self.penalty.hide()
        self.activation.scene().sigMouseMoved.connect(self.point_at_activation)
        self.penalty.scene().sigMouseMoved.connect(self.point_at_penalty)

    def show_tracks(self, tracks: Sequence[Track], held: Sequence[Held], iterations: int) -> None:
        """Plot these tracks; `draw` takes over what becomes of them."""
        self._tracks = list(tracks)
        self.activation.clear_curves()
        self.penalty.clear_curves()
        self._drawn, self._penalties = [], []
        for old in held:
            curve = self.activation.add_curve(f"{old.label} (held)", _faded(old.hue), Qt.PenStyle.DashLine)
            curve.setData(_steps(old.values), self._scaled(old.values))
        for track in tracks:
            self._drawn.append((self.activation.add_curve(track.label, track_color(track)), track))
        self.activation.setXRange(0, iterations, padding=0.02)
        self.draw()

    def draw(self) -> None:
        """Take over what is new in the tracks."""
        for curve, track in self._drawn:
            curve.setData(_steps(track.curve.values), self._scaled(track.curve.values))
        if not self._penalties:
            for track in self._tracks:
                for style, (name, series) in zip(_STYLES, track.penalties.items(), strict=False):
                    label = f"{track.label}, {name}"
                    self._penalties.append((label, self.penalty.add_curve(label, track_color(track), style), series))
        for _, curve, series in self._penalties:
            curve.setData(_steps(series.values), series.values)
        self.penalty.setVisible(bool(self._penalties))
        self.activation.item.setLabel("bottom", "" if self._penalties else "step")

    def set_log(self, log: bool) -> None:
        """Draw the activations on a logarithmic axis, or not."""
        self._log = log
        self.activation.item.setLogMode(x=False, y=log)
        self.draw()

    def _scaled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The values as they are drawn: on a logarithmic axis what is not above zero leaves a gap."""
        return np.where(values > 0, values, np.float32(np.nan)) if self._log else values

    def point_at_activation(self, place: QPointF) -> None:
        """Show the activations of the step under a place of the upper plot."""
        self._point(self.activation, place, [(track.label, track.curve) for track in self._tracks])

    def point_at_penalty(self, place: QPointF) -> None:
        """Show what the regularisers took at the step under a place of the lower plot."""
        self._point(self.penalty, place, [(label, series) for label, _, series in self._penalties])

    def _point(self, plot: Plot, place: QPointF, series: list[tuple[str, Series]]) -> None:
        step = round(plot.item.vb.mapSceneToView(place).x())
        values = [f"{label}: {one.values[step - 1]:.4g}" for label, one in series if 1 <= step <= len(one)]
        inside = plot.item.sceneBoundingRect().contains(place) and bool(values)
        for each in (self.activation, self.penalty):
            each.line.setVisible(inside)
            each.line.setPos(step)
        more = f"   and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else ""
        self.pointed.emit(f"step {step}   {'   '.join(values[:_MOST_VALUES])}{more}" if inside else "")


def _steps(values: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.arange(1, len(values) + 1)


def _faded(hue: int) -> QColor:
    return QColor.fromHsv(hue, 70, 165)
