"""Exporting a choice of pictures, as a user does: choose, look at the names, export, look at the folder."""

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from clipdesk.export.files import write_atomically
from clipdesk.export.plan import Existing
from clipdesk.export.png import read_recipe
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.export_dialog import ExportDialog, room_in_words
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, done, until


def unit(index: int) -> Unit:
    return Unit(layer=LAYER, index=index)


@pytest.fixture
def dialog(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> ExportDialog:
    """The dialog over a window with three finished pictures."""
    window.asking.render((unit(1), unit(2), unit(3)))
    until(qtbot, lambda: done(window) and window.gallery.model.rowCount() == 3)
    window.session.preferences.export_folder = tmp_path / "out"
    assert window.commands.export.isEnabled()
    window.commands.export.trigger()
    (found,) = window.findChildren(ExportDialog)
    return found


def rows(dialog: ExportDialog) -> list[tuple[str, str]]:
    model = dialog.model
    return [(model.index(row, 1).data(), model.index(row, 2).data()) for row in range(model.rowCount())]


def choose_existing(dialog: ExportDialog, existing: Existing) -> None:
    dialog.existing.setCurrentIndex(dialog.existing.findData(existing))


def click(qtbot: QtBot, button: QPushButton) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def export(dialog: ExportDialog, qtbot: QtBot) -> None:
    click(qtbot, dialog.export_button)
    until(qtbot, lambda: "exported to" in dialog.summary.text())


@pytest.mark.parametrize(
    ("names", "free", "words"),
    [
        (None, 12_345_000_000, "The folder will be made, 12.3 GB free"),
        ([], 50_000_000, "No files in it, 0.1 GB free"),
        (["a"], None, "1 file in it"),
        (["a"] * 1200, 5_000_000_000_000, "1200 files in it, 5,000.0 GB free"),
    ],
)
def test_the_room_in_a_folder_is_said(names: list[str] | None, free: int | None, words: str) -> None:
    assert room_in_words(names, free) == words


def test_the_dialog_says_what_is_in_the_folder(dialog: ExportDialog, qtbot: QtBot, tmp_path: Path) -> None:
    until(qtbot, lambda: dialog.room.text().startswith("The folder will be made, "))
    assert dialog.room.text().endswith(" GB free")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.png").touch()
    dialog.folder.setText(str(tmp_path / "other"))
    until(qtbot, lambda: dialog.room.text().startswith("1 file in it, "))
    dialog.close()


def test_the_dialog_shows_the_files_and_then_writes_them(dialog: ExportDialog, qtbot: QtBot, tmp_path: Path) -> None:
    assert [dialog.choice.itemText(i) for i in range(dialog.choice.count())] == [
        "Finished pictures on the canvas (3)",
        "All that the gallery shows (3)",
    ]
    assert rows(dialog) == [(f"{LAYER}_{i}.png", "") for i in (1, 2, 3)]
    assert dialog.summary.text() == "3 pictures will be written."
    for box in dialog.extras.values():
        box.setChecked(True)
    export(dialog, qtbot)
    out = tmp_path / "out"
    assert sorted(os.listdir(out)) == sorted([*dialog.extras, *(f"{LAYER}_{i}.png" for i in (1, 2, 3))])
    assert len((out / "curves.csv").read_text().splitlines()) == 1 + 3 * 5
    assert f"{LAYER}_2.png" in (out / "page.html").read_text()
    assert read_recipe(out / f"{LAYER}_2.png").target == unit(2)
    assert not dialog.export_button.isEnabled()
    assert dialog.show_button.isVisible()
    assert dialog.close_button.text() == "Close"
    click(qtbot, dialog.close_button)
    assert not dialog.isVisible()


@pytest.mark.parametrize(
    ("existing", "fate", "files"),
    [
        (Existing.NUMBER, "gets a number", 4),
        (Existing.REPLACE, "replaces a file", 3),
        (Existing.SKIP, "exists, skipped", 3),
    ],
)
def test_files_that_are_there_are_foreseen(
    dialog: ExportDialog, qtbot: QtBot, tmp_path: Path, existing: Existing, fate: str, files: int
) -> None:
    old = tmp_path / "old" / f"{LAYER}_2.png"
    old.parent.mkdir()
    old.write_bytes(b"old")
    dialog.folder.setText(str(old.parent))
    choose_existing(dialog, existing)
    until(qtbot, lambda: [row[1] for row in rows(dialog)] == ["", fate, ""])
    export(dialog, qtbot)
    assert len(list(old.parent.iterdir())) == files
    assert (old.read_bytes() == b"old") == (existing is not Existing.REPLACE)


def test_a_wrong_name_is_said_and_nothing_can_be_exported(dialog: ExportDialog) -> None:
    dialog.pattern.setEditText("{layer}_{neuron}")
    assert "{neuron} is not a placeholder" in dialog.summary.text()
    assert not dialog.export_button.isEnabled()
    assert rows(dialog) == []
    dialog.pattern.setEditText("{unit}")
    assert [row[0] for row in rows(dialog)] == ["1.png", "2.png", "3.png"]
    assert dialog.export_button.isEnabled()


def test_pictures_of_the_gallery_are_copied_as_they_are(
    window: MainWindow, dialog: ExportDialog, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog.reject()
    window.gallery.list.selectAll()
    again = window.files.open_export()
    again.choice.setCurrentIndex(again.choice.findData("Selected in the gallery"))
    export(again, qtbot)
    again.reject()
    kept = {path.read_bytes() for path in (tmp_path / "results").glob("*.png")}
    assert {path.read_bytes() for path in (tmp_path / "out").glob("*.png")} == kept


def test_a_folder_that_cannot_be_written_to_is_said(dialog: ExportDialog, qtbot: QtBot) -> None:
    dialog.folder.setText("/dev/null/out")
    export(dialog, qtbot)
    assert "Cannot write to the folder /dev/null/out" in dialog.summary.text()
    assert "0 of 3" in dialog.summary.text()


def test_an_export_can_be_stopped(
    dialog: ExportDialog, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_and_stop(*arguments: object) -> None:
        write_atomically(*arguments)  # type: ignore[arg-type]
        dialog.reject()

    monkeypatch.setattr("clipdesk.export.png.write_atomically", write_and_stop)
    export(dialog, qtbot)
    assert dialog.isVisible()
    assert dialog.summary.text().startswith("1 of 3 pictures exported")
    assert len(list((tmp_path / "out").iterdir())) == 1
