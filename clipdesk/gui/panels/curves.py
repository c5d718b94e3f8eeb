"""The curves: activation over steps, one for each picture in its tile's colour; below, what the regularisers take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QEvent, QIODevice, QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QStackedLayout, QToolBar, QVBoxLayout, QWidget
from typing_extensions import override

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.panels.canvas import track_color

if TYPE_CHECKING:
    from clipdesk.gui.runs import Series, Track

_LEGEND_UP_TO = 12
_MOST_HELD = 32
_REFRESH_MS = 100
"""Curves are drawn ten times a second: they grow at one end, and more is not seen."""
_STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


@dataclass(frozen=True)
class _Held:
    """A curve of an earlier run that stays for comparison."""

    label: str
    hue: int
    values: NDArray[np.float32]


class _Plot(pg.PlotWidget):
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


class CurvesPanel(QWidget):
    """Plots of the shown pictures' activations and regularisers, with curves of earlier runs held behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = _Plot("activation", "Activation curves")
        self.penalty_plot = _Plot("penalty", "Regulariser curves")
        self.penalty_plot.item.setLabel("bottom", "step")
        self.penalty_plot.item.setXLink(self.plot)
        self.tracks: list[Track] = []
        self.held: list[_Held] = []
        self._log = False
        self._drawn: list[tuple[pg.PlotDataItem, Track]] = []
        self._penalties: list[tuple[pg.PlotDataItem, Series]] = []
        self._readout = QLabel()
        self._readout.setMargin(4)
        self._make_actions()

        splitter = self._plots = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.plot)
        splitter.addWidget(self.penalty_plot)
        self.penalty_plot.hide()
        hint = QLabel("The activation at each step is drawn here", alignment=Qt.AlignmentFlag.AlignCenter)
        hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        plots = QWidget()
        self._pages = QStackedLayout(plots)
        self._pages.addWidget(hint)
        self._pages.addWidget(splitter)
        bar = QToolBar()
        fill_bar(bar, self.actions_shown)
        top = QHBoxLayout()
        top.addWidget(bar)
        top.addWidget(self._readout, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(plots, 1)
        self._update_actions()
        self._timer = QTimer(self, interval=_REFRESH_MS, singleShot=True)
        self._timer.timeout.connect(self._draw)
        for plot in (self.plot, self.penalty_plot):
            plot.scene().sigMouseMoved.connect(self._point)

    def _make_actions(self) -> None:
        tip = "Keep these curves, dashed, behind those of the next run"
        self.hold_action = make_action(self, "Hold curves", "pin_outline", "Ctrl+H", tip)
        self.hold_action.triggered.connect(self.hold)
        self.drop_action = make_action(self, "Drop held curves", "pin_off_outline", "Ctrl+Shift+H")
        self.drop_action.triggered.connect(self.drop)
        self.log_action = make_action(self, "Logarithmic activation", "math_log", "Ctrl+L", checkable=True)
        self.log_action.toggled.connect(self._set_log)
        self.csv_action = make_action(self, "Export curves as CSV …", "file_delimited_outline")
        self.png_action = make_action(self, "Export curves as PNG …", "image_outline")
        self.actions_shown = [self.hold_action, self.drop_action, self.log_action, self.csv_action, self.png_action]

    def show_tracks(self, tracks: Sequence[Track], iterations: int) -> None:
        """Plot these tracks, and from now on what becomes of them."""
        self.tracks = list(tracks)
        self.plot.clear_curves()
        self.penalty_plot.clear_curves()
        self._drawn, self._penalties = [], []
        for held in self.held:
            curve = self.plot.add_curve(f"{held.label} (held)", _faded(held.hue), Qt.PenStyle.DashLine)
            curve.setData(np.arange(1, len(held.values) + 1), self._scaled(held.values))
        for track in self.tracks:
            self._drawn.append((self.plot.add_curve(track.label, track_color(track)), track))
        self.plot.setXRange(0, iterations, padding=0.02)
        self._draw()

    def refresh(self) -> None:
        """Soon draw what is new in the tracks."""
        if not self._timer.isActive():
            self._timer.start()

    def _draw(self) -> None:
        for curve, track in self._drawn:
            values = track.curve.values
            curve.setData(np.arange(1, len(values) + 1), self._scaled(values))
        names = {name for track in self.tracks for name in track.penalties}
        if names and not self._penalties:
            for track in self.tracks:
                for style, (name, series) in zip(_STYLES, track.penalties.items(), strict=False):
                    label = f"{track.label}, {name}"
                    self._penalties.append((self.penalty_plot.add_curve(label, track_color(track), style), series))
        for curve, series in self._penalties:
            curve.setData(np.arange(1, len(series) + 1), series.values.copy())
        self.penalty_plot.setVisible(bool(names))
        self.plot.item.setLabel("bottom", "" if names else "step")
        self._update_actions()

    def _scaled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The values as they are drawn: on a logarithmic axis what is not above zero leaves a gap."""
        return np.where(values > 0, values, np.float32(np.nan)) if self._log else values.copy()

    # What can be done

    def hold(self) -> None:
        """Keep the curves for comparison with later ones."""
        new = [_Held(track.label, track.hue, track.curve.values.copy()) for track in self.tracks if len(track.curve)]
        self.held = [*self.held, *new][-_MOST_HELD:]
        self._update_actions()

    def drop(self) -> None:
        """Let the held curves go."""
        self.held = []
        self.show_tracks(self.tracks, max((len(track.curve) for track in self.tracks), default=1))

    def _set_log(self, log: bool) -> None:
        self._log = log
        self.plot.item.setLogMode(x=False, y=log)
        self._draw()

    def csv(self) -> str:
        """All curves as a table."""
        from clipdesk.export.curves import curves_csv

        curves: dict[str, NDArray[np.float32]] = {track.label: track.curve.values for track in self.tracks}
        for track in self.tracks:
            curves |= {f"{track.label}, {name}": series.values for name, series in track.penalties.items()}
        curves |= {f"{held.label} (held {i + 1})": held.values for i, held in enumerate(self.held)}
        return curves_csv({label: values.tolist() for label, values in curves.items()})

    def png(self) -> bytes:
        """The plots as they are seen, as a PNG."""
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self._plots.grab().save(buffer, "PNG")
        return bytes(buffer.data().data())

    @property
    def step_count(self) -> int:
        """How many steps are drawn."""
        return max((len(track.curve) for track in self.tracks), default=0)

    def _point(self, place: QPointF) -> None:
        """Show the values of the step under the mouse."""
        inside = self.plot.item.sceneBoundingRect().contains(place)
        step = round(self.plot.item.vb.mapSceneToView(place).x())
        values = [
            f"{track.label}: {track.curve.values[step - 1]:.4g}"
            for track in self.tracks
            if 1 <= step <= len(track.curve)
        ]
        for plot in (self.plot, self.penalty_plot):
            plot.line.setVisible(inside and bool(values))
            plot.line.setPos(step)
        more = f"   and {len(values) - 6} more" if len(values) > 6 else ""
        self._readout.setText(f"step {step}   {'   '.join(values[:6])}{more}" if inside and values else "")

    @property
    def readout(self) -> str:
        """The values under the crosshair."""
        return self._readout.text()

    def _update_actions(self) -> None:
        drawn = any(len(track.curve) for track in self.tracks)
        if self.tracks or self.held:
            self._pages.setCurrentIndex(1)
        for action in (self.hold_action, self.csv_action, self.png_action):
            action.setEnabled(drawn)
        self.drop_action.setEnabled(bool(self.held))


def _faded(hue: int) -> QColor:
    return QColor.fromHsv(hue, 70, 165)
