"""The wall of a layer's units, as a person uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QColor, QStandardItemModel
from PySide6.QtWidgets import QAbstractButton, QComboBox
from pytestqt.qtbot import QtBot

from clipdesk.errors import UsageError
from clipdesk.gui.panels.wall import WallPanel, sorted_by
from clipdesk.gui.panels.wall_bar import INDEX, MAP, NO_SURVEY, ORDERS
from clipdesk.gui.wall.source import Kind
from clipdesk.render.targets import Unit
from tests.gui.wall.walls import GREEN, RED, Known, looks, picture

UNITS = 60
LAYER = "visual.layer"
_Key, _Ctrl, _Shift = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_LEFT = Qt.MouseButton.LeftButton
COLUMNS = 10


@pytest.fixture
def new_wall(qtbot: QtBot, settings: QSettings) -> Iterator[Callable[[], WallPanel]]:
    """Makes walls of 60 units in rows of 10, which go where they are told at once."""
    walls: list[WallPanel] = []

    def make() -> WallPanel:
        wall = WallPanel(settings)
        qtbot.addWidget(wall)
        walls.append(wall)
        wall.view.glide_ms = 0
        wall.resize(640, 480)
        wall.show()
        qtbot.waitExposed(wall)
        wall.show_layer(LAYER, UNITS)
        wall.offer(True)
        wall.set_in_front(True)
        return wall

    yield make
    for wall in walls:
        assert wall.stop()


@pytest.fixture
def wall(new_wall: Callable[[], WallPanel]) -> WallPanel:
    return new_wall()


def middle(wall: WallPanel, unit: int) -> QPoint:
    return wall.view.frame_of(unit).center().toPoint()


def click(qtbot: QtBot, wall: WallPanel, unit: int, modifiers: Qt.KeyboardModifier | None = None) -> None:
    qtbot.mouseClick(wall.view, _LEFT, modifiers or Qt.KeyboardModifier.NoModifier, middle(wall, unit))


def press(qtbot: QtBot, wall: WallPanel, key: Qt.Key, modifiers: Qt.KeyboardModifier | None = None) -> None:
    wall.view.setFocus()
    qtbot.keyClick(wall.view, key, modifiers or Qt.KeyboardModifier.NoModifier)


def choose(wall: WallPanel, order: str) -> None:
    wall.bar.order.setCurrentIndex(ORDERS.index(order))
    wall.bar.order.activated.emit(ORDERS.index(order))


def shown(wall: WallPanel) -> list[int]:
    assert wall.view.hanging is not None
    return list(wall.view.hanging.order)


# Selecting


def test_clicks_select_as_everywhere(wall: WallPanel, qtbot: QtBot) -> None:
    click(qtbot, wall, 12)
    assert wall.selected() == (Unit(layer=LAYER, index=12),)
    click(qtbot, wall, 15, _Shift)
    click(qtbot, wall, 40, _Ctrl)
    click(qtbot, wall, 13, _Ctrl)
    assert wall.view.selection.units == [12, 14, 15, 40]
    assert wall.bar.count.text() == "4 of 60 selected"


def test_a_drag_selects_what_it_goes_around(wall: WallPanel, qtbot: QtBot) -> None:
    view = wall.view
    qtbot.mousePress(view, _LEFT, pos=middle(wall, 11))
    qtbot.mouseMove(view, middle(wall, 22))
    qtbot.mouseMove(view, middle(wall, 23))
    qtbot.mouseRelease(view, _LEFT, pos=middle(wall, 23))
    assert view.selection.units == [11, 12, 13, 21, 22, 23]
    qtbot.mousePress(view, _LEFT, _Ctrl, middle(wall, 58))
    qtbot.mouseMove(view, middle(wall, 59))
    qtbot.mouseRelease(view, _LEFT, _Ctrl, middle(wall, 59))
    assert view.selection.units == [11, 12, 13, 21, 22, 23, 58, 59]


def test_a_click_beside_the_wall_selects_nothing(wall: WallPanel, qtbot: QtBot) -> None:
    click(qtbot, wall, 12)
    assert wall.view.unit_at(wall.view.rect().topLeft().toPointF()) is None, "the wall is less high than its view"
    qtbot.mouseClick(wall.view, _LEFT, pos=QPoint(1, 1))
    assert wall.selected() == ()


def test_a_double_click_chooses_a_unit(wall: WallPanel, qtbot: QtBot) -> None:
    chosen: list[object] = []
    wall.targets_chosen.connect(chosen.append)
    qtbot.mouseDClick(wall.view, _LEFT, pos=middle(wall, 31))
    assert chosen == [(Unit(layer=LAYER, index=31),)]


def test_selected_units_are_rendered_or_queued(wall: WallPanel, qtbot: QtBot) -> None:
    rendered: list[object] = []
    queued: list[object] = []
    wall.render_asked.connect(rendered.append)
    wall.batch_asked.connect(queued.append)
    press(qtbot, wall, _Key.Key_Return)
    assert not wall.render_action.isEnabled()
    click(qtbot, wall, 7)
    press(qtbot, wall, _Key.Key_Return)
    press(qtbot, wall, _Key.Key_B)
    assert rendered == queued == [(Unit(layer=LAYER, index=7),)]
    wall.offer(False)
    press(qtbot, wall, _Key.Key_Return)
    assert len(rendered) == 1, "the parameters are wrong"


def test_units_that_are_selected_elsewhere_are_selected_here(wall: WallPanel) -> None:
    wall.select([3, 5])
    assert wall.view.selection.units == [3, 5]


# Keys


def test_keys_move_the_cursor_and_select(wall: WallPanel, qtbot: QtBot) -> None:
    moves = {
        _Key.Key_Right: 1,
        _Key.Key_Down: 11,
        _Key.Key_Left: 10,
        _Key.Key_Up: 0,
        _Key.Key_End: 59,
        _Key.Key_Home: 0,
        _Key.Key_PageDown: 50,
        _Key.Key_PageUp: 0,
    }
    for key, unit in moves.items():
        press(qtbot, wall, key)
        assert (wall.view.selection.current, wall.view.selection.units) == (unit, [unit])


def test_the_cursor_stays_on_the_wall(wall: WallPanel, qtbot: QtBot) -> None:
    for key in (_Key.Key_Left, _Key.Key_Up, _Key.Key_PageUp):
        press(qtbot, wall, key)
        assert wall.view.selection.current == 0
    press(qtbot, wall, _Key.Key_End)
    for key in (_Key.Key_Right, _Key.Key_Down, _Key.Key_PageDown):
        press(qtbot, wall, key)
        assert wall.view.selection.current == 59


def test_shift_and_ctrl_and_space_select_by_keys(wall: WallPanel, qtbot: QtBot) -> None:
    press(qtbot, wall, _Key.Key_Right)
    press(qtbot, wall, _Key.Key_Right, _Shift)
    press(qtbot, wall, _Key.Key_Down, _Ctrl)
    assert (wall.view.selection.current, wall.view.selection.units) == (12, [1, 2])
    press(qtbot, wall, _Key.Key_Space, _Ctrl)
    assert wall.view.selection.units == [1, 2, 12]
    press(qtbot, wall, _Key.Key_Space)
    assert wall.view.selection.units == [12]
    press(qtbot, wall, _Key.Key_A, _Ctrl)
    assert len(wall.view.selection.units) == UNITS
    press(qtbot, wall, _Key.Key_Escape)
    assert wall.view.selection.units == []


def test_keys_choose_a_unit(wall: WallPanel, qtbot: QtBot) -> None:
    chosen: list[object] = []
    wall.targets_chosen.connect(chosen.append)
    press(qtbot, wall, _Key.Key_Right)
    press(qtbot, wall, _Key.Key_Return, _Ctrl)
    assert chosen == [(Unit(layer=LAYER, index=1),)]


def test_keys_zoom(wall: WallPanel, qtbot: QtBot) -> None:
    view, least = wall.view, wall.view.camera.side
    press(qtbot, wall, _Key.Key_Plus)
    press(qtbot, wall, _Key.Key_Equal)
    assert view.camera.side == pytest.approx(least * 1.4**2)
    press(qtbot, wall, _Key.Key_Minus)
    assert view.camera.side == pytest.approx(least * 1.4)
    press(qtbot, wall, _Key.Key_1)
    assert view.camera.side == min(view.width(), view.height())
    press(qtbot, wall, _Key.Key_0)
    assert view.camera.side == pytest.approx(least)


def test_the_cursor_is_followed_where_it_goes(wall: WallPanel, qtbot: QtBot) -> None:
    press(qtbot, wall, _Key.Key_1)
    press(qtbot, wall, _Key.Key_End)
    assert wall.view.rect().toRectF().contains(wall.view.frame_of(59).center())


# What is known of a unit


def test_the_current_unit_is_described(wall: WallPanel, qtbot: QtBot) -> None:
    wall.show_source(Known(UNITS))
    press(qtbot, wall, _Key.Key_Home)
    for _ in range(3):
        press(qtbot, wall, _Key.Key_Right)
    assert wall.status.accessibleName() == "", "a screen reader reads the text"
    for text in (wall.status.text(), wall.view.accessibleDescription()):
        assert text == "Unit 3  ·  heart 0.83  ·  density 0.05"


def test_all_controls_have_names_and_can_be_reached_by_tab(wall: WallPanel) -> None:
    controls = [*wall.findChildren(QAbstractButton), *wall.findChildren(QComboBox), wall.view]
    seen = [control for control in controls if control.isVisible()]
    assert len(seen) >= 10
    for control in seen:
        assert control.accessibleName(), control
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.accessibleName()


# Orders


def test_without_a_survey_only_the_index_orders_units(wall: WallPanel) -> None:
    model = wall.bar.order.model()
    assert isinstance(model, QStandardItemModel)
    enabled = [ORDERS[row] for row in range(len(ORDERS)) if model.item(row).isEnabled()]
    assert enabled == [INDEX]
    row = ORDERS.index("density")
    assert wall.bar.order.itemData(row, Qt.ItemDataRole.ToolTipRole) == NO_SURVEY


def test_units_are_in_the_order_of_a_number(wall: WallPanel) -> None:
    wall.show_source(Known(UNITS))
    choose(wall, "density")
    assert shown(wall) == list(reversed(range(UNITS)))
    wall.bar.backwards_action.trigger()
    assert shown(wall) == list(range(UNITS))


def test_undefined_numbers_come_last() -> None:
    values = np.array([0.5, np.nan, 0.9, 0.5])
    assert sorted_by(values) == [2, 0, 3, 1]
    assert sorted_by(values, smallest_first=True) == [0, 3, 2, 1]


def test_a_map_is_made_elsewhere_and_shown(wall: WallPanel, qtbot: QtBot) -> None:
    wall.show_source(Known(UNITS))
    choose(wall, MAP)
    assert shown(wall) == list(range(UNITS)), "not at once"
    wall.view.go_to(1)
    assert wall.status.text().startswith("Making the map …")
    qtbot.waitUntil(lambda: shown(wall) == list(reversed(range(UNITS))))
    assert wall.view.selection.boxed
    assert wall.status.text().startswith("Unit 1")


def test_why_there_can_be_no_map_is_said(wall: WallPanel, qtbot: QtBot) -> None:
    source = Known(UNITS)
    source.map_problem = "no library"
    wall.show_source(source)
    assert wall.bar.order.itemData(ORDERS.index(MAP), Qt.ItemDataRole.ToolTipRole) == "no library"


def test_a_map_that_fails_says_so(wall: WallPanel, qtbot: QtBot) -> None:
    def fail(_columns: int) -> NDArray[np.integer]:
        raise UsageError("The survey is damaged")

    said: list[object] = []
    wall.failed.connect(said.append)
    wall.show_source(Known(UNITS, fail))
    choose(wall, MAP)
    qtbot.waitUntil(lambda: bool(said))
    assert "damaged" in str(said[0])
    assert shown(wall) == list(range(UNITS))


def test_what_is_selected_stays_in_another_order(wall: WallPanel, qtbot: QtBot) -> None:
    wall.show_source(Known(UNITS))
    click(qtbot, wall, 12)
    choose(wall, "density")
    assert wall.view.selection.units == [12]
    assert middle(wall, 12) == wall.view.frame_of(12).center().toPoint()
    assert shown(wall)[wall.view.selection.place_of(12)] == 12


# Pictures


def color(wall: WallPanel, qtbot: QtBot, unit: int) -> QColor:
    """What is seen in the middle of a unit's tile once all is drawn."""

    def drawn() -> bool:
        wall.view.repaint()
        return wall.view.is_drawn

    qtbot.waitUntil(drawn)
    return wall.view.grab().toImage().pixelColor(middle(wall, unit))


def test_pictures_appear_as_they_are_made(wall: WallPanel, qtbot: QtBot) -> None:
    wall.set_pictures({5: picture(RED)})
    assert looks(color(wall, qtbot, 5), RED)
    wall.set_picture(5, picture(GREEN).thumbnail)
    assert looks(color(wall, qtbot, 5), GREEN)
    wall.set_picture(UNITS, picture(RED).thumbnail)
    assert wall.view.is_empty(6), "a unit that the layer does not have is nowhere"


def test_another_layer_has_other_pictures(wall: WallPanel, qtbot: QtBot) -> None:
    wall.set_pictures({5: picture(RED)})
    wall.show_layer("other", UNITS, {5: picture(GREEN)})
    assert looks(color(wall, qtbot, 5), GREEN)
    assert wall.selected() == ()


def test_no_layer_is_a_hint(wall: WallPanel) -> None:
    wall.show_layer("", 0)
    assert not wall.view.isVisible()
    assert wall.selected() == ()


def test_photos_alone_need_a_survey(wall: WallPanel, qtbot: QtBot) -> None:
    wall.bar.kind.setCurrentIndex(2)
    wall.bar.kind.activated.emit(2)
    wall.show_layer(LAYER, UNITS)
    assert wall.bar.shown_kind.value == Kind.BOTH.value
    wall.show_source(Known(UNITS))
    assert wall.bar.shown_kind.value == Kind.PHOTO.value


# Between sessions


def test_order_kind_and_size_come_back(
    wall: WallPanel, new_wall: Callable[[], WallPanel], qtbot: QtBot, settings: QSettings
) -> None:
    wall.show_source(Known(UNITS))
    choose(wall, "density")
    wall.bar.backwards_action.trigger()
    wall.bar.kind.setCurrentIndex(1)
    wall.bar.kind.activated.emit(1)
    press(qtbot, wall, _Key.Key_Plus)
    side = wall.view.camera.side
    again = new_wall()
    assert again.view.camera.side == pytest.approx(side, abs=0.1)
    assert again.bar.shown_kind is Kind.PICTURE
    assert again.bar.order_name == INDEX, "until there is a survey"
    again.show_source(Known(UNITS))
    assert (again.bar.order_name, again.bar.backwards) == ("density", True)
    press(qtbot, again, _Key.Key_0)
    assert new_wall().view.side == 0
