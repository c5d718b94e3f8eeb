"""Where the keyboard is can be seen, and is where it is of use."""

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QAbstractItemView, QApplication
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.focus import pale
from clipdesk.gui.problems import Problem
from clipdesk.gui.theme import DARK, LIGHT, palette_of
from tests.gui.conftest import LAYER, finished, until
from tests.gui.test_theme import contrast

Role = QPalette.ColorRole


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_a_pale_selection_can_be_read_and_told_from_a_full_one(theme: str) -> None:
    palette = palette_of(theme)
    without = pale(palette)
    assert contrast(without.color(Role.HighlightedText), without.color(Role.Highlight)) >= 4.5
    assert contrast(palette.color(Role.Highlight), without.color(Role.Highlight)) >= 2
    assert without.color(Role.Highlight) not in (palette.color(Role.Base), palette.color(Role.AlternateBase))


def color(view: QAbstractItemView, index: QModelIndex) -> QColor:
    """The background of an item."""
    area = view.visualRect(index)
    return view.viewport().grab().toImage().pixelColor(area.right() - 2, area.top() + 3)


def test_the_selection_of_the_view_with_the_keyboard_is_the_strong_one(window: MainWindow, qtbot: QtBot) -> None:
    window.architecture.choose(LAYER)
    window.neurons.select(3)
    tree, table = window.architecture.tree, window.neurons.table
    window.activateWindow()
    views: dict[str, tuple[QAbstractItemView, QModelIndex]] = {
        "tree": (tree, tree.currentIndex()),
        "table": (table, table.currentIndex()),
    }
    strong, weak = tree.palette().color(Role.Highlight), pale(tree.palette()).color(Role.Highlight)
    for name, (view, _) in views.items():
        view.setFocus()
        qtbot.waitUntil(view.hasFocus)
        seen = {other: color(*place) for other, place in views.items()}
        for other, found in seen.items():
            wanted, unwanted = (strong, weak) if other == name else (weak, strong)
            assert distance(found, wanted) < distance(found, unwanted)


def distance(one: QColor, other: QColor) -> int:
    return abs(one.red() - other.red()) + abs(one.green() - other.green()) + abs(one.blue() - other.blue())


def test_after_the_first_render_the_keyboard_is_in_the_table(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    window.canvas.welcome.button.setFocus()
    qtbot.keyClick(window.canvas.welcome.button, Qt.Key.Key_Space)
    assert QApplication.focusWidget() is window.neurons.table
    window.queue.stop()
    until(qtbot, lambda: finished(window))


def test_on_start_the_keyboard_is_in_the_tree(window: MainWindow) -> None:
    window.activateWindow()
    assert QApplication.focusWidget() is window.architecture.tree


@pytest.mark.parametrize("bar", ["problem", "offer"])
def test_a_bar_that_goes_gives_the_keyboard_to_the_tree(window: MainWindow, qtbot: QtBot, bar: str) -> None:
    window.activateWindow()
    if bar == "problem":
        window.session.complain(Problem("The disk is full"))
        window.notice.close_button.setFocus()
        qtbot.keyClick(window.notice.close_button, Qt.Key.Key_Space)
    else:
        window.offer.show()
        window.offer.later.setFocus()
        qtbot.keyClick(window.offer.later, Qt.Key.Key_Space)
        assert window.offer.isHidden()
    assert QApplication.focusWidget() is window.architecture.tree
    window.neurons.text_box.text.setFocus()
    window.session.complain(Problem("The disk is full"))
    window.notice.dismiss()
    assert QApplication.focusWidget() is window.neurons.text_box.text
