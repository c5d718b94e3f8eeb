"""Which curve is which: room, highlights, the marked step."""

import csv
import io
import itertools
from itertools import product

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.canvas import Canvas
from clipdesk.gui.panels.curves import CurvesPanel
from clipdesk.gui.panels.neurons import NeuronsPanel
from clipdesk.gui.panels.plots import Plot
from clipdesk.gui.tracks import Series, Track
from clipdesk.gui.wiring import Looks
from tests.gui.panels.test_canvas import tracks as pictures
from tests.gui.panels.test_curves import tracks


@pytest.fixture
def panel(qtbot: QtBot) -> CurvesPanel:
    panel = CurvesPanel()
    panel.resize(600, 300)
    qtbot.addWidget(panel)
    panel.show_tracks(tracks(3), 20)
    panel.show()
    return panel


def styles(panel: CurvesPanel) -> list[tuple[float, int]]:
    """Width and opacity of each activation curve."""
    pens = [curve.opts["pen"] for curve in panel.plots.activation.curves]
    return [(pen.widthF(), pen.color().alpha()) for pen in pens]


def place_of(panel: CurvesPanel, step: int, value: float) -> QPointF:
    return panel.plots.activation.item.vb.mapViewToScene(QPointF(step, value))


def bold(panel: CurvesPanel) -> list[str]:
    items = [panel.plots.legend.item(row) for row in range(panel.plots.legend.count())]
    return [item.text() for item in items if item.font().bold()]


def leave(plot: Plot) -> None:
    QApplication.sendEvent(plot, QEvent(QEvent.Type.Leave))


def move(canvas: Canvas, place: QPoint) -> None:
    """Move the mouse over the pictures; the desktop's own would be over other windows of the test, too."""
    none, at = Qt.MouseButton.NoButton, QPointF(place)
    event = QMouseEvent(QEvent.Type.MouseMove, at, at, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(canvas.view, event)


@pytest.mark.parametrize(("width", "letters"), [*product((330, 500, 640, 1100), (1, 40, 97))])
def test_plots_keep_most_of_the_panel_whatever_the_names(panel: CurvesPanel, width: int, letters: int) -> None:
    long = tracks(4)
    for track in long:
        track.label += letters * "x"
        track.penalties["total variation"] = Series()
        track.penalties["total variation"].append(0.5)
    panel.show_tracks(long, 20)
    panel.resize(width, 260)
    QApplication.processEvents()
    plots = panel.plots
    assert panel.width() == width
    assert plots.width() - plots.legend.width() >= 0.6 * width
    assert not plots.legend.horizontalScrollBar().isVisible()
    plots.point_at_activation(place_of(panel, 10, 1.0))
    assert panel.minimumSizeHint().width() <= 330, "the readout does not make it wider"


def test_a_curve_under_the_mouse_stands_out_and_tells_the_picture(panel: CurvesPanel) -> None:
    told: list[Track | None] = []
    panel.hovered.connect(told.append)
    panel.plots.point_at_activation(place_of(panel, 10, 0.0))
    assert told == [panel.tracks[1]]
    assert styles(panel)[1] == (3, 255)
    assert {(width, alpha) for width, alpha in styles(panel)[::2]} == {(1, 90)}
    assert bold(panel) == ["1"]
    assert panel.readout.startswith("step 10   1: 0 "), "its value comes first"
    leave(panel.plots.activation)
    assert told == [panel.tracks[1], None]
    assert set(styles(panel)) == {(2, 255)}
    assert bold(panel) == []


def test_what_stands_under_the_mouse_goes_with_it(panel: CurvesPanel) -> None:
    panel.plots.point_at_activation(place_of(panel, 10, 0.0))
    assert panel.readout
    assert panel.plots.activation.line.isVisible()
    leave(panel.plots.activation)
    assert panel.readout == ""
    assert not panel.plots.activation.line.isVisible()


def test_a_line_of_the_legend_shows_its_curve(panel: CurvesPanel, qtbot: QtBot) -> None:
    told: list[Track | None] = []
    panel.hovered.connect(told.append)
    panel.plots.legend.setFocus()
    qtbot.keyClick(panel.plots.legend, Qt.Key.Key_End)
    assert told[-1] is panel.tracks[2]
    assert styles(panel)[2] == (3, 255)


def test_many_curves_are_faint_but_the_one_that_is_pointed_at(panel: CurvesPanel) -> None:
    many = tracks(60)
    panel.show_tracks(many, 20)
    assert set(styles(panel)) == {(1, 110)}
    panel.highlight(many[42])
    assert styles(panel)[42] == (3, 255)
    assert set(styles(panel)[:42] + styles(panel)[43:]) == {(1, 40)}
    panel.highlight(None)
    assert set(styles(panel)) == {(1, 110)}


def test_the_step_that_the_canvas_shows_is_marked(panel: CurvesPanel, qtbot: QtBot) -> None:
    canvas = Canvas()
    qtbot.addWidget(canvas)
    neurons = NeuronsPanel()
    qtbot.addWidget(neurons)
    Looks(canvas, panel, neurons)
    canvas.show_tracks(pictures(2))
    mark = panel.plots.activation.mark
    qtbot.waitUntil(lambda: (mark.isVisible(), mark.value()) == (True, 10))
    canvas.slider.setValue(2)
    qtbot.waitUntil(lambda: mark.value() == 3)
    panel.show_tracks(tracks(2), 20)
    assert mark.value() == 3
    canvas.show_message("Nothing here")
    canvas.refresh()
    qtbot.waitUntil(lambda: not mark.isVisible())


def test_picture_and_curve_stand_out_together(panel: CurvesPanel, qtbot: QtBot) -> None:
    canvas = Canvas()
    canvas.resize(500, 400)
    qtbot.addWidget(canvas)
    canvas.show()
    neurons = NeuronsPanel()
    qtbot.addWidget(neurons)
    Looks(canvas, panel, neurons)
    shown = pictures(3)
    canvas.show_tracks(shown)
    panel.show_tracks(shown, 10)
    move(canvas, canvas.view.frame_of(1).center())
    assert bold(panel) == ["1"]
    move(canvas, QPoint(1, 1))
    assert bold(panel) == []
    panel.grab()  # The axes follow the curves when they are drawn.
    before = canvas.view.grab().toImage()
    # All three curves are one: the first is told.
    panel.plots.point_at_activation(place_of(panel, 5, 5.0))
    assert canvas.view.grab().toImage() != before
    leave(panel.plots.activation)
    assert canvas.view.grab().toImage() == before
    canvas.view.set_solo(2)
    assert bold(panel) == ["2"], "the one that is shown alone stands out"
    canvas.view.set_solo(-1)
    assert bold(panel) == []


def test_curves_of_one_name_are_told_apart_and_none_is_lost(panel: CurvesPanel) -> None:
    panel.show_tracks([*tracks(1, steps=20), *tracks(1, steps=7), *tracks(1, steps=7)], 20)
    legend = panel.plots.legend
    assert [legend.item(row).text() for row in range(3)] == ["a:0 · 20 steps", "a:0 · 7 steps", "a:0 · 7 steps"]
    rows = list(csv.reader(io.StringIO(panel.csv())))
    assert rows[0] == ["step", "a:0 · 20 steps", "a:0 · 7 steps", "a:0 · 7 steps (2)"]


def test_the_kept_picture_of_a_comparison_is_named_in_the_legend(panel: CurvesPanel) -> None:
    kept, *others = tracks(1)
    kept.compared = True
    panel.show_tracks([kept, *tracks(2), *others], 20)
    legend = panel.plots.legend
    assert [legend.item(row).text() for row in range(3)] == ["A · a:0", "0", "1"]


@pytest.mark.parametrize("width", [100, 130, 160, 240, 500])
@pytest.mark.parametrize("steps", [80, 250, 5000])
def test_the_numbers_below_a_plot_do_not_touch_each_other(qtbot: QtBot, width: int, steps: int) -> None:
    plot = Plot("activation", "Activation")
    qtbot.addWidget(plot)
    plot.resize(width, 120)
    plot.setXRange(0, steps, padding=0.02)
    plot.show()
    room = plot.item.vb.mapViewToScene(QPointF(steps, 0)).x() - plot.item.vb.mapViewToScene(QPointF(0, 0)).x()
    levels = plot.item.getAxis("bottom").tickValues(0, steps, room)
    numbers = sorted(number for _, level in levels for number in level)
    assert numbers
    apart = [room * (after - before) / steps for before, after in itertools.pairwise(numbers)]
    assert all(each > plot.fontMetrics().horizontalAdvance(str(steps)) for each in apart)
