from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolBar
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from tests.gui.panels.test_canvas import tracks


def around(window: MainWindow) -> set[str]:
    """What is seen around the canvas."""
    docks = {name for name, dock in window.docks.items() if not dock.isHidden()}
    bars = {bar.objectName() for bar in window.findChildren(QToolBar, "Tool bar") if not bar.isHidden()}
    return docks | bars | ({"status"} if not window.statusBar().isHidden() else set())


def test_f11_shows_the_canvas_alone_and_again_brings_all_back(window: MainWindow, qtbot: QtBot) -> None:
    window.docks["Queue"].hide()
    before = around(window)
    assert {"Neurons", "Tool bar", "status"} <= before
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    assert around(window) == set()
    assert window.canvas.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert not window.isFullScreen()
    assert around(window) == before


def test_escape_leaves_once_there_is_nothing_else_to_go_back_from(window: MainWindow, qtbot: QtBot) -> None:
    window.canvas.show_tracks(tracks(3))
    window.commands.full_screen.trigger()
    window.canvas.view.set_solo(1)
    qtbot.keyClick(window.canvas.view, Qt.Key.Key_Escape)
    assert window.isFullScreen()
    assert window.canvas.view.solo == -1
    qtbot.keyClick(window.canvas.view, Qt.Key.Key_Escape)
    assert not window.isFullScreen()
    assert not window.commands.full_screen.isChecked()


def test_a_window_that_is_closed_in_full_screen_has_its_panels_again(
    window: MainWindow, new_window: Callable[..., MainWindow]
) -> None:
    window.commands.full_screen.trigger()
    window.close()
    second = new_window()
    assert not second.isFullScreen()
    assert second.docks["Neurons"].isVisible()
    assert second.menuBar().height() > 0
