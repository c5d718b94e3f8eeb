"""The wall in a real window: it is filled from the results folder, by what is rendered, and from a survey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipdesk.activations.storing import THUMBNAILS
from clipdesk.activations.surveying import survey_images
from clipdesk.export.png import save_png
from clipdesk.gui.center import CANVAS, WALL
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.wall_bar import NO_SURVEY, ORDERS
from clipdesk.imagesets.opening import open_image_set
from clipdesk.network.pool import open_model
from clipdesk.render.targets import Unit
from tests.cli.surveys import photos
from tests.gui.conftest import LAYER, done, until
from tests.recipes import make_recipe


@pytest.fixture
def survey(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a survey of the window's model."""
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    return make_survey(checkpoint, tmp_path)


def make_survey(checkpoint: Path, folder: Path) -> Path:
    *_, end = survey_images(open_model(checkpoint, "cpu"), open_image_set(photos(folder / "photos")), [LAYER])
    assert end.folder is not None
    return end.folder


def hang(window: MainWindow) -> None:
    """Choose the layer, and show the wall."""
    window.architecture.choose(LAYER)
    window.center.show_mode(WALL)


def empty(window: MainWindow, unit: int) -> bool:
    return window.surveys.wall.view.is_empty(unit)


def test_the_wall_has_a_tab_and_a_key(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_9, Qt.KeyboardModifier.AltModifier)
    assert window.center.mode == WALL
    assert window.surveys.wall.isVisible()
    hang(window)
    qtbot.keyClick(window, Qt.Key.Key_9, Qt.KeyboardModifier.AltModifier)
    assert window.surveys.wall.view.hasFocus()


def test_the_chosen_layer_hangs_on_the_wall(window: MainWindow) -> None:
    hang(window)
    layer = window.neurons.model.layer
    assert layer is not None
    assert (window.surveys.wall.layer, window.surveys.wall.bar.count.text()) == (LAYER, f"{layer.units} units")


def test_pictures_of_the_results_folder_hang_on_the_wall(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for index in (2, 4):
        recipe = make_recipe(Unit(layer=LAYER, index=index), model=str(window.model_name))
        save_png(np.zeros((32, 32, 3), dtype=np.uint8), tmp_path / "many" / f"{index}.png", recipe)
    window.architecture.choose(LAYER)
    window.session.use_folder(tmp_path / "many")
    until(qtbot, lambda: window.gallery.model.rowCount() == 2)
    hang(window)
    assert [unit for unit in range(20) if not empty(window, unit)] == [2, 4]
    known = window.surveys.wall.view.picture_of(4)
    assert known is not None
    assert known.path == tmp_path / "many" / "4.png"


def test_what_is_rendered_from_the_wall_hangs_there(window: MainWindow, qtbot: QtBot) -> None:
    hang(window)
    window.surveys.wall.select([3])
    assert window.surveys.wall.render_action.isEnabled()
    window.surveys.wall.render_action.trigger()
    assert window.center.mode == CANVAS, "the user has asked to see it"
    until(qtbot, lambda: done(window) and window.gallery.model.rowCount() == 1)
    picture = window.surveys.wall.view.picture_of(3)
    assert picture is not None
    assert picture.path is not None
    assert picture.path.is_file()
    assert empty(window, 4)


def test_a_batch_fills_the_wall_that_stays_in_front(window: MainWindow, qtbot: QtBot) -> None:
    window.session.preferences.keep = False
    window.controller.folder = None
    window.session.following = False
    hang(window)
    window.surveys.wall.select([3, 7])
    window.surveys.wall.batch_action.trigger()
    until(qtbot, lambda: done(window))
    assert window.center.mode == WALL
    assert [unit for unit in range(20) if not empty(window, unit)] == [3, 7], "though no file was kept"


def test_actions_of_the_wall_wait_until_it_is_seen(window: MainWindow) -> None:
    hang(window)
    window.surveys.wall.select([3])
    window.center.show_canvas()
    assert not any(action.isEnabled() for action in window.surveys.wall.actions_shown)


def test_a_survey_of_the_model_is_opened_when_the_wall_is_seen(survey: Path, window: MainWindow, qtbot: QtBot) -> None:
    window.architecture.choose(LAYER)
    model = window.surveys.wall.bar.order
    assert model.itemData(ORDERS.index("density"), Qt.ItemDataRole.ToolTipRole) == NO_SURVEY
    window.center.show_mode(WALL)
    until(qtbot, lambda: not model.itemData(ORDERS.index("density"), Qt.ItemDataRole.ToolTipRole))
    assert "density" in window.surveys.wall.describe(3)
    assert not empty(window, 3)


def test_a_survey_that_is_made_later_is_found_when_the_wall_is_seen_again(
    own_queue: None, window: MainWindow, qtbot: QtBot, checkpoint: Path, tmp_path: Path
) -> None:
    hang(window)
    until(qtbot, lambda: window.surveys.desk.looked)
    make_survey(checkpoint, tmp_path)
    window.center.show_canvas()
    window.center.show_mode(WALL)
    until(qtbot, lambda: "density" in window.surveys.wall.describe(3))


def test_a_survey_without_thumbnails_leaves_the_numbers(survey: Path, window: MainWindow, qtbot: QtBot) -> None:
    (survey / THUMBNAILS).unlink()
    hang(window)
    until(qtbot, lambda: "density" in window.surveys.wall.describe(3))
    until(qtbot, lambda: window.surveys.wall.view.is_drawn)


def test_a_damaged_survey_is_said_and_the_wall_stays(survey: Path, window: MainWindow, qtbot: QtBot) -> None:
    for file in survey.glob("0*.safetensors"):
        file.write_bytes(b"nonsense")
    said: list[object] = []
    window.session.problem.connect(said.append)
    hang(window)
    until(qtbot, lambda: bool(said))
    assert "damaged" in str(said[0])
    assert window.surveys.wall.view.hanging is not None


def test_another_model_clears_the_wall(window: MainWindow, qtbot: QtBot) -> None:
    hang(window)
    assert window.session.model is not None
    window.surveys.wall.select([3])
    window.session.open(window.session.model)
    assert window.surveys.wall.selected() == ()
    assert window.surveys.wall.layer == str((window.neurons.model.layer and window.neurons.model.layer.name) or "")


def test_a_chosen_unit_is_shown_in_the_table(window: MainWindow) -> None:
    hang(window)
    window.surveys.wall.targets_chosen.emit((Unit(layer=LAYER, index=9),))
    assert window.neurons.selected() == (Unit(layer=LAYER, index=9),)
