"""The plots themselves: activations, and the regularisers' penalties. The only module that imports pyqtgraph.

To import it takes half a second, so the curves panel does that after the window is on screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPalette, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QSplitter, QWidget
from typing_extensions import override

from clipdesk.gui.colors import faded_color, track_color

if TYPE_CHECKING:
    from clipdesk.gui.tracks import Held, Series, Track

_LEGEND_WIDTHS = 16, 36
"""The least and the greatest width of the legend, in letters."""
_SWATCH = 10
_SHARES = [300, 200]
_WIDE = 2.2
"""Two plots stand side by side if the panel is this many times as wide as high, or wider."""
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
        self.line = pg.InfiniteLine(angle=90, movable=False, pen=pg.mkPen(QColor(128, 128, 128)))
        self.line.setVisible(False)
        self.item.addItem(self.line, ignoreBounds=True)
        self.curves: list[pg.PlotDataItem] = []
        self.apply_palette()

    def clear_curves(self) -> None:
        """Take out all curves."""
        for curve in self.curves:
            self.item.removeItem(curve)
        self.curves = []

    def add_curve(self, color: QColor, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> pg.PlotDataItem:
        """A curve without points."""
        curve = pg.PlotDataItem(
            pen=pg.mkPen(color, width=2, style=style), connect="finite", autoDownsample=True, clipToView=True
        )
        self.item.addItem(curve)
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

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "line"):
            self.apply_palette()


class Plots(QWidget):
    """One curve for each track in its tile's colour, those that are held behind them, and one for each regulariser.

    Signals:
        pointed: The values under the mouse, in words; empty if there are none.
    """

    pointed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.activation = Plot("activation", "Activation curves")
        self.penalty = Plot("penalty", "Regulariser curves")
        self.penalty.item.setLabel("bottom", "step")
        self.penalty.item.setXLink(self.activation)
        self.legend = QListWidget()
        self.legend.setAccessibleName("Legend")
        self.legend.setToolTip("Show or hide each curve")
        self.legend.setTextElideMode(Qt.TextElideMode.ElideLeft)
        self._fit_legend()
        self.legend.itemChanged.connect(self._toggle)
        self._tracks: list[Track] = []
        self._log = False
        self._drawn: list[tuple[pg.PlotDataItem, Track]] = []
        self._penalties: list[tuple[str, pg.PlotDataItem, Series]] = []
        self._named: list[list[pg.PlotDataItem]] = []
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        for plot in (self.activation, self.penalty):
            self._splitter.addWidget(plot)
        self.penalty.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._splitter, 1)
        row.addWidget(self.legend)
        self.activation.scene().sigMouseMoved.connect(self.point_at_activation)
        self.penalty.scene().sigMouseMoved.connect(self.point_at_penalty)

    def show_tracks(self, tracks: Sequence[Track], held: Sequence[Held], iterations: int) -> None:
        """Plot these tracks; `draw` shows what is new in them."""
        self._tracks = list(tracks)
        self.activation.clear_curves()
        self.penalty.clear_curves()
        self.legend.clear()
        self._drawn = []
        self._penalties = []
        self._named = []
        for old in held:
            curve = self.activation.add_curve(faded_color(old.hue), Qt.PenStyle.DashLine)
            curve.setData(_steps(old.values), self._scaled(old.values))
            self._name(f"{old.label} (held)", faded_color(old.hue), curve)
        for track in tracks:
            curve = self.activation.add_curve(track_color(track))
            self._drawn.append((curve, track))
            self._name(track.label, track_color(track), curve)
        self._fit_legend()
        # A curve that is held or compared may be longer than what the newest run asks for.
        lengths = [len(track.curve) for track in tracks] + [len(old.values) for old in held]
        self.activation.setXRange(0, max(iterations, *lengths, 1), padding=0.02)
        self.draw()

    def _fit_legend(self) -> None:
        """Make the legend as wide as its labels, within limits: the curves need the room."""
        letter = self.fontMetrics().averageCharWidth()
        wanted = self.legend.sizeHintForColumn(0) + self.legend.verticalScrollBar().sizeHint().width() + letter
        self.legend.setFixedWidth(min(max(wanted, _LEGEND_WIDTHS[0] * letter), _LEGEND_WIDTHS[1] * letter))

    def _name(self, label: str, color: QColor, curve: pg.PlotDataItem) -> None:
        """A line in the legend."""
        item = QListWidgetItem(_swatch(color), label)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked)
        item.setToolTip(label)
        self._named.append([curve])
        self.legend.addItem(item)

    def _toggle(self, item: QListWidgetItem) -> None:
        for curve in self._named[self.legend.row(item)]:
            curve.setVisible(item.checkState() is Qt.CheckState.Checked)

    def draw(self) -> None:
        """Draw what is new in the tracks."""
        for curve, track in self._drawn:
            curve.setData(_steps(track.curve.values), self._scaled(track.curve.values))
        if not self._penalties and any(track.penalties for track in self._tracks):
            self._add_penalties()
        for _, curve, series in self._penalties:
            curve.setData(_steps(series.values), series.values)
        if self.penalty.isHidden() is bool(self._penalties):
            self.penalty.setVisible(bool(self._penalties))
            self._splitter.setSizes(_SHARES)
        self._turn()

    def _add_penalties(self) -> None:
        names: set[str] = set()
        for curves, track in zip(self._named[-len(self._tracks) :], self._tracks, strict=True):
            for style, (name, series) in zip(_STYLES, track.penalties.items(), strict=False):
                curve = self.penalty.add_curve(track_color(track), style)
                curves.append(curve)
                self._penalties.append((f"{track.label}, {name}", curve, series))
                names.add(name)
        self.penalty.item.setLabel("left", names.pop() if len(names) == 1 else "penalty")

    def _turn(self) -> None:
        """Side by side or one above the other, as there is room."""
        wide = self.width() > _WIDE * self.height()
        turned = Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        if turned is not self._splitter.orientation():
            self._splitter.setOrientation(turned)
            self._splitter.setSizes(_SHARES)
        self.activation.item.setLabel("bottom", "step" if wide or not self._penalties else "")

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._turn()

    def set_log(self, log: bool) -> None:
        """Draw the activations on a logarithmic axis, or not."""
        self._log = log
        self.activation.item.setLogMode(x=False, y=log)
        self.draw()

    def _scaled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The values as they are drawn: on a logarithmic axis, values that are not above zero leave a gap."""
        return np.where(values > 0, values, np.float32(np.nan)) if self._log else values

    def point_at_activation(self, place: QPointF) -> None:
        """Show the activations of the step under a place of their plot."""
        self._point(self.activation, place, [(track.label, track.curve) for track in self._tracks])

    def point_at_penalty(self, place: QPointF) -> None:
        """Show the penalties of the step under a place of their plot."""
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


def _swatch(color: QColor) -> QIcon:
    pixmap = QPixmap(_SWATCH, _SWATCH)
    pixmap.fill(color)
    return QIcon(pixmap)
