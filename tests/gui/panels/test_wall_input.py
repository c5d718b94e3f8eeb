"""The wall in the user's hands: wheel, pinch and drags."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.wall_input import WallInput
from clipdesk.gui.theme import DARK, palette_of
from clipdesk.gui.wall.camera import Camera
from tests.gui.wall.walls import looks

_NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def view(qtbot: QtBot) -> Iterator[WallInput]:
    """Sixty units in rows of ten, seen as a whole."""
    view = WallInput(lambda unit: f"<b>unit {unit}</b>")
    view.glide_ms = 0
    qtbot.addWidget(view)
    view.resize(600, 360)
    view.show()
    qtbot.waitExposed(view)
    view.show_units(60, {}, None)
    yield view
    assert view.close_threads()


def turn(view: WallInput, at: QPointF, degrees: int) -> None:
    event = QWheelEvent(
        at,
        view.mapToGlobal(at),
        QPoint(),
        QPoint(0, 8 * degrees),
        Qt.MouseButton.NoButton,
        _NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def test_the_wheel_zooms_about_the_mouse(view: WallInput) -> None:
    at = QPointF(405, 230)
    unit = view.unit_at(at)
    for _ in range(4):
        turn(view, at, 15)
        assert view.unit_at(at) == unit
    assert view.camera.side == pytest.approx(view.stage.least * 2 ** (4 / 3))
    for _ in range(8):
        turn(view, at, -15)
    assert view.side == 0


def test_it_glides_where_the_wheel_leads(view: WallInput, qtbot: QtBot) -> None:
    view.glide_ms = 50
    before = view.camera.side
    turn(view, QPointF(300, 180), 15)
    turn(view, QPointF(300, 180), 15)
    goal = view.goal.side
    assert goal == pytest.approx(before * 2 ** (2 / 3)), "turns add up on the way"
    qtbot.waitUntil(lambda: view.camera.side == goal)


def test_fingers_zoom_on_a_touchpad(view: WallInput) -> None:
    at = QPointF(405, 230)
    unit, before = view.unit_at(at), view.camera.side
    gesture = Qt.NativeGestureType.ZoomNativeGesture
    device = QPointingDevice.primaryPointingDevice()
    QApplication.sendEvent(view, QNativeGestureEvent(gesture, device, 2, at, at, view.mapToGlobal(at), 0.5, QPointF()))
    assert view.camera.side == pytest.approx(1.5 * before)
    assert view.unit_at(at) == unit


def test_the_middle_button_moves_the_wall(view: WallInput, qtbot: QtBot) -> None:
    view.look_at(Camera(5, 3, 120), at_once=True)
    qtbot.mousePress(view, Qt.MouseButton.MiddleButton, pos=QPoint(300, 180))
    qtbot.mouseMove(view, QPoint(270, 200))
    qtbot.mouseRelease(view, Qt.MouseButton.MiddleButton, pos=QPoint(270, 200))
    assert (view.camera.x, view.camera.y) == pytest.approx((5 + 30 / 120, 3 - 20 / 120))
    assert view.selection.units == []


def test_the_space_bar_makes_a_drag_move_the_wall(view: WallInput, qtbot: QtBot) -> None:
    view.look_at(Camera(5, 3, 120), at_once=True)
    view.setFocus()
    qtbot.keyPress(view, Qt.Key.Key_Space)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 180))
    qtbot.mouseMove(view, QPoint(270, 180))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(270, 180))
    qtbot.keyRelease(view, Qt.Key.Key_Space)
    assert view.camera.x == pytest.approx(5.25)
    assert view.selection.units == [], "nothing was selected by it"


def test_the_menu_is_about_the_unit_under_the_mouse(view: WallInput, qtbot: QtBot) -> None:
    at = {unit: view.frame_of(unit).center().toPoint() for unit in (12, 13, 40)}
    view.choose_all([12, 13])
    qtbot.mousePress(view, Qt.MouseButton.RightButton, pos=at[13])
    assert view.selection.units == [12, 13]
    qtbot.mousePress(view, Qt.MouseButton.RightButton, pos=at[40])
    assert view.selection.units == [40]


def test_a_tool_tip_shows_text_as_it_stands(view: WallInput) -> None:
    at = view.frame_of(12).center().toPoint()
    QApplication.sendEvent(view, QHelpEvent(QEvent.Type.ToolTip, at, view.mapToGlobal(at)))
    assert "&lt;b&gt;unit 12" in QToolTip.text()
    QToolTip.hideText()


def test_the_whole_wall_stays_in_sight_when_the_window_grows(view: WallInput, qtbot: QtBot) -> None:
    view.resize(900, 500)
    assert view.camera == Camera.of_all(view.stage)
    view.look_at(Camera(5, 3, 120), at_once=True)
    view.resize(600, 360)
    assert view.camera.side == 120


def test_the_theme_changes_empty_tiles(view: WallInput, qtbot: QtBot) -> None:
    def color() -> QColor:
        view.repaint()
        return view.grab().toImage().pixelColor(view.frame_of(12).center().toPoint())

    view.setPalette(palette_of(DARK))
    wanted = view.palette().base().color()
    qtbot.waitUntil(lambda: looks(color(), wanted.name()))
