from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from clipdesk.export.command import command_of
from clipdesk.export.metadata import UnitRecord, WorkerRecord
from clipdesk.export.metadata_writer import MetadataWriter
from clipdesk.export.png import RECIPE_KEY, save_png
from clipdesk.gui.center import CANVAS, GALLERY
from clipdesk.gui.item_models.gallery import GalleryModel
from clipdesk.gui.library import THUMBNAIL, Entry, read_entry
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.export_dialog import ExportDialog
from clipdesk.gui.panels.recipe_view import recipe_html
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.gui.conftest import LAYER, finished, until
from tests.recipes import SILENT, make_recipe

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def full(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """A window with three finished pictures, two of them of the preset draft."""
    window.parameters.show_preset("draft")
    window.asking.render((Unit(layer=LAYER, index=1), Unit(layer=LAYER, index=2)))
    window.parameters.show_settings(make_settings(iterations=3, noise=0.5))
    window.asking.render((Unit(layer="visual.conv1", index=4),))
    until(qtbot, lambda: finished(window) and window.gallery.model.rowCount() == 3)
    window.center.show_mode(GALLERY)
    return window


def choose(window: MainWindow, *labels: str) -> None:
    gallery = window.gallery
    selection = gallery.list.selectionModel()
    selection.clearSelection()
    for row in range(gallery.model.rowCount()):
        index = gallery.model.index(row)
        if index.data() in labels:
            selection.select(index, QItemSelectionModel.SelectionFlag.Select)


def test_finished_pictures_are_searched(full: MainWindow) -> None:
    search = full.gallery.bar.search
    search.setText("visual.CONV1")
    assert [full.gallery.model.index(0).data()] == ["conv1:4"]
    assert full.gallery.bar.count.text() == "1 of 3"
    search.setText("draft")
    assert full.gallery.model.rowCount() == 2
    search.setText("draft 2")
    assert [full.gallery.model.index(0).data()] == ["1.mlp.gelu:2"]
    search.setText("nowhere")
    assert full.gallery.list.isHidden()


def test_a_chosen_picture_is_shown_with_its_recipe(full: MainWindow, qtbot: QtBot) -> None:
    full.canvas.show_message("Something else")
    choose(full, "conv1:4")
    qtbot.wait(50)
    assert full.canvas.tracks == []
    full.gallery.list.setCurrentIndex(full.gallery.list.selectedIndexes()[0])
    qtbot.keyClick(full.gallery.list, Qt.Key.Key_Return)
    until(qtbot, lambda: [t.target for t in full.canvas.tracks] == [Unit(layer="visual.conv1", index=4)])
    assert full.center.mode == CANVAS
    # With the curve that its file carries.
    assert full.curves.step_count == 3
    text = full.gallery.recipe.toPlainText()
    assert "Noise" in text
    assert "0.5" in text


def test_a_chosen_picture_is_shown_again(full: MainWindow, qtbot: QtBot) -> None:
    choose(full, "conv1:4")
    full.gallery.open_action.trigger()
    until(qtbot, lambda: len(full.canvas.tracks) == 1)
    full.canvas.show_message("Something else")
    full.center.show_mode(GALLERY)
    full.gallery.open_action.trigger()
    until(qtbot, lambda: [t.target for t in full.canvas.tracks] == [Unit(layer="visual.conv1", index=4)])


def test_two_pictures_are_compared_side_by_side(full: MainWindow, qtbot: QtBot) -> None:
    choose(full, "conv1:4", "1.mlp.gelu:2")
    full.gallery.open_action.trigger()
    until(qtbot, lambda: len(full.canvas.tracks) == 2)
    assert {track.label for track in full.canvas.tracks} == {"conv1:4", "1.mlp.gelu:2"}


def test_the_first_of_the_compared_pictures_is_kept_beside_the_others(full: MainWindow, qtbot: QtBot) -> None:
    full.center.show_canvas()
    full.canvas.pin_action.trigger()
    full.center.show_mode(GALLERY)
    choose(full, "conv1:4", "1.mlp.gelu:2")
    wanted = [entry.recipe.target for entry in full.gallery.selected()]
    full.gallery.compare_action.trigger()
    until(qtbot, lambda: [track.target for track in full.canvas.shown()] == wanted)
    assert full.canvas.pin_action.isChecked()
    assert [tile.kept for tile in full.canvas.view.tiles] == [True, False]
    assert full.center.mode == CANVAS


def test_one_picture_cannot_be_compared_and_nothing_is_done_behind_the_canvas(full: MainWindow) -> None:
    gallery = full.gallery
    choose(full, "conv1:4")
    assert (gallery.compare_action.isEnabled(), gallery.command_action.isEnabled()) == (False, True)
    full.center.show_canvas()
    assert not any(action.isEnabled() for action in gallery.actions_shown)


def test_a_copied_picture_is_pixels_and_a_file_and_several_are_files(full: MainWindow, qtbot: QtBot) -> None:
    clipboard = QGuiApplication.clipboard()
    said: list[str] = []
    full.session.said.connect(said.append)
    choose(full, "conv1:4")
    (entry,) = full.gallery.selected()
    full.gallery.list.setFocus()
    qtbot.keyClick(full.gallery.list, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    # Another test may have left an image there.
    until(qtbot, lambda: said == ["Copied conv1:4"])
    assert clipboard.image().size() == QImage(str(entry.path)).size()
    assert [Path(url.toLocalFile()) for url in clipboard.mimeData().urls()] == [entry.path]
    full.gallery.list.selectAll()
    full.gallery.copy_action.trigger()
    until(qtbot, lambda: said[1:] == ["Copied 3 pictures"])
    assert clipboard.image().isNull()
    assert len(clipboard.mimeData().urls()) == 3


def test_pictures_are_copied_as_commands_in_their_order(full: MainWindow, qtbot: QtBot) -> None:
    said: list[str] = []
    full.session.said.connect(said.append)
    choose(full, "conv1:4", "1.mlp.gelu:2")
    wanted = [command_of(entry.recipe, entry.path) for entry in full.gallery.selected()]
    full.gallery.command_action.trigger()
    until(qtbot, lambda: said == ["Copied 2 commands"])
    assert QGuiApplication.clipboard().text().splitlines() == wanted


def test_the_selected_pictures_are_exported(full: MainWindow, qtbot: QtBot) -> None:
    choose(full, "conv1:4", "1.mlp.gelu:2")
    full.gallery.export_action.trigger()
    (dialog,) = full.findChildren(ExportDialog)
    assert dialog.choice.currentData() == "Selected in the gallery"
    dialog.close()


def test_settings_are_used_again(full: MainWindow) -> None:
    choose(full, "1.mlp.gelu:1")
    full.gallery.use_action.trigger()
    assert full.parameters.preset.currentText() == "Draft"
    assert full.parameters.settings() == make_settings("draft")


def test_a_picture_is_rendered_again_alike(full: MainWindow, qtbot: QtBot) -> None:
    choose(full, "1.mlp.gelu:1")
    full.gallery.again_action.trigger()
    until(qtbot, lambda: finished(full) and full.gallery.model.rowCount() == 4)
    tracks = [track for run in full.controller.queue for track in run.tracks.values()]
    images = [track.result for track in tracks if track.target == Unit(layer=LAYER, index=1)]
    assert images[0] is not None
    assert images[1] is not None
    assert (images[0].image == images[1].image).all()


def test_another_window_finds_the_pictures(full: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "results" / "notes.png").write_text("no picture")
    full.session.use_folder(tmp_path / "results")
    assert full.gallery.model.rowCount() == 0
    until(qtbot, lambda: full.gallery.model.rowCount() == 3)


def test_a_gallery_that_is_read_again_keeps_the_same_pictures_selected(
    full: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    choose(full, "1.mlp.gelu:2")
    (before,) = full.gallery.selected()
    asked: list[list[Entry]] = []
    full.gallery.chosen.connect(asked.append)
    full.session.use_folder(tmp_path / "results")
    assert full.gallery.selected() == []
    until(qtbot, lambda: full.gallery.model.rowCount() == 3)
    assert [entry.path for entry in full.gallery.selected()] == [before.path]
    full.gallery.bar.order.setCurrentIndex(2)
    assert [entry.path for entry in full.gallery.selected()] == [before.path]
    full.gallery.bar.search.setText("conv1")
    assert full.gallery.selected() == []
    assert asked == []


def test_pictures_of_one_name_say_what_differs(full: MainWindow, qtbot: QtBot) -> None:
    full.parameters.show_settings(make_settings(iterations=4, seed=9, noise=0.5))
    full.asking.render((Unit(layer="visual.conv1", index=4),))
    until(qtbot, lambda: finished(full) and full.gallery.model.rowCount() == 4)
    full.center.show_mode(GALLERY)
    choose(full, "conv1:4")
    full.gallery.open_action.trigger()
    until(qtbot, lambda: len(full.canvas.tracks) == 2)
    assert {tile.label.rsplit("   ", 1)[0] for tile in full.canvas.view.tiles} == {
        "conv1:4 · seed 0 · 3 steps",
        "conv1:4 · seed 9 · 4 steps",
    }


def test_a_hostile_recipe_is_text_and_nothing_else(tmp_path: Path) -> None:
    recipe = make_recipe(Text(text="<b>x</b>"), model="<img src='file:///etc/passwd'>", steps=7)
    save_png(np.zeros((64, 64, 3), dtype=np.uint8), tmp_path / "x.png", recipe)
    entry = read_entry(tmp_path / "x.png")
    assert entry is not None
    assert "<img" not in recipe_html(entry)
    assert "<b>" not in recipe_html(entry)
    assert "stopped at 7" in recipe_html(entry)
    reached = entry.recipe.activation
    assert f"{reached.picture:.4g} (clean)" in recipe_html(entry)
    assert f"{reached.end:.4g} (under its random changes)" in recipe_html(entry)


def test_the_recipe_names_the_worker_that_rendered_the_picture(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    folder, layer = tmp_path / "results", "visual.conv1"
    folder.mkdir(exist_ok=True)
    writer = MetadataWriter(folder, layer, "demo")
    for index, worker in ((4, WorkerRecord(name="GPU 0", node="node7", device="<H200>")), (5, None)):
        target = Unit(layer=layer, index=index)
        save_png(np.zeros((64, 64, 3), dtype=np.uint8), folder / f"{index}.png", make_recipe(target))
        writer.note(index, UnitRecord(status="done", parameters=make_settings(), file=f"{index}.png", worker=worker))
    window.session.use_folder(folder)
    gallery = window.gallery
    until(qtbot, lambda: gallery.model.rowCount() == 2)
    window.center.show_mode(GALLERY)
    choose(window, "conv1:4")
    shown = gallery.selected()[0]
    until(qtbot, lambda: "GPU 0 on node7, <H200>" in gallery.recipe.toPlainText())
    tip = gallery.model.index_of(shown).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.splitlines()[-1] == "Rendered by GPU 0 on node7, <H200>"
    choose(window, "conv1:5")
    assert window.library.wait(60_000)
    assert "Worker" not in gallery.recipe.toPlainText()
    # What is known is not read again, nor is it lost.
    choose(window, "conv1:4")
    assert "GPU 0 on node7" in gallery.recipe.toPlainText()


def test_a_picture_without_a_whole_recipe_is_left_out(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "results"
    folder.mkdir(exist_ok=True)
    pixels, info = np.zeros((64, 64, 3), dtype=np.uint8), PngInfo()
    info.add_itxt(RECIPE_KEY, '{"model": "demo"}')
    Image.fromarray(pixels).save(folder / "x.png", pnginfo=info)
    save_png(pixels, folder / "y.png", make_recipe())
    caplog.set_level("INFO", "clipdesk")
    assert not window.commands.export.isEnabled()
    window.session.use_folder(folder)
    until(qtbot, window.commands.export.isEnabled)
    until(qtbot, lambda: "recipe cannot be read" in caplog.text and window.gallery.model.rowCount() == 1)


def test_thumbnails_are_drawn(full: MainWindow) -> None:
    model = full.gallery.model
    images = [model.index(row).data(Qt.ItemDataRole.DecorationRole) for row in range(3)]
    assert all(image.width() == image.height() == THUMBNAIL for image in images)


def test_a_thumbnail_says_what_became_of_its_picture(tmp_path: Path) -> None:
    red = np.full((64, 64, 3), [250, 20, 20], dtype=np.uint8)
    recipes = {"done": make_recipe(), "stopped": make_recipe(steps=39), "silent": make_recipe(activation=SILENT)}
    model = GalleryModel()
    seen = {}
    for name, recipe in recipes.items():
        save_png(red, tmp_path / f"{name}.png", recipe)
        entry = read_entry(tmp_path / f"{name}.png")
        assert entry is not None
        model.add([entry])
        index = model.index_of(entry)
        image = index.data(Qt.ItemDataRole.DecorationRole)
        above, below = image.pixelColor(8, 8), image.pixelColor(1, image.height() - 2)
        words = index.data(Qt.ItemDataRole.ToolTipRole).splitlines()[0].partition(": ")[2]
        seen[name] = (above.saturation() > 200, below.red() < 120, words)
    assert seen == {
        "done": (True, False, "done"),
        "stopped": (True, True, "stopped at 39"),
        "silent": (False, True, "nothing excited it"),
    }
