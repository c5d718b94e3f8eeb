from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtWidgets import QAbstractButton, QToolBar
from pytestqt.qtbot import QtBot

from clipdesk.export.png import read_recipe, save_png
from clipdesk.gui.center import CANVAS, GALLERY
from clipdesk.gui.main_window import MainWindow
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, done, until
from tests.recipes import make_recipe

ALT = Qt.KeyboardModifier.AltModifier


def fill(folder: Path, count: int) -> None:
    """Write pictures of the first units."""
    for index in range(count):
        recipe = make_recipe(Unit(layer=LAYER, index=index))
        save_png(np.full((32, 32, 3), 5 * index, dtype=np.uint8), folder / f"{index}.png", recipe)


@pytest.fixture
def gallery(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """A window of 1280 x 720 with thirty pictures in the gallery, which is in front."""
    (tmp_path / "many").mkdir()
    fill(tmp_path / "many", 30)
    window.resize(1280, 720)
    window.session.use_folder(tmp_path / "many")
    until(qtbot, lambda: window.gallery.model.rowCount() == 30)
    window.center.show_mode(GALLERY)
    qtbot.waitUntil(window.gallery.list.isVisible)
    return window


def test_each_mode_has_a_tab_and_keys(window: MainWindow, qtbot: QtBot) -> None:
    assert window.center.mode == CANVAS
    assert "Gallery" not in window.docks
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_6, ALT)
    assert (window.gallery.isVisible(), window.canvas.isVisible()) == (True, False)
    qtbot.keyClick(window, Qt.Key.Key_8, ALT)
    assert (window.gallery.isVisible(), window.canvas.isVisible()) == (False, True)
    tabs = window.center.tabs
    qtbot.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(1).center())
    assert window.center.mode == GALLERY


def test_a_small_window_shows_a_dozen_pictures_and_every_button(gallery: MainWindow) -> None:
    assert gallery.size() == QSize(1280, 720)
    view = gallery.gallery.list
    rows = range(gallery.gallery.model.rowCount())
    inside = view.viewport().rect()
    seen = [row for row in rows if inside.contains(view.visualRect(gallery.gallery.model.index(row)))]
    assert len(seen) >= 12
    assert len(seen) == view.in_sight()
    for bar in gallery.gallery.findChildren(QToolBar):
        hidden = [button.accessibleName() for button in bar.findChildren(QAbstractButton) if not button.isVisible()]
        assert hidden in ([], [""]), "only the button for those that do not fit may be hidden"
    for control in (gallery.gallery.bar.search, gallery.gallery.bar.order, gallery.gallery.bar.size_slider):
        assert control.visibleRegion().boundingRect() == control.rect()


def test_what_the_user_chooses_to_see_brings_the_canvas_to_the_front(gallery: MainWindow, qtbot: QtBot) -> None:
    view = gallery.gallery.list
    place = view.visualRect(gallery.gallery.model.index(0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.wait(50)
    assert (gallery.center.mode, gallery.canvas.tracks) == (GALLERY, [])
    qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert gallery.center.mode == CANVAS
    until(qtbot, lambda: len(gallery.canvas.tracks) == 1)
    gallery.center.show_mode(GALLERY)
    gallery.asking.render((Unit(layer=LAYER, index=3),))
    assert gallery.center.mode == CANVAS


def test_a_render_that_goes_on_leaves_the_gallery_in_front(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((Unit(layer=LAYER, index=3),))
    window.center.show_mode(GALLERY)
    until(qtbot, lambda: done(window) and window.gallery.model.rowCount() == 1)
    assert window.center.mode == GALLERY


def test_what_acts_on_the_canvas_waits_until_it_is_seen(window: MainWindow) -> None:
    window.center.show_mode(GALLERY)
    assert not window.canvas.copy_action.isEnabled()
    window.center.show_canvas()
    assert window.canvas.copy_action.isEnabled()


def test_the_selected_picture_is_saved_while_the_gallery_is_in_front(
    gallery: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, tmp_path: Path
) -> None:
    assert not gallery.commands.save.isEnabled()
    gallery.gallery.bar.search.setText(":7")
    gallery.gallery.list.selectAll()
    assert gallery.commands.save.isEnabled()
    monkeypatch.setattr(gallery.files, "_ask_place", lambda *_: tmp_path / "saved.png")
    gallery.commands.save.trigger()
    until(qtbot, (tmp_path / "saved.png").is_file)
    assert read_recipe(tmp_path / "saved.png").target == Unit(layer=LAYER, index=7)


def test_full_screen_shows_the_canvas_without_the_switch(window: MainWindow) -> None:
    window.center.show_mode(GALLERY)
    window.commands.full_screen.trigger()
    assert (window.canvas.isVisible(), window.center.tabs.isVisible()) == (True, False)
    window.commands.full_screen.trigger()
    assert window.center.tabs.isVisible()


def test_search_order_and_size_come_back(
    window: MainWindow, new_window: Callable[..., MainWindow], settings: QSettings
) -> None:
    bar = window.gallery.bar
    bar.search.setText("gelu")
    bar.order.setCurrentIndex(1)
    bar.size_slider.setValue(200)
    window.gallery.recipe_action.trigger()
    on = window.gallery.recipe_action.isChecked()
    window.close()
    settings.sync()
    second = new_window()
    second.center.show_mode(GALLERY)
    again = second.gallery
    assert (again.bar.search.text(), again.bar.order_name) == ("gelu", "activation")
    assert again.list.side == again.bar.size_slider.value() == 200
    assert again.recipe_action.isChecked() is on


def test_a_kept_size_or_order_that_is_unknown_is_left_out(
    new_window: Callable[..., MainWindow], settings: QSettings
) -> None:
    settings.setValue("gallery/side", "large")
    settings.setValue("gallery/order", "beauty")
    gallery = new_window().gallery
    assert (gallery.bar.order_name, gallery.list.side <= 112) == ("newest", True)
