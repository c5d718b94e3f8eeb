"""The plots themselves: activations, and the regularisers' penalties. The only module that imports pyqtgraph.

To import it takes half a second, so the curves panel does that after the window is on screen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPalette, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QListWidgetItem, QSplitter, QWidget
from typing_extensions import override

from clipdesk.gui.colors import faded_color, track_color
from clipdesk.gui.differences import labels_of
from clipdesk.gui.panels.legend import Legend

if TYPE_CHECKING:
    from clipdesk.gui.tracks import Held, Series, Track

_APART = 1.5
"""Distance of the numbers below a plot, in widths of the largest one."""
_CROWD = 12
"""More curves than this are drawn faint, as long as none stands out."""
_FAINT, _MUTED, _MUTED_CROWD = 110, 90, 40
"""How opaque the curves of a crowd are, and few and many of them beside one that stands out; 255 is fully."""
_NEAR = 24.0
"""How far from the mouse a curve may be to be the one under it, in pixels."""
_SHARES = [300, 200]
_WIDE = 2.2
"""Two plots stand side by side if the panel is this many times as wide as high, or wider."""
_MOST_VALUES = 6
_STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


class _Penalty(NamedTuple):
    """What a regulariser took off a picture's objective.

    Attributes:
        label: The picture's name and the regulariser's.
        curve: How it is drawn.
        series: The values.
        track: The picture.
        style: Of the curve.
    """

    label: str
    curve: pg.PlotDataItem
    series: Series
    track: Track
    style: Qt.PenStyle


class _Steps(pg.AxisItem):
    """Numbers below a plot that do not stand upon each other, however narrow it is."""

    @override
    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        levels = super().tickSpacing(minVal, maxVal, size)
        width = QFontMetrics(QApplication.font()).horizontalAdvance(f"{maxVal:.0f}")
        least = _APART * width * (maxVal - minVal) / max(1.0, size)
        fitting = [(spacing, offset) for spacing, offset in levels if spacing >= least]
        if fitting or not levels:
            return fitting
        spacing, offset = levels[0]
        # As pyqtgraph's own, it is a round number times a power of two.
        return [(spacing * 2 ** math.ceil(math.log2(least / spacing)), offset)]


class Plot(pg.PlotWidget):
    """A plot in the window's colours, with a line under the mouse, and a dotted one at the step that is shown.

    Signals:
        left: The mouse has left it.
    """

    left = Signal()

    def __init__(self, title: str, name: str) -> None:
        super().__init__(axisItems={"bottom": _Steps("bottom")})
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
        self.mark = pg.InfiniteLine(
            angle=90, movable=False, pen=pg.mkPen(QColor(128, 128, 128), style=Qt.PenStyle.DotLine)
        )
        self.mark.setVisible(False)
        self.item.addItem(self.mark, ignoreBounds=True)
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

    def height_of(self, step: int, value: float) -> float:
        """Where a value is drawn, in pixels from the top."""
        return self.item.vb.mapViewToScene(QPointF(step, value)).y()

    @override
    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

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
        hovered: The `Track` whose curve or line of the legend the user points at; None if there is none.
    """

    pointed = Signal(str)
    hovered = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.activation = Plot("activation", "Activation curves")
        self.activation.setToolTip(
            "The activation in each step, under its random changes; the table and finished pictures have the clean one"
        )
        self.penalty = Plot("penalty", "Regulariser curves")
        self.penalty.item.setLabel("bottom", "step")
        self.penalty.item.setXLink(self.activation)
        self.legend = Legend()
        self.legend.fit(self.width())
        self.legend.pointed.connect(self._point_at_row)
        self.legend.itemChanged.connect(self._toggle)
        self._tracks: list[Track] = []
        self._log = False
        self._drawn: list[tuple[pg.PlotDataItem, Track]] = []
        self._penalties: list[_Penalty] = []
        self._labels: list[str] = []
        self._alone: list[Track] = []
        self._pointed: Track | None = None
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
        for plot in (self.activation, self.penalty):
            plot.left.connect(self._leave)
        self.activation.scene().sigMouseMoved.connect(self.point_at_activation)
        self.penalty.scene().sigMouseMoved.connect(self.point_at_penalty)

    def show_tracks(self, tracks: Sequence[Track], held: Sequence[Held], iterations: int) -> None:
        """Plot these tracks; `draw` shows what is new in them."""
        self._tracks, self._labels = list(tracks), labels_of(tracks)
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
        for track, label in zip(tracks, self._labels, strict=True):
            curve = self.activation.add_curve(track_color(track))
            self._drawn.append((curve, track))
            self._name(label, track_color(track), curve)
        self.legend.fit(self.width())
        # A curve that is held or compared may be longer than what the newest run asks for.
        lengths = [len(track.curve) for track in tracks] + [len(old.values) for old in held]
        self.activation.setXRange(0, max(iterations, *lengths, 1), padding=0.02)
        self.draw()
        self._style()

    def _name(self, label: str, color: QColor, curve: pg.PlotDataItem) -> None:
        """A line in the legend."""
        self._named.append([curve])
        self.legend.add(label, color)

    def _toggle(self, item: QListWidgetItem) -> None:
        for curve in self._named[self.legend.row(item)]:
            curve.setVisible(item.checkState() is Qt.CheckState.Checked)

    def draw(self) -> None:
        """Draw what is new in the tracks."""
        for curve, track in self._drawn:
            curve.setData(_steps(track.curve.values), self._scaled(track.curve.values))
        if not self._penalties and any(track.penalties for track in self._tracks):
            self._add_penalties()
        for penalty in self._penalties:
            penalty.curve.setData(_steps(penalty.series.values), penalty.series.values)
        if self.penalty.isHidden() is bool(self._penalties):
            self.penalty.setVisible(bool(self._penalties))
            self._splitter.setSizes(_SHARES)
        self._turn()

    def _add_penalties(self) -> None:
        names: set[str] = set()
        rows = zip(self._named[-len(self._tracks) :], self._tracks, self._labels, strict=True)
        for curves, track, label in rows:
            for style, (name, series) in zip(_STYLES, track.penalties.items(), strict=False):
                curve = self.penalty.add_curve(track_color(track), style)
                curves.append(curve)
                self._penalties.append(_Penalty(f"{label}, {name}", curve, series, track, style))
                names.add(name)
        self.penalty.item.setLabel("left", names.pop() if len(names) == 1 else "penalty")
        self._style()

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
        self.legend.fit(self.width())
        self._turn()

    def set_log(self, log: bool) -> None:
        """Draw the activations on a logarithmic axis, or not."""
        self._log = log
        self.activation.item.setLogMode(x=False, y=log)
        self.draw()

    def _scaled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The values as they are drawn: on a logarithmic axis, values that are not above zero leave a gap."""
        return np.where(values > 0, values, np.float32(np.nan)) if self._log else values

    # What stands out

    def mark(self, step: int) -> None:
        """Mark the step that is shown; 0 for none."""
        for plot in (self.activation, self.penalty):
            plot.mark.setVisible(step > 0)
            plot.mark.setPos(step)

    def highlight(self, track: Track | None) -> None:
        """Make one picture's curves and its line of the legend stand out; None for none."""
        if track is not self._pointed:
            self._pointed = track
            self._style()

    def show_alone(self, tracks: Sequence[Track]) -> None:
        """Make the curves of these pictures stand out as long as nothing is pointed at."""
        self._alone = list(tracks)
        self._style()

    def _style(self) -> None:
        """Draw the curves that stand out over the others, which are muted."""
        out = [self._pointed] if self._pointed in self._tracks else [one for one in self._alone if one in self._tracks]
        for curve, track in self._drawn:
            self._draw_as(curve, track, Qt.PenStyle.SolidLine, out)
        for penalty in self._penalties:
            self._draw_as(penalty.curve, penalty.track, penalty.style, out)
        first = self.legend.count() - len(self._tracks)
        for row, track in enumerate(self._tracks, start=first):
            self.legend.stress(row, track in out)
            if track is self._pointed:
                self.legend.scrollToItem(self.legend.item(row))

    def _draw_as(self, curve: pg.PlotDataItem, track: Track, style: Qt.PenStyle, out: Sequence[Track | None]) -> None:
        color, crowd = track_color(track), len(self._drawn) > _CROWD
        stands_out = track in out
        if not stands_out and (out or crowd):
            color.setAlpha(_FAINT if not out else _MUTED_CROWD if crowd else _MUTED)
        curve.setPen(pg.mkPen(color, width=3 if stands_out else 1 if out or crowd else 2, style=style))
        curve.setZValue(1 if stands_out else 0)

    def _point_at_row(self, row: int) -> None:
        """The user points at a line of the legend; a held curve has no picture."""
        at = row - (self.legend.count() - len(self._tracks))
        self._hover(self._tracks[at] if 0 <= at < len(self._tracks) else None)

    def _leave(self) -> None:
        self._hover(None)
        for plot in (self.activation, self.penalty):
            plot.line.setVisible(False)
        self.pointed.emit("")

    def _hover(self, track: Track | None) -> None:
        if track is not self._pointed:
            self.highlight(track)
            self.hovered.emit(track)

    # Values under the mouse

    def point_at_activation(self, place: QPointF) -> None:
        """Show the activations of the step under a place of their plot."""
        rows = zip(self._labels, self._tracks, strict=True)
        self._point(self.activation, place, [(label, track.curve, track) for label, track in rows])

    def point_at_penalty(self, place: QPointF) -> None:
        """Show the penalties of the step under a place of their plot."""
        self._point(self.penalty, place, [(one.label, one.series, one.track) for one in self._penalties])

    def _point(self, plot: Plot, place: QPointF, series: list[tuple[str, Series, Track]]) -> None:
        step = round(plot.item.vb.mapSceneToView(place).x())
        there = [
            (label, value, track)
            for label, one, track in series
            if 1 <= step <= len(one) and (value := one.at(step)) is not None
        ]
        inside = plot.item.sceneBoundingRect().contains(place) and bool(there)
        for each in (self.activation, self.penalty):
            each.line.setVisible(inside)
            each.line.setPos(step)
        log = self._log and plot is self.activation
        near = [
            (abs(plot.height_of(step, math.log10(value) if log else value) - place.y()), label, track)
            for label, value, track in there
            if value > 0 or not log
        ]
        distance, nearest, track = min(near, key=lambda one: one[0], default=(math.inf, "", None))
        self._hover(track if inside and distance <= _NEAR else None)
        # The one under the mouse comes first.
        there.sort(key=lambda one: one[0] != nearest)
        values = [f"{label}: {value:.4g}" for label, value, _ in there]
        more = f"   and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else ""
        self.pointed.emit(f"step {step}   {'   '.join(values[:_MOST_VALUES])}{more}" if inside else "")


def _steps(values: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.arange(1, len(values) + 1)
