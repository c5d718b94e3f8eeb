import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from clipdesk.gui.center import GALLERY
from clipdesk.gui.main_window import MainWindow
from tests.gui.conftest import LAYER


@pytest.mark.parametrize("panel", ["architecture", "neurons", "gallery", "queue", "queue and gallery"])
def test_ctrl_f_goes_to_the_search_of_the_panel_in_use(window: MainWindow, qtbot: QtBot, panel: str) -> None:
    window.architecture.choose(LAYER)
    if "gallery" in panel:
        window.center.show_mode(GALLERY)
    used: dict[str, QWidget] = {
        "architecture": window.architecture.tree,
        "neurons": window.neurons.table,
        "gallery": window.gallery.bar.order,
        "queue": window.queue.list,
        "queue and gallery": window.queue.list,
    }
    found = {
        "architecture": window.architecture.filter,
        "neurons": window.neurons.filter,
        "gallery": window.gallery.bar.search,
        "queue": window.architecture.filter,
        "queue and gallery": window.gallery.bar.search,
    }
    window.activateWindow()
    used[panel].setFocus()
    found[panel].setText("typed before")
    qtbot.keyClick(used[panel], Qt.Key.Key_F3)
    assert QApplication.focusWidget() is found[panel]
    assert found[panel].selectedText() == "typed before"


def test_a_search_that_cannot_be_seen_is_left_out(window: MainWindow) -> None:
    window.architecture.choose(LAYER)
    window.docks["Architecture"].hide()
    window.queue.list.setFocus()
    window.commands.search.trigger()
    assert QApplication.focusWidget() is window.neurons.filter
