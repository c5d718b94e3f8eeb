"""Wall and table of neurons have one selection."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from clipdesk.gui.center import CANVAS, WALL
from clipdesk.gui.main_window import MainWindow
from tests.gui.conftest import LAYER, until


def hang(window: MainWindow) -> None:
    window.architecture.choose(LAYER)
    window.center.show_mode(WALL)


def table(window: MainWindow) -> list[int]:
    return [target.index for target in window.neurons.selected() if target.index is not None]


def test_what_is_selected_on_the_wall_is_selected_in_the_table(window: MainWindow, qtbot: QtBot) -> None:
    hang(window)
    window.surveys.wall.view.choose_all([3, 4, 9])
    until(qtbot, lambda: table(window) == [3, 4, 9])
    assert window.commands.render.isEnabled()
    assert window.center.mode == WALL, "no picture is shown for it"
    window.surveys.wall.view.choose_all([])
    until(qtbot, lambda: table(window) == [])


def test_what_is_selected_in_the_table_is_selected_on_the_wall(window: MainWindow, qtbot: QtBot) -> None:
    hang(window)
    window.neurons.select_units([5, 7])
    until(qtbot, lambda: window.surveys.wall.view.selection.units == [5, 7])
    assert window.surveys.wall.view.selection.current == 5


def test_the_wall_follows_the_table_when_it_comes_to_the_front(window: MainWindow, qtbot: QtBot) -> None:
    hang(window)
    window.center.show_mode(CANVAS)
    window.neurons.select_units([5, 7])
    assert window.surveys.wall.view.selection.units == []
    window.center.show_mode(WALL)
    assert window.surveys.wall.view.selection.units == [5, 7]


def test_a_selection_that_the_table_has_not_heard_of_is_not_lost(window: MainWindow) -> None:
    hang(window)
    window.surveys.wall.view.choose_all([3, 4, 9])
    window.center.show_mode(CANVAS)
    assert table(window) == [3, 4, 9]


def test_units_that_the_tables_filter_hides_stay_selected_on_the_wall(window: MainWindow, qtbot: QtBot) -> None:
    hang(window)
    window.neurons.filter.setText("3")
    window.surveys.wall.view.choose_all([3, 4])
    until(qtbot, lambda: table(window) == [3])
    qtbot.wait(200)
    assert window.surveys.wall.view.selection.units == [3, 4]
