from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from clipdesk.gui import canvas_menu
from clipdesk.gui.main_window import MainWindow
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, done, run_of, until
from tests.gui.panels.test_canvas import tracks


def test_the_menu_is_about_the_picture_under_the_mouse(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.asking.render(tuple(Unit(layer=LAYER, index=i) for i in (1, 2)))
    until(qtbot, lambda: done(window) and window.gallery.model.rowCount() == 2)
    view, menu = window.canvas.view, window.canvas_menu
    opened = menu.make(view.frame_of(1).center())
    assert opened is not None
    texts = [action.text() for action in opened.actions() if not action.isSeparator()]
    assert texts[:3] == ["&Save picture …", "Copy picture", "Compare"]
    second = run_of(window).tracks[Unit(layer=LAYER, index=2)]
    assert window.canvas.current is second
    menu.target_action.trigger()
    assert QGuiApplication.clipboard().text() == f"{LAYER}:2"
    shown: list[Path] = []
    monkeypatch.setattr(canvas_menu, "show_file", shown.append)
    menu.file_action.trigger()
    assert shown == [second.path]
    window.parameters.show_preset("draft")
    menu.use_action.trigger()
    assert window.parameters.settings().iterations == 5
    menu.again_action.trigger()
    until(qtbot, lambda: done(window, 2))
    assert [track.target for track in window.canvas.tracks] == [second.target]
    opened.deleteLater()


def test_a_picture_under_way_offers_what_it_has(window: MainWindow) -> None:
    window.canvas.show_tracks(tracks(2))
    menu = window.canvas_menu
    opened = menu.make(window.canvas.view.frame_of(0).center())
    assert opened is not None
    assert menu.use_action.isEnabled()
    assert not menu.again_action.isEnabled()
    assert not menu.file_action.isEnabled()
    opened.deleteLater()


def test_an_empty_canvas_has_no_menu(window: MainWindow) -> None:
    assert window.canvas_menu.make(QPoint(5, 5)) is None


def test_a_right_click_neither_drags_nor_shows_alone(window: MainWindow, qtbot: QtBot) -> None:
    window.canvas.show_tracks(tracks(3))
    view, asked = window.canvas.view, list[int]()
    view.drag_asked.disconnect()
    view.drag_asked.connect(asked.append)
    start = view.frame_of(1).center()
    qtbot.mousePress(view, Qt.MouseButton.RightButton, pos=start)
    qtbot.mouseMove(view, start + QPoint(60, 0))
    qtbot.mouseRelease(view, Qt.MouseButton.RightButton, pos=start + QPoint(60, 0))
    assert (asked, view.solo) == ([], -1)
