"""The wall of a comparison in a real window: it follows the table, shows photos at once, and fills with pictures."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from clipdesk.activations.comparing.manifests import all_comparisons, delete_comparison
from clipdesk.gui.center import CANVAS, COMPARISON
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.comparison_page import UNITS, WALL
from tests.gui.conftest import until
from tests.gui.surveys.conftest import images, scenes_words
from tests.gui.test_comparisons import changed, compare

__all__ = ["changed", "images", "scenes_words"]


def rendered(window: MainWindow) -> int:
    wall = window.comparisons.page.wall
    return sum(wall.view.picture_of(unit) is not None for unit in range(len(wall.places)))


def open_wall(window: MainWindow, qtbot: QtBot, changed: Path, images: Path) -> None:
    compare(window, qtbot, changed, images)
    window.comparisons.page.tabs.setCurrentIndex(WALL)


def test_units_hang_in_the_order_of_the_table_with_photos_at_once(
    changed: Path, images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    open_wall(window, qtbot, changed, images)
    page = window.comparisons.page
    wall = page.wall
    assert wall.view.isVisible()
    assert len(wall.places) == 24
    assert wall.places == tuple(row.place for row in page.model.rows[:24])
    assert not wall.view.is_empty(0), "photos need no render"
    until(qtbot, lambda: wall.view.is_drawn)
    moved = 2
    wall.sort_asked.emit(moved)
    assert page.table.horizontalHeader().sortIndicatorSection() == moved
    assert wall.places == tuple(row.place for row in page.model.rows[:24])
    assert wall.sort.currentText() == "By moved"
    wall.count.setCurrentIndex(1)
    wall.count.activated.emit(1)
    assert len(wall.places) == min(96, len(page.model.rows))


def test_a_click_chooses_the_unit_in_the_table_and_the_table_the_tile(
    changed: Path, images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    open_wall(window, qtbot, changed, images)
    page = window.comparisons.page
    wall = page.wall
    at = wall.view.frame_of(5).center()
    QTest.mouseClick(wall.view, Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y())))
    assert page.table.currentIndex().row() == 5
    assert page.unit.changed is not None
    assert page.unit.changed.place == wall.places[5]
    QTest.keyClick(wall.view, Qt.Key.Key_Right)
    assert page.table.currentIndex().row() == 6
    page.table.selectRow(2)
    assert wall.view.selection.units == [2]
    assert page.model.rows[2].name in wall.describe(2)


def test_pictures_are_rendered_while_the_wall_is_seen_and_are_there_the_next_time(
    changed: Path, images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    open_wall(window, qtbot, changed, images)
    page = window.comparisons.page
    until(qtbot, lambda: rendered(window) >= 4)
    assert page.wall.stop_button.isVisible()
    window.center.show_mode(CANVAS)
    assert not page.wall.stop_button.isVisible(), "what nobody sees is not rendered"
    before = rendered(window)
    window.center.show_mode(COMPARISON)
    page.tabs.setCurrentIndex(UNITS)
    page.wall.count_changed.emit()
    assert rendered(window) == 0
    page.tabs.setCurrentIndex(WALL)
    until(qtbot, lambda: rendered(window) >= before)
    ((folder, _),) = all_comparisons()
    kept = len(list((folder / "pictures").glob("*-ab.png")))
    assert kept >= before
    page.wall.stop_button.click()
    assert page.wall.button.isVisible()
    page.table.selectRow(1)
    page.table.selectRow(0)
    until(qtbot, lambda: page.unit.images[1].isVisible())
    assert page.unit.images[2].pixmap().isNull(), "the difference was not asked for"
    delete_comparison(folder)
    assert not folder.exists()


def test_the_wall_gives_way_to_a_unit_that_is_rendered_and_goes_on(
    changed: Path, images: Path, scenes_words: None, window: MainWindow, qtbot: QtBot
) -> None:
    open_wall(window, qtbot, changed, images)
    page = window.comparisons.page
    page.table.selectRow(20)
    until(qtbot, lambda: page.unit.button.isVisible() and page.unit.button.isEnabled())
    page.unit.button.click()
    assert not page.wall.stop_button.isVisible()
    until(qtbot, lambda: not page.unit.images[2].pixmap().isNull())
    until(qtbot, lambda: page.wall.stop_button.isVisible() or rendered(window) == 24)
