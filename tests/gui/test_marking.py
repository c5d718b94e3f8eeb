"""Stars, tags and notes in a real window: given, kept, found, and shared with other windows."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from clipdesk.export.marked import MARK_KEY
from clipdesk.export.png import read_recipe, save_png
from clipdesk.gui.center import GALLERY
from clipdesk.gui.library import Entry
from clipdesk.gui.main_window import MainWindow
from clipdesk.marks.keys import PictureKey, UnitKey
from clipdesk.marks.mark import Mark
from clipdesk.marks.store import Marks, default_marks
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, until
from tests.recipes import make_recipe

LEFT, WEIGHTS = Qt.MouseButton.LeftButton, "a" * 64


def fill(folder: Path, count: int = 3) -> None:
    folder.mkdir(exist_ok=True)
    for index in range(count):
        recipe = make_recipe(Unit(layer=LAYER, index=index)).model_copy(update={"weights": WEIGHTS})
        save_png(np.full((32, 32, 3), 60 * index, dtype=np.uint8), folder / f"{index}.png", recipe)


@pytest.fixture
def marked(own_queue: None, window: MainWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """A window with three pictures in its gallery, of which nothing was said."""
    fill(tmp_path / "pictures")
    window.session.use_folder(tmp_path / "pictures")
    until(qtbot, lambda: window.gallery.model.rowCount() == 3)
    window.center.show_mode(GALLERY)
    qtbot.waitUntil(window.gallery.list.isVisible)
    return window


@pytest.fixture
def other(marked: MainWindow, qtbot: QtBot) -> Iterator[Marks]:
    """What another window keeps, in the same file."""
    until(qtbot, default_marks().exists)
    with closing(Marks(default_marks())) as marks:
        yield marks


def entry_of(window: MainWindow, number: int) -> Entry:
    return next(entry for entry in window.gallery.model.all if entry.path.stem == str(number))


def select(window: MainWindow, *numbers: int) -> None:
    window.gallery.list.clearSelection()
    window.gallery._select([entry_of(window, number) for number in numbers])


def mark(window: MainWindow, number: int) -> Mark:
    return window.gallery.model.mark_of(entry_of(window, number).picture_key)


def shown(window: MainWindow) -> set[str]:
    return {entry.path.stem for entry in window.gallery.model.shown}


def say(window: MainWindow, number: int, said: Mark) -> None:
    window.gallery.mark_asked.emit([entry_of(window, number)], lambda _: said)


def test_the_key_s_gives_a_star_and_takes_it_away(marked: MainWindow, qtbot: QtBot) -> None:
    select(marked, 0, 2)
    marked.gallery.list.setFocus()
    qtbot.keyClick(marked.gallery.list, Qt.Key.Key_S)
    until(qtbot, lambda: [mark(marked, number).starred for number in range(3)] == [True, False, True])
    assert marked.gallery.star_action.isChecked()
    select(marked, 0, 1)
    assert not marked.gallery.star_action.isChecked()
    select(marked, 2)
    qtbot.keyClick(marked.gallery.list, Qt.Key.Key_S)
    until(qtbot, lambda: not mark(marked, 2).starred)


def test_a_click_into_the_corner_changes_the_star_and_not_the_selection(marked: MainWindow, qtbot: QtBot) -> None:
    select(marked, 0, 2)
    view = marked.gallery.list
    index = marked.gallery.model.index_of(entry_of(marked, 1))
    place = view.star_place(index).center()
    qtbot.mouseClick(view.viewport(), LEFT, pos=place)
    until(qtbot, lambda: mark(marked, 1).starred)
    qtbot.mouseDClick(view.viewport(), LEFT, pos=place)
    until(qtbot, lambda: not mark(marked, 1).starred)
    assert {entry.path.stem for entry in marked.gallery.selected()} == {"0", "2"}
    assert marked.canvas.tracks == []
    qtbot.mouseClick(view.viewport(), LEFT, pos=view.visualRect(index).center())
    assert {entry.path.stem for entry in marked.gallery.selected()} == {"1"}


def test_a_star_is_seen_on_its_picture(marked: MainWindow, qtbot: QtBot) -> None:
    view = marked.gallery.list

    def color(number: int) -> tuple[int, int, int]:
        place: QPoint = view.star_place(marked.gallery.model.index_of(entry_of(marked, number))).center()
        image: QImage = view.viewport().grab().toImage()
        pixel = image.pixelColor(place * image.devicePixelRatio())
        return pixel.red(), pixel.green(), pixel.blue()

    say(marked, 0, Mark(starred=True))
    until(qtbot, lambda: mark(marked, 0).starred)
    assert color(0) == (255, 200, 40)
    assert color(1) != (255, 200, 40)


def test_tags_and_a_note_are_written_beside_the_picture(marked: MainWindow, qtbot: QtBot) -> None:
    select(marked, 1)
    marked.gallery.list.setFocus()
    qtbot.keyClick(marked.gallery.list, Qt.Key.Key_T)
    editor = marked.gallery.marks
    assert editor.tags.isVisible()
    assert editor.tags.hasFocus()
    qtbot.keyClicks(editor.tags, "ears, dog-like,")
    qtbot.keyClick(editor.tags, Qt.Key.Key_Return)
    until(qtbot, lambda: mark(marked, 1).tags == ("ears", "dog-like"))
    editor.note.setFocus()
    qtbot.keyClicks(editor.note, "Looks round")
    marked.gallery.list.setFocus()
    until(qtbot, lambda: mark(marked, 1) == Mark(False, ("ears", "dog-like"), "Looks round"))
    until(qtbot, lambda: editor.tags.text() == "ears, dog-like")
    select(marked, 2)
    assert (editor.tags.text(), editor.note.toPlainText()) == ("", "")
    select(marked, 1)
    assert (editor.tags.text(), editor.note.toPlainText()) == ("ears, dog-like", "Looks round")


def test_what_was_typed_is_kept_for_its_picture_when_another_is_selected(marked: MainWindow, qtbot: QtBot) -> None:
    select(marked, 1)
    qtbot.keyClicks(marked.gallery.marks.note, "of one")
    qtbot.keyClicks(marked.gallery.marks.tags, "mine")
    select(marked, 2)
    until(qtbot, lambda: mark(marked, 1) == Mark(tags=("mine",), note="of one"))
    assert mark(marked, 2) == Mark()


def test_several_pictures_get_tags_in_addition_to_their_own(marked: MainWindow, qtbot: QtBot) -> None:
    say(marked, 0, Mark(tags=("own",)))
    until(qtbot, lambda: bool(mark(marked, 0)))
    select(marked, 0, 1)
    editor = marked.gallery.marks
    assert (editor.tags.text(), editor.note.isEnabled()) == ("", False)
    qtbot.keyClicks(editor.tags, "both")
    qtbot.keyClick(editor.tags, Qt.Key.Key_Return)
    until(qtbot, lambda: (mark(marked, 0).tags, mark(marked, 1).tags) == (("own", "both"), ("both",)))


def test_the_search_finds_tags_and_notes_of_pictures_and_units(marked: MainWindow, other: Marks, qtbot: QtBot) -> None:
    search = marked.gallery.bar.search
    search.setText("EARS")
    assert shown(marked) == set()
    say(marked, 1, Mark(tags=("Two ears",), note="at 12"))
    until(qtbot, lambda: shown(marked) == {"1"})
    search.setText("12 two")
    assert shown(marked) == {"1"}
    search.setText("snout")
    other.change([UnitKey(WEIGHTS, LAYER, 2)], lambda _: Mark(note="snouts"))
    marked.marking.look_again()
    until(qtbot, lambda: shown(marked) == {"2"})


def test_only_starred_pictures_are_shown_on_demand(
    marked: MainWindow, qtbot: QtBot, new_window: Callable[..., MainWindow]
) -> None:
    say(marked, 1, Mark(starred=True))
    until(qtbot, lambda: mark(marked, 1).starred)
    qtbot.mouseClick(marked.gallery.bar.starred, LEFT)
    assert shown(marked) == {"1"}
    assert marked.gallery.bar.count.text() == "1 of 3"
    say(marked, 2, Mark(starred=True))
    until(qtbot, lambda: shown(marked) == {"1", "2"})
    say(marked, 1, Mark())
    until(qtbot, lambda: shown(marked) == {"2"})
    marked.close()
    again = new_window()
    assert again.gallery.bar.starred.isChecked()
    until(qtbot, lambda: shown(again) == {"2"})


def test_a_moved_results_folder_keeps_its_marks(marked: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    said = Mark(True, ("ears",), "round")
    say(marked, 1, said)
    until(qtbot, lambda: mark(marked, 1) == said)
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "1.png").rename(tmp_path / "elsewhere" / "8.png")
    marked.session.use_folder(tmp_path / "elsewhere")
    until(qtbot, lambda: shown(marked) == {"0", "2", "8"})
    assert mark(marked, 8) == said


def test_another_window_shows_what_was_said_here(marked: MainWindow, other: Marks, qtbot: QtBot) -> None:
    key = entry_of(marked, 0).picture_key
    other.change([key], lambda _: Mark(starred=True))
    marked.marking.look_again()
    until(qtbot, lambda: mark(marked, 0).starred)
    select(marked, 0)
    assert marked.gallery.star_action.isChecked()
    other.change([key], lambda _: Mark())
    marked.marking.look_again()
    until(qtbot, lambda: not mark(marked, 0).starred)
    assert not marked.gallery.star_action.isChecked()


def test_what_is_typed_here_stays_while_another_window_stars_the_picture(
    marked: MainWindow, other: Marks, qtbot: QtBot
) -> None:
    select(marked, 0)
    qtbot.keyClicks(marked.gallery.marks.tags, "half")
    other.change([entry_of(marked, 0).picture_key], lambda old: old.star(True))
    marked.marking.look_again()
    until(qtbot, lambda: mark(marked, 0).starred)
    assert marked.gallery.marks.tags.text() == "half"
    qtbot.keyClick(marked.gallery.marks.tags, Qt.Key.Key_Return)
    until(qtbot, lambda: mark(marked, 0) == Mark(True, ("half",)))


def test_what_is_typed_is_kept_when_the_window_closes(marked: MainWindow, other: Marks, qtbot: QtBot) -> None:
    select(marked, 0)
    key = entry_of(marked, 0).picture_key
    marked.gallery.note_action.trigger()
    qtbot.keyClicks(marked.gallery.marks.note, "last words")
    marked.close()
    assert marked.ended
    assert other.get(key) == Mark(note="last words")


@pytest.mark.parametrize("way", ["save", "export"])
def test_a_mark_goes_with_a_picture_that_is_saved_or_exported(
    marked: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    said = Mark(True, ("ears",), "round")
    say(marked, 1, said)
    until(qtbot, lambda: mark(marked, 1) == said)
    select(marked, 1)
    if way == "save":
        monkeypatch.setattr(marked.files, "_ask_place", lambda *_: tmp_path / "out.png")
        marked.commands.save.trigger()
        until(qtbot, (tmp_path / "out.png").exists)
        written = tmp_path / "out.png"
    else:
        dialog = marked.files.open_export()
        dialog.folder.setText(str(tmp_path / "out"))
        dialog.start()
        until(qtbot, lambda: "exported to" in dialog.summary.text())
        dialog.close()
        (written,) = (tmp_path / "out").glob("*.png")
    with Image.open(written) as image:
        image.load()
        assert json.loads(str(image.info[MARK_KEY])) == {"starred": True, "tags": ["ears"], "note": "round"}
    assert read_recipe(written) == entry_of(marked, 1).recipe
    with Image.open(entry_of(marked, 1).path) as image:
        image.load()
        assert MARK_KEY not in image.info


def test_a_damaged_file_of_marks_is_said_once_and_marks_go_on(
    own_queue: None, new_window: Callable[..., MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    default_marks().parent.mkdir(parents=True)
    default_marks().write_bytes(b"no database" * 300)
    window = new_window()
    until(qtbot, lambda: "file of marks" in window.notice.message)
    assert str(next(default_marks().parent.glob("marks-*.sqlite"))) in window.notice.message
    window.marking.change([PictureKey("b" * 64)], lambda old: old.star(True))
    assert window.marking.wait(60_000)
    with closing(Marks(default_marks())) as marks:
        assert marks.get(PictureKey("b" * 64)).starred


def test_marks_that_cannot_be_read_are_said_once(
    own_queue: None, new_window: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    default_marks().mkdir(parents=True)
    window = new_window()
    problems: list[object] = []
    window.session.problem.connect(problems.append)
    until(qtbot, lambda: "not a regular file" in window.notice.message)
    assert not window.marking._timer.isActive()
    window.marking.change([PictureKey("b" * 64)], lambda old: old.star(True))
    until(qtbot, lambda: len(problems) == 2)


def test_without_a_data_folder_only_who_marks_something_hears_of_it(
    new_window: Callable[..., MainWindow], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", "/dev/null/data")
    window = new_window()
    assert window.marking.wait(60_000)
    until(qtbot, lambda: not window.marking._timer.isActive())
    assert window.notice.message == ""
    window.marking.change([PictureKey("b" * 64)], lambda old: old.star(True))
    until(qtbot, lambda: window.notice.message.startswith("The file of marks /dev/null/data/marks.sqlite cannot be"))
