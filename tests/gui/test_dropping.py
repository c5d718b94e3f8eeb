"""Files that are dropped onto the window or chosen, and the other activation of a checkpoint."""

from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from clipdesk.export.png import save_png
from clipdesk.gui.library import read_entry
from clipdesk.gui.main_window import MainWindow
from clipdesk.models.names import Checkpoint
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.conftest import VIT_LAYER, serve_model
from tests.gui.conftest import done, run_of, until
from tests.recipes import make_recipe

UNIT = Unit(layer=VIT_LAYER, index=9)


def test_a_picture_dropped_onto_the_window_is_rendered_again(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, checkpoint: Path
) -> None:
    recipe = make_recipe(UNIT, make_settings(iterations=2, device="cpu", seed=3), model=str(checkpoint))
    save_png(np.zeros((32, 32, 3), dtype=np.uint8), tmp_path / "x.png", recipe)
    (tmp_path / "bad.png").write_text("hello")
    drop(window, tmp_path / "x.png", tmp_path / "notes.txt")
    until(qtbot, lambda: window.controller.queue.rowCount() == 1 and done(window))
    assert run_of(window).job.targets == (UNIT,)
    assert run_of(window).job.settings == recipe.settings
    drop(window, tmp_path / "bad.png")
    until(qtbot, lambda: "bad.png is not a PNG picture" in window.notice.message)


def test_a_picture_that_is_chosen_is_rendered_again(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe(UNIT, make_settings(iterations=2, device="cpu", seed=3), model=str(checkpoint))
    save_png(np.zeros((32, 32, 3), dtype=np.uint8), tmp_path / "x.png", recipe)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(tmp_path / "x.png")], ""))
    window.commands.again.trigger()
    until(qtbot, lambda: window.controller.queue.rowCount() == 1 and done(window))
    assert run_of(window).job.targets == (UNIT,)


@pytest.mark.parametrize("shown", [True, False])
def test_a_picture_does_not_download_the_model_that_it_names(
    window: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    shown: bool,
) -> None:
    save_png(np.zeros((32, 32, 3), dtype=np.uint8), tmp_path / "x.png", make_recipe(UNIT, model="ViT-B/32"))
    with serve_model("ViT-B/32", checkpoint.read_bytes(), monkeypatch, tmp_path) as server:
        if shown:
            entry = read_entry(tmp_path / "x.png")
            window.gallery.render_asked.emit(entry)
        else:
            drop(window, tmp_path / "x.png")
        until(qtbot, lambda: "x.png was made with ViT-B/32, which is not on this disk" in window.notice.message)
        assert window.controller.queue.rowCount() == 0
        assert server.requests == []


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    actions, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), actions, data, left, none)
    window.dragEnterEvent(enter)
    assert enter.isAccepted()
    # A file manager proposes to move; the file must stay where it is.
    move = QDropEvent(QPointF(5, 5), actions | Qt.DropAction.MoveAction, data, left, none)
    move.setDropAction(Qt.DropAction.MoveAction)
    window.dropEvent(move)
    assert move.isAccepted()
    assert move.dropAction() == Qt.DropAction.CopyAction


@pytest.mark.parametrize("place", ["other.pt", "other.ckpt", "folder"])
def test_a_checkpoint_or_its_folder_that_is_dropped_opens(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, checkpoint: Path, place: str
) -> None:
    where = tmp_path / place
    if place == "folder":
        where.mkdir()
    (where / "mine.pt" if place == "folder" else where).write_bytes(checkpoint.read_bytes())
    drop(window, where)
    until(qtbot, lambda: window.session.model_name == Checkpoint(where))
    assert "Activation QuickGELU: OpenAI's class has written it." in window.status.model.toolTip()
    assert f"For the other one, open {place}?gelu." in window.status.model.toolTip()


def is_open(window: MainWindow, name: Checkpoint) -> bool:
    return window.session.model_name == name


def test_a_checkpoint_is_opened_again_with_the_other_activation(
    window: MainWindow, qtbot: QtBot, checkpoint: Path
) -> None:
    for activation in ("gelu", "quickgelu"):
        assert window.model_menu.other.isEnabled()
        window.model_menu.other.trigger()
        until(qtbot, partial(is_open, window, Checkpoint(checkpoint, activation=activation)))


@pytest.mark.parametrize("name", ["notes.txt", "song.mp3", "n" * 300])
def test_another_file_is_not_taken(window: MainWindow, tmp_path: Path, name: str) -> None:
    # No file can have the last name.
    with suppress(OSError):
        (tmp_path / name).write_text("hello")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / name))])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, left, none)
    enter.ignore()
    window.dragEnterEvent(enter)
    assert not enter.isAccepted()
