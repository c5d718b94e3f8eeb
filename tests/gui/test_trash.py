"""Deleted pictures in a real window: gone at once, brought back on demand, and shown nowhere any more."""

from pathlib import Path

import pytest
from PySide6.QtCore import QFile, Qt
from pytestqt.qtbot import QtBot

from clipdesk.gui.center import GALLERY
from clipdesk.gui.item_models.unit_columns import UnitState
from clipdesk.gui.library import Entry
from clipdesk.gui.main_window import MainWindow
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, done, finished, run_of, until

UNITS = tuple(Unit(layer=LAYER, index=index) for index in (1, 2, 3))


@pytest.fixture
def trashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that went to the trash."""
    names: list[str] = []

    def trash(name: str) -> bool:
        names.append(Path(name).name)
        Path(name).unlink()
        return True

    monkeypatch.setattr(QFile, "moveToTrash", trash)
    return names


@pytest.fixture
def full(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """A window with three pictures, on the canvas and in the gallery, which is in front."""
    window.architecture.choose(LAYER)
    window.asking.render(UNITS)
    until(qtbot, lambda: done(window) and window.gallery.model.rowCount() == 3)
    window.center.show_mode(GALLERY)
    return window


def entries(window: MainWindow, *units: Unit) -> list[Entry]:
    return [entry for entry in window.gallery.model.all if entry.recipe.target in units]


def delete(window: MainWindow, qtbot: QtBot, *units: Unit) -> None:
    window.gallery.select(entries(window, *units))
    window.gallery.list.setFocus()
    qtbot.keyClick(window.gallery.list, Qt.Key.Key_Delete)


def on_canvas(window: MainWindow) -> list[object]:
    return [track.target for track in window.canvas.shown()]


def test_a_deleted_picture_goes_at_once_and_its_file_when_the_offer_ends(
    full: MainWindow, qtbot: QtBot, trashed: list[str]
) -> None:
    (entry,) = entries(full, UNITS[0])
    delete(full, qtbot, UNITS[0])
    assert full.gallery.model.rowCount() == 2
    assert full.gallery.undo_bar.message == f"Moved {entry.label} to the trash"
    assert (trashed, entry.path.exists()) == ([], True)
    qtbot.mouseClick(full.gallery.undo_bar.close_button, Qt.MouseButton.LeftButton)
    assert full.gallery.undo_bar.message == ""
    until(qtbot, lambda: trashed == [entry.path.name])


def test_a_deletion_is_taken_back(full: MainWindow, qtbot: QtBot, trashed: list[str]) -> None:
    delete(full, qtbot, *UNITS[:2])
    assert full.gallery.undo_bar.message == "Moved 2 pictures to the trash"
    qtbot.mouseClick(full.gallery.undo_bar.undo_button, Qt.MouseButton.LeftButton)
    assert full.gallery.model.rowCount() == 3
    assert {entry.recipe.target for entry in full.gallery.selected()} == set(UNITS[:2])
    assert full.gallery.undo_bar.message == ""
    assert full.library.wait(60_000)
    assert trashed == []
    delete(full, qtbot, UNITS[0])
    qtbot.keyClick(full.gallery.list, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(full.gallery.list, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert full.gallery.model.rowCount() == 3


def test_the_offer_ends_by_itself(full: MainWindow, qtbot: QtBot, trashed: list[str]) -> None:
    delete(full, qtbot, UNITS[0])
    timer = full.results.trash._timer
    assert timer.isActive()
    assert timer.isSingleShot()
    timer.timeout.emit()
    until(qtbot, lambda: len(trashed) == 1)
    assert full.gallery.undo_bar.message == ""


@pytest.mark.parametrize("end", ["another", "folder", "close"])
def test_what_was_deleted_goes_for_good_when_something_else_comes(
    full: MainWindow, qtbot: QtBot, trashed: list[str], end: str, tmp_path: Path
) -> None:
    (entry,) = entries(full, UNITS[0])
    delete(full, qtbot, UNITS[0])
    if end == "another":
        delete(full, qtbot, UNITS[1])
    elif end == "folder":
        full.session.use_folder(tmp_path / "results")
        until(qtbot, lambda: full.gallery.model.rowCount() == 2)
    else:
        full.close()
        assert full.ended
    until(qtbot, lambda: trashed == [entry.path.name])


def test_a_deleted_picture_is_on_the_canvas_no_longer(full: MainWindow, qtbot: QtBot, trashed: list[str]) -> None:
    assert on_canvas(full) == list(UNITS)
    delete(full, qtbot, UNITS[1])
    assert on_canvas(full) == [UNITS[0], UNITS[2]]
    assert full.center.mode == GALLERY
    full.queue.run_chosen.emit(run_of(full))
    assert on_canvas(full) == [UNITS[0], UNITS[2]]
    full.center.show_mode(GALLERY)
    full.gallery.select(entries(full, UNITS[0]))
    full.gallery.open_action.trigger()
    until(qtbot, lambda: on_canvas(full) == [UNITS[0]] and full.session.watched is None)
    full.center.show_mode(GALLERY)
    delete(full, qtbot, UNITS[0])
    assert on_canvas(full) == []
    assert "trash" in full.canvas.welcome.message


def test_a_deleted_picture_is_not_kept_for_comparison(full: MainWindow, qtbot: QtBot, trashed: list[str]) -> None:
    full.center.show_canvas()
    full.canvas.view.set_solo(0)
    full.canvas.pin_action.trigger()
    full.watching.show_tracks(list(run_of(full).tracks.values())[1:])
    assert on_canvas(full) == list(UNITS)
    full.center.show_mode(GALLERY)
    delete(full, qtbot, UNITS[0])
    assert not full.canvas.pin_action.isChecked()
    assert on_canvas(full) == list(UNITS[1:])


def test_the_table_shows_the_newest_picture_that_is_left(full: MainWindow, qtbot: QtBot, trashed: list[str]) -> None:
    (old,) = entries(full, UNITS[0])
    full.asking.render(UNITS[:1])
    until(qtbot, lambda: finished(full) and full.gallery.model.rowCount() == 4)
    full.center.show_mode(GALLERY)
    newest = entries(full, UNITS[0])[0]
    full.gallery.select([newest])
    full.gallery.delete_action.trigger()
    state = full.neurons.model.state(LAYER, UNITS[0].index)
    assert state == UnitState.of(old.recipe, old.thumbnail, old.path)
    full.gallery.select([old])
    full.gallery.delete_action.trigger()
    assert full.neurons.model.state(LAYER, UNITS[0].index) == UnitState("")
    full.results.trash.undo()
    assert full.neurons.model.state(LAYER, UNITS[0].index) == UnitState.of(old.recipe, old.thumbnail, old.path)


def test_a_picture_that_cannot_be_deleted_is_said_and_comes_back(
    full: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFile, "moveToTrash", lambda _: False)
    delete(full, qtbot, UNITS[0])
    full.results.trash.empty()
    until(qtbot, lambda: "to the trash" in full.notice.message)
    until(qtbot, lambda: full.gallery.model.rowCount() == 3)
