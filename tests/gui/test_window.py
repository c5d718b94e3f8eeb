import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from clipdesk.export.png import read_recipe, save_png
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.preferences import Preferences
from clipdesk.gui.problems import Problem
from clipdesk.jobs import runner
from clipdesk.jobs.status import Status
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.gui.conftest import LAYER, done, finished, run_of, until
from tests.recipes import make_recipe


def unit(index: int) -> Unit:
    return Unit(layer=LAYER, index=index)


def test_the_window_is_built_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from PySide6.QtWidgets import QApplication; app = QApplication([]);"
        "from PySide6.QtCore import QSettings; from clipdesk.gui.main_window import MainWindow;"
        "settings = QSettings('none.ini', QSettings.Format.IniFormat); settings.setValue('folder', 'nowhere');"
        "window = MainWindow(settings=settings); print('torch' in sys.modules); window.close()"
    )
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert process.stdout == "False\n"


def test_the_window_fits_a_small_screen_with_room_for_larger_letters(window: MainWindow) -> None:
    assert window.minimumSizeHint().width() <= 1_100


def test_choosing_a_layer_fills_the_table(window: MainWindow) -> None:
    window.architecture.choose(LAYER)
    assert window.neurons.model.rowCount() == 256
    assert not window.commands.render.isEnabled()
    window.neurons.select(7)
    assert window.neurons.selected() == (unit(7),)
    assert window.commands.render.isEnabled()


def test_a_neuron_is_rendered_shown_plotted_kept_and_saved(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.architecture.choose(LAYER)
    window.neurons.select(7)
    assert not window.commands.save.isEnabled()
    window.commands.render.trigger()
    assert window.commands.stop.isEnabled()
    until(qtbot, lambda: done(window))
    recipe = window.canvas.tracks[0].recipe
    assert recipe is not None
    assert [tile.label for tile in window.canvas.view.tiles] == [f"1.mlp.gelu:7   {recipe.activation.picture:.3g}"]
    assert window.curves.step_count == 5
    state = window.neurons.model.state(LAYER, 7)
    assert (state.status, state.steps) == ("done", 5)
    assert state.thumbnail
    until(qtbot, lambda: window.gallery.model.rowCount() == 1)
    kept = list((tmp_path / "results").glob("neuron_7_*.png"))
    assert len(kept) == 1
    assert window.commands.save.isEnabled()
    window.files.save(window.files.sources()[0], tmp_path / "out.png")
    until(qtbot, lambda: window.statusBar().currentMessage().startswith("Saved"))
    recipe = read_recipe(tmp_path / "out.png")
    assert recipe.target == unit(7)
    assert recipe.steps == 5


def test_several_neurons_are_a_grid_and_are_saved_into_a_folder(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.asking.render(tuple(unit(i) for i in (1, 2, 3)))
    until(qtbot, lambda: done(window))
    view = window.canvas.view
    assert [tile.label.split()[0] for tile in view.tiles] == ["1", "2", "3"]
    assert len(window.files.sources()) == 3
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.frame_of(1).center())
    assert [source.recipe.target for source in window.files.sources()] == [unit(2)]
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.frame_of(1).center())
    dialog = window.files.open_export()
    dialog.folder.setText(str(tmp_path / "saved"))
    dialog.start()
    until(qtbot, lambda: dialog.summary.text().startswith("3 of 3 pictures exported"))
    dialog.reject()
    assert len(list((tmp_path / "saved").glob("*.png"))) == 3


def test_the_table_shows_again_the_pictures_of_the_folder(
    window: MainWindow, qtbot: QtBot, new_window: Callable[..., MainWindow], checkpoint: Path
) -> None:
    window.asking.render((unit(7),))
    until(qtbot, lambda: done(window) and window.gallery.model.total == 1)
    made = window.neurons.model.state(LAYER, 7)
    window.close()
    other = new_window(str(checkpoint))
    other.opening.open()
    until(qtbot, lambda: other.neurons.model.state(LAYER, 7).status == "done")
    found = other.neurons.model.state(LAYER, 7)
    assert found.activation == pytest.approx(made.activation, abs=1e-5)
    assert found.steps == made.steps
    other.architecture.choose(LAYER)
    picture = other.neurons.model.index(other.neurons.model.row_of(7) or 0, 0).data(Qt.ItemDataRole.DecorationRole)
    assert not picture.isNull()
    assert other.neurons.model.state(LAYER, 8).status == ""


def test_pictures_of_another_model_stay_out_of_the_table(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, checkpoint: Path
) -> None:
    places = (("a", unit(3), "demo"), ("b", unit(9_999), str(checkpoint)), ("c", unit(4), str(checkpoint)))
    for name, target, model in places:
        recipe = make_recipe(target, make_settings(iterations=2), model=model)
        save_png(np.zeros((32, 32, 3), dtype=np.uint8), tmp_path / f"{name}.png", recipe)
    window.session.use_folder(tmp_path)
    until(qtbot, lambda: window.gallery.model.total == 3)
    assert [window.neurons.model.state(LAYER, index).status for index in (3, 4)] == ["", "done"]
    window.architecture.choose(LAYER)
    window.neurons.filter.setText("done")
    assert window.neurons.model.rowCount() == 1


def test_a_text_is_rendered(window: MainWindow, qtbot: QtBot) -> None:
    window.neurons.text_box.text.setText("a star")
    qtbot.mouseClick(window.neurons.text_box.button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: done(window))
    assert window.files.sources()[0].recipe.target == Text(text="a star")


def test_a_typed_unit_has_the_name_that_the_window_shows_and_is_remembered(
    window: MainWindow, qtbot: QtBot, settings: QSettings
) -> None:
    window.architecture.filter.setText("1.mlp.gelu:4")
    qtbot.keyClick(window.architecture.filter, Qt.Key.Key_Return)
    assert window.neurons.selected() == (unit(4),)
    window.neurons.text_box.text.setText("-1.mlp.gelu:4")
    qtbot.keyClick(window.neurons.text_box.text, Qt.Key.Key_Return)
    until(qtbot, lambda: done(window))
    assert run_of(window).title == "-1.mlp.gelu:4"
    assert Preferences(settings).typed_targets == ["-1.mlp.gelu:4"]


def test_stop_ends_within_a_step_and_keeps_the_picture(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(1),))
    until(qtbot, lambda: window.curves.step_count > 3)
    drawn = window.curves.step_count
    window.commands.stop.trigger()
    until(qtbot, lambda: run_of(window).state is Status.CANCELLED)
    result = run_of(window).tracks[unit(1)].result
    assert result is not None
    assert not result.complete
    assert drawn <= len(result.curve) < 5000
    assert window.curves.step_count == len(result.curve)
    until(qtbot, lambda: len(list((tmp_path / "results").glob("*.png"))) == 1)


def test_a_batch_is_queued_without_taking_the_eye_off_what_is_shown(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(1),))
    until(qtbot, lambda: window.curves.step_count > 1)
    window.architecture.choose(LAYER)
    window.neurons.range.setText("3,5")
    window.commands.batch.trigger()
    assert [run.state for run in window.controller.queue] == [Status.RUNNING, Status.WAITING]
    assert window.session.watched is run_of(window, 1)
    assert window.neurons.model.state(LAYER, 5).status == "waiting"


def test_clicking_a_table_row_shows_what_was_made_of_it(window: MainWindow, qtbot: QtBot) -> None:
    window.architecture.choose(LAYER)
    window.asking.render((unit(1), unit(2)))
    until(qtbot, lambda: done(window))
    window.neurons.select(2)
    assert [track.target for track in window.canvas.tracks] == [unit(2)]


def test_a_failure_is_said_in_the_notice_bar(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((unit(999),))
    until(qtbot, lambda: run_of(window).state is Status.FAILED)
    assert "0 to 255" in window.notice.message
    assert "0 to 255" in window.canvas.welcome.message
    qtbot.mouseClick(window.notice.close_button, Qt.MouseButton.LeftButton)
    assert window.notice.message == ""
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window, 2))


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("strange")])
def test_every_error_ends_the_job(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(runner, "render", fail)
    window.asking.render((unit(1),))
    until(qtbot, lambda: run_of(window).state is Status.FAILED)
    assert window.controller.running is None
    assert str(error) in window.notice.message
    qtbot.mouseClick(window.notice.copy_button, Qt.MouseButton.LeftButton)
    assert "Traceback" in clipboard()


def clipboard() -> str:
    return QGuiApplication.clipboard().text()


def test_a_wrong_parameter_is_said_and_nothing_is_queued(window: MainWindow) -> None:
    window.architecture.choose(LAYER)
    window.neurons.select(1)
    box = window.parameters.rows["iterations"].box
    assert box is not None
    box.setValue(6000)
    assert not window.commands.render.isEnabled()
    window.asking.render((unit(1),))
    assert "1 to 5000" in window.notice.message
    assert window.controller.queue.rowCount() == 0


def test_closing_while_rendering_keeps_what_was_reached(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(1),))
    until(qtbot, lambda: window.curves.step_count > 1)
    window.controller.pause(run_of(window))
    until(qtbot, lambda: run_of(window).state is Status.PAUSED)
    window.asking.render((unit(2),))
    until(qtbot, lambda: run_of(window, 2).step > 1)
    window.close()
    names = sorted(path.name.split("_")[1] for path in (tmp_path / "results").glob("*.png"))
    assert names == ["1", "2"]


def test_closing_during_a_run_asks_and_may_be_called_off(
    qtbot: QtBot, settings: QSettings, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Close]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    window = MainWindow(str(checkpoint), settings=settings)
    qtbot.addWidget(window)
    window.show()
    window.opening.open()
    until(qtbot, lambda: window.session.model_name is not None)
    window.asking.render((unit(1),))
    assert not window.close()
    assert window.isVisible()
    assert window.close()
    assert answers == []


def test_a_model_that_cannot_be_opened_is_said(
    qtbot: QtBot, new_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    (tmp_path / "x.pt").write_text("hello")
    window = new_window(str(tmp_path / "x.pt"))
    window.opening.open()
    until(qtbot, lambda: "is not a CLIP checkpoint" in window.notice.message)
    assert "is not a CLIP checkpoint" in window.architecture.message
    assert "could not be opened" in window.canvas.welcome.message


def test_a_model_that_cannot_be_opened_leaves_the_old_one_until_another_opens(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, checkpoint: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = window.session.model_name
    (tmp_path / "x.pt").write_text("hello")
    window.opening.open(str(tmp_path / "x.pt"))
    until(qtbot, lambda: "is not a CLIP checkpoint" in window.notice.message)
    assert window.session.model_name == name
    assert window.architecture.shows_tree
    assert "is not a CLIP checkpoint" in caplog.text
    other = shutil.copy(checkpoint, tmp_path / "other.pt")
    window.opening.open(str(other))
    until(qtbot, lambda: str(window.session.model_name) == str(other))
    assert not window.notice.message


def test_another_problem_stays_when_a_model_opens(window: MainWindow, qtbot: QtBot) -> None:
    window.session.complain(Problem("The disk is full"))
    window.session.model_changed.emit(window.session.model)
    assert window.notice.message == "The disk is full"


def test_opening_can_be_cancelled(qtbot: QtBot, new_window: Callable[..., MainWindow], checkpoint: Path) -> None:
    window = new_window(str(checkpoint))
    window.opening.open()
    qtbot.mouseClick(window.architecture.cancel, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: "was not opened" in window.architecture.message)
    assert window.session.model_name is None
    window.opening.open()
    until(qtbot, lambda: window.session.model_name is not None)


def test_another_model_can_be_opened(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window))
    window.model_menu.models.actions()[0].trigger()
    until(qtbot, lambda: str(window.session.model_name) == "demo")
    assert window.windowTitle() == "demo - ClipDesk"
    assert window.neurons.model.state(LAYER, 1).status == ""
    assert window.model_menu.models.actions()[0].isChecked()


def test_the_demo_starts_by_itself(qtbot: QtBot, new_window: Callable[..., MainWindow]) -> None:
    window = new_window("demo", start=True)
    window.parameters.show_settings(make_settings(iterations=2))
    window.opening.open()
    until(qtbot, lambda: window.controller.queue.rowCount() == 1 and finished(window))
    assert done(window)


def test_the_welcome_renders_a_first_neuron(window: MainWindow, qtbot: QtBot) -> None:
    assert window.canvas.welcome.isVisible()
    qtbot.mouseClick(window.canvas.welcome.button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: window.controller.queue.rowCount() == 1 and finished(window))
    assert not window.canvas.welcome.isVisible()


def test_layout_model_and_folder_come_back(
    qtbot: QtBot, new_window: Callable[..., MainWindow], window: MainWindow
) -> None:
    window.docks["Queue"].hide()
    name = window.session.model_name
    window.close()
    second = new_window()
    assert not second.docks["Queue"].isVisible()
    assert second.docks["Neurons"].isVisible()
    second.opening.open()
    until(qtbot, lambda: second.session.model_name == name)
    second.commands.reset.trigger()
    assert second.docks["Queue"].isVisible()


def test_a_picture_that_cannot_be_saved_is_said(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window))
    window.files.save(window.files.sources()[0], Path("/dev/null/x.png"))
    until(qtbot, lambda: window.notice.message.startswith("Cannot write /dev/null/x.png"))


def test_a_results_folder_that_cannot_be_written_to_is_said(window: MainWindow, qtbot: QtBot) -> None:
    window.session.use_folder(Path("/dev/null/results"))
    window.asking.render((unit(1),))
    until(qtbot, lambda: "Cannot write to the folder /dev/null/results" in window.notice.message)
    assert run_of(window).state is Status.FAILED
    assert "Cannot write to the folder /dev/null/results" in run_of(window).reason


def test_the_window_says_beforehand_how_long_a_render_takes(window: MainWindow, qtbot: QtBot) -> None:
    window.architecture.choose(LAYER)
    window.neurons.range.setText("0:16")
    until(qtbot, lambda: "16 pictures: about" in window.parameters.estimate.text())
    assert "MB" in window.parameters.estimate.text()
