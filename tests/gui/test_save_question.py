"""Save writes what is shown, or asks; Copy copies the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from clipdesk.export.png import read_png
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.export_dialog import ExportDialog
from clipdesk.gui.save_question import answers
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, done, run_of, until


def unit(index: int) -> Unit:
    return Unit(layer=LAYER, index=index)


@pytest.fixture
def rendered(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """A window that shows three finished pictures; their steps 1 to 5 are kept, as greys of ten times the step."""
    window.asking.render(tuple(unit(i) for i in (1, 2, 3)))
    until(qtbot, lambda: done(window))
    for track in window.canvas.tracks:
        assert track.result is not None
        frames = type(track.frames)()
        for step in range(1, 5):
            frames.add(step, np.full((32, 32, 3), 10 * step, dtype=np.uint8))
        frames.add(5, track.result.image)
        track.frames = frames
    window.canvas.refresh()
    return window


@pytest.fixture
def save(rendered: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Presses Save, gives an answer if one is asked for, and tells the file."""

    def save(answer: str | None) -> Path:
        asked: list[str] = []

        def choose(box: QMessageBox) -> int:
            texts = [button.text() for button in box.buttons()]
            asked.extend(texts)
            next(button for button in box.buttons() if button.text() == answer).click()
            return 0

        place = tmp_path / f"saved {answer}.png"
        monkeypatch.setattr(QMessageBox, "exec", choose)
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(place), ""))
        rendered.commands.save.trigger()
        assert bool(asked) is (answer is not None)
        until(qtbot, place.exists)
        return place

    return save


def texts(window: MainWindow) -> list[str]:
    return [answer.text for answer in answers(window.canvas)]


def test_a_finished_picture_alone_is_saved_without_a_question(rendered: MainWindow, save: Callable[..., Path]) -> None:
    rendered.canvas.view.set_solo(1)
    assert texts(rendered) == ["2"]
    result = run_of(rendered).tracks[unit(2)].result
    assert result is not None
    picture = read_png(save(None))
    assert (picture.pixels == result.image).all()
    assert picture.recipe == result.recipe


def test_at_an_earlier_step_save_asks_and_both_answers_are_right(
    rendered: MainWindow, save: Callable[..., Path]
) -> None:
    rendered.canvas.view.set_solo(1)
    rendered.canvas.slider.setValue(2)
    assert texts(rendered) == ["2, step 3", "2, finished"]
    early = read_png(save("2, step 3"))
    assert (early.pixels == 30).all()
    assert (early.recipe.target, early.recipe.steps, early.recipe.complete) == (unit(2), 3, False)
    result = run_of(rendered).tracks[unit(2)].result
    assert result is not None
    assert early.curve is not None
    assert (early.curve == result.curve[:3]).all()
    assert early.recipe.activation.picture == pytest.approx(float(result.curve[2]), abs=1e-5)
    finished = read_png(save("2, finished"))
    assert (finished.pixels == result.image).all()
    assert finished.recipe == result.recipe


def test_a_grid_asks_which_picture_and_begins_with_the_framed_one(
    rendered: MainWindow, save: Callable[..., Path], qtbot: QtBot
) -> None:
    rendered.canvas.view.current = 2
    assert texts(rendered) == ["3", "All 3 finished"]
    assert read_png(save("3")).recipe.target == unit(3)
    rendered.canvas.slider.setValue(0)
    assert texts(rendered) == ["3, step 1", "3, finished", "All 3 finished"]


def test_all_pictures_of_a_grid_are_exported(rendered: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.gui.files.ask_which", lambda _, choices: choices[-1])
    rendered.commands.save.trigger()
    (dialog,) = rendered.findChildren(ExportDialog)
    assert dialog.choice.currentText() == "Finished pictures on the canvas (3)"
    dialog.reject()


def test_a_cancelled_question_saves_nothing(rendered: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancel(box: QMessageBox) -> int:
        box.button(QMessageBox.StandardButton.Cancel).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", cancel)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: pytest.fail("it asks for a file"))
    rendered.commands.save.trigger()


def test_copy_and_save_mean_the_same_picture_and_step(rendered: MainWindow, save: Callable[..., Path]) -> None:
    canvas = rendered.canvas
    for at, value, first in ((-1, 4, "2"), (-1, 1, "2, step 2"), (0, 1, "1, step 2"), (0, 4, "1")):
        canvas.view.current = 1
        canvas.view.set_solo(at)
        canvas.slider.setValue(value)
        assert texts(rendered)[0] == first
        canvas.copy_action.trigger()
        assert rendered.statusBar().currentMessage() == f"Copied {first}"
        copied = QGuiApplication.clipboard().image()
        saved = Image.open(save(first if len(texts(rendered)) > 1 else None)).convert("RGB")
        color = copied.pixelColor(5, 7)
        assert saved.getpixel((5, 7)) == (color.red(), color.green(), color.blue())


def test_a_picture_at_an_earlier_step_is_dragged_out_without_its_finished_file(rendered: MainWindow) -> None:
    rendered.canvas.slider.setValue(1)
    data = rendered.canvas.drag_data(0)
    assert data is not None
    assert data.hasImage()
    assert not data.hasUrls()
    rendered.canvas.slider.setValue(4)
    finished = rendered.canvas.drag_data(0)
    assert finished is not None
    assert finished.hasUrls()
