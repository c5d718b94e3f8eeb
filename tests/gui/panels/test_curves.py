import csv
import io
import math

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.curves import CurvesPanel
from clipdesk.gui.tracks import Series, Track
from clipdesk.render.targets import Unit
from tests.gui.conftest import tracks_of


def tracks(count: int = 2, steps: int = 20) -> list[Track]:
    made = tracks_of(*(Unit(layer="a", index=i) for i in range(count)))
    for i, track in enumerate(made):
        for step in range(1, steps + 1):
            track.curve.append(step / 10 - i)
    return made


@pytest.fixture
def panel(qtbot: QtBot) -> CurvesPanel:
    panel = CurvesPanel()
    panel.resize(600, 300)
    qtbot.addWidget(panel)
    panel.show_tracks(tracks(), 20)
    panel.show()
    return panel


def drawn(panel: CurvesPanel) -> list[list[float]]:
    return [[round(float(y), 4) for y in curve.getData()[1]] for curve in panel.plots.activation.curves]


def test_each_curve_is_drawn_and_grows(panel: CurvesPanel, qtbot: QtBot) -> None:
    assert [len(values) for values in drawn(panel)] == [20, 20]
    panel.tracks[0].curve.append(5.0)
    panel.refresh()
    qtbot.waitUntil(lambda: [len(values) for values in drawn(panel)] == [21, 20])


def test_the_legend_shows_and_hides_a_curve(panel: CurvesPanel, qtbot: QtBot) -> None:
    legend = panel.plots.legend
    assert [legend.item(row).text() for row in range(legend.count())] == ["0", "1"]
    legend.setCurrentRow(1)
    qtbot.keyClick(legend, Qt.Key.Key_Space)
    assert [curve.isVisible() for curve in panel.plots.activation.curves] == [True, False]
    qtbot.keyClick(legend, Qt.Key.Key_Space)
    assert panel.plots.activation.curves[1].isVisible()


def test_two_pictures_of_one_name_have_a_curve_each(panel: CurvesPanel) -> None:
    panel.show_tracks([*tracks(1), *tracks(1)], 20)
    assert len(panel.plots.activation.curves) == 2


def test_compared_pictures_are_plotted(panel: CurvesPanel, qtbot: QtBot) -> None:
    panel.show_compared(tracks(3))
    assert len(drawn(panel)) == 3
    fresh = CurvesPanel()
    qtbot.addWidget(fresh)
    fresh.show_compared(tracks())  # nothing was shown yet: no plots are made for it
    assert fresh.tracks == []


def test_the_curve_of_a_longer_run_is_whole_beside_a_shorter_one(panel: CurvesPanel) -> None:
    panel.show_tracks([*tracks(1, steps=250), *tracks(1, steps=60)], 60)
    assert panel.plots.activation.item.vb.viewRange()[0][1] >= 250
    panel.hold_action.trigger()
    panel.show_tracks(tracks(1, steps=60), 60)
    assert panel.plots.activation.item.vb.viewRange()[0][1] >= 250
    panel.drop_action.trigger()
    assert panel.plots.activation.item.vb.viewRange()[0][1] < 100


def test_the_legend_is_as_wide_as_its_labels_within_limits(panel: CurvesPanel) -> None:
    legend, letter = panel.plots.legend, panel.fontMetrics().averageCharWidth()
    short = legend.width()
    long = tracks(1)
    long[0].label = "5.mlp.gelu:400 and more"
    panel.show_tracks(long, 20)
    QApplication.processEvents()
    assert short < legend.width()
    assert legend.sizeHintForColumn(0) < legend.viewport().width()
    long[0].label = 100 * "x"
    panel.show_tracks(long, 20)
    QApplication.processEvents()
    assert legend.width() < 50 * letter


def test_regularisers_have_a_plot_of_their_own(panel: CurvesPanel) -> None:
    assert not panel.plots.penalty.isVisible()
    series = Series()
    series.append(0.5)
    panel.tracks[0].penalties["total variation"] = series
    panel.show_tracks(panel.tracks, 20)
    assert panel.plots.penalty.isVisible()
    assert len(panel.plots.penalty.curves) == 1
    panel.plots.penalty.setXRange(0, 1, padding=0)
    box = panel.plots.penalty.item.sceneBoundingRect()
    panel.plots.point_at_penalty(QPointF(box.right() - 2, box.center().y()))
    assert panel.readout == "step 1   0, total variation: 0.5"


def test_the_crosshair_shows_the_values(panel: CurvesPanel) -> None:
    box = panel.plots.activation.item.sceneBoundingRect()
    panel.plots.point_at_activation(QPointF(box.center()))
    assert panel.readout.startswith("step ")
    step = int(panel.readout.split()[1])
    assert f"0: {step / 10:.4g}" in panel.readout
    panel.plots.point_at_activation(QPointF(-50, -50))
    assert panel.readout == ""


def test_a_logarithmic_axis_leaves_out_what_is_not_positive(panel: CurvesPanel) -> None:
    panel.log_action.trigger()
    higher, lower = drawn(panel)
    assert higher[-1] == pytest.approx(math.log10(2.0), abs=1e-4)
    assert math.isnan(lower[0])
    panel.log_action.trigger()
    assert drawn(panel)[0][-1] == 2.0


def test_curves_are_held_beside_the_next_run(panel: CurvesPanel) -> None:
    panel.hold_action.trigger()
    panel.show_tracks(tracks(1, steps=5), 5)
    assert sorted(len(values) for values in drawn(panel)) == [5, 20, 20]
    panel.drop_action.trigger()
    assert [len(values) for values in drawn(panel)] == [5]
    assert not panel.drop_action.isEnabled()


def test_the_csv_holds_every_curve(panel: CurvesPanel) -> None:
    panel.hold_action.trigger()
    rows = list(csv.reader(io.StringIO(panel.csv())))
    assert rows[0] == ["step", "0", "1", "0 (held 1)", "1 (held 2)"]
    assert len(rows) == 21
    assert [float(cell) for cell in rows[10][:3]] == [10, 1.0, 0.0]


def test_the_png_is_a_picture(panel: CurvesPanel) -> None:
    image = QImage.fromData(panel.png())
    assert image.width() > 300
    assert len({image.pixel(x, image.height() // 2) for x in range(image.width())}) > 2


def test_nothing_can_be_exported_before_there_is_a_curve(qtbot: QtBot) -> None:
    panel = CurvesPanel()
    qtbot.addWidget(panel)
    assert not panel.csv_action.isEnabled()
    assert not panel.hold_action.isEnabled()
