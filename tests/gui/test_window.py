import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from clipdesk.export.png import read_recipe
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels import queue
from clipdesk.jobs import runner
from clipdesk.render.settings import make_settings
from clipdesk.render.targets import Text, Unit

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
WAIT = 60_000


def state(window: MainWindow, number: int = 1) -> str:
    return window.queue.entry(number).state


def until(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=WAIT)


def test_the_window_is_built_without_torch() -> None:
    code = (
        "import sys; from PySide6.QtWidgets import QApplication; app = QApplication([]);"
        "from PySide6.QtCore import QSettings; from clipdesk.gui.main_window import MainWindow;"
        "window = MainWindow(settings=QSettings('none.ini', QSettings.Format.IniFormat)); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_choosing_a_layer_fills_the_table(window: MainWindow) -> None:
    window.architecture.choose(LAYER)
    assert window.neurons.model.rowCount() == 256
    assert not window.render_action.isEnabled()
    window.neurons.select(7)
    assert window.neurons.selected() == (Unit(layer=LAYER, index=7),)
    assert window.render_action.isEnabled()


def test_a_neuron_is_rendered_shown_plotted_and_saved(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.architecture.choose(LAYER)
    window.neurons.select(7)
    assert not window.save_action.isEnabled()
    window.render_action.trigger()
    assert window.stop_action.isEnabled()
    until(qtbot, lambda: state(window) == queue.DONE)
    assert window.canvas.image_count == 1
    assert window.curves.step_count == 5
    assert window.neurons.model.data(window.neurons.model.index(7, 3)) == "done"
    assert window.save_action.isEnabled()
    window.save(window.results_to_save(), tmp_path / "out.png")
    until(qtbot, lambda: window.statusBar().currentMessage().startswith("Saved"))
    recipe = read_recipe(tmp_path / "out.png")
    assert recipe["target"]["index"] == 7
    assert recipe["steps"] == 5


def test_several_neurons_are_a_grid_and_are_saved_into_a_folder(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.render_targets(tuple(Unit(layer=LAYER, index=i) for i in (1, 2, 3)))
    until(qtbot, lambda: state(window) == queue.DONE)
    assert window.canvas.image_count == 3
    assert len(window.results_to_save()) == 3
    qtbot.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=window.canvas._tiles()[1][0].center())
    assert [result.target for result in window.results_to_save()] == [Unit(layer=LAYER, index=2)]
    qtbot.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=window.canvas._tiles()[1][0].center())
    window.save(window.results_to_save(), tmp_path)
    until(qtbot, lambda: window.statusBar().currentMessage().startswith("Saved 3 pictures"))
    assert len(list(tmp_path.glob("neuron_*.png"))) == 3


def test_a_text_is_rendered(window: MainWindow, qtbot: QtBot) -> None:
    window.neurons.text.setText("a star")
    qtbot.mouseClick(window.neurons.text_button, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: state(window) == queue.DONE)
    assert window.results_to_save()[0].target == Text(text="a star")


def test_stop_ends_within_a_step_and_keeps_the_picture(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.render_targets((Unit(layer=LAYER, index=1),))
    until(qtbot, lambda: window.curves.step_count > 3)
    drawn = window.curves.step_count
    window.stop_action.trigger()
    until(qtbot, lambda: state(window) == queue.STOPPED)
    (result,) = window.results_to_save()
    assert not result.complete
    assert drawn <= len(result.curve) < 5000
    assert window.curves.step_count == len(result.curve)


def test_a_second_job_waits_for_the_first_and_a_waiting_one_can_be_removed(window: MainWindow, qtbot: QtBot) -> None:
    for index in (1, 2, 3):
        window.render_targets((Unit(layer=LAYER, index=index),))
    assert [state(window, n) for n in (1, 2, 3)] == [queue.RUNNING, queue.WAITING, queue.WAITING]
    window.queue.list.setCurrentIndex(window.queue.list.model().index(1, 0))
    window.queue.remove_selected()
    until(qtbot, lambda: state(window, 3) == queue.DONE)
    assert window.queue.list.topLevelItemCount() == 2


def test_a_failure_is_said_in_the_window(window: MainWindow, qtbot: QtBot) -> None:
    window.render_targets((Unit(layer=LAYER, index=999),))
    until(qtbot, lambda: state(window) == queue.FAILED)
    assert "0 to 255" in window.canvas._message
    window.render_targets((Unit(layer=LAYER, index=1),))
    until(qtbot, lambda: state(window, 2) == queue.DONE)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("strange")])
def test_every_error_ends_the_job(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(runner, "render", fail)
    window.render_targets((Unit(layer=LAYER, index=1),))
    until(qtbot, lambda: state(window) == queue.FAILED)
    assert window.controller.running is None
    assert str(error) in window.canvas._message


def test_closing_while_rendering_waits_for_the_step_only(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.render_targets((Unit(layer=LAYER, index=1),))
    until(qtbot, lambda: window.curves.step_count > 1)
    window.close()
    assert not window.controller._thread.isRunning()


def test_a_model_that_cannot_be_opened_is_said_in_the_window(qtbot: QtBot, settings: QSettings, tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_text("hello")
    window = MainWindow(str(tmp_path / "x.pt"), settings=settings)
    qtbot.addWidget(window)
    window.open_model()
    until(qtbot, lambda: "is not a CLIP checkpoint" in window.canvas._message)
    window.close()


def test_the_demo_starts_by_itself(qtbot: QtBot, settings: QSettings) -> None:
    window = MainWindow("demo", start=True, settings=settings)
    window.parameters.show_settings(make_settings(iterations=2))
    qtbot.addWidget(window)
    window.open_model()
    until(qtbot, lambda: window.queue.list.topLevelItemCount() == 1 and state(window) == queue.DONE)
    window.close()


def test_the_layout_comes_back(qtbot: QtBot, settings: QSettings) -> None:
    first = MainWindow(settings=settings)
    qtbot.addWidget(first)
    first.show()
    first.docks["queue"].hide()
    first.close()
    second = MainWindow(settings=settings)
    qtbot.addWidget(second)
    second.show()
    assert not second.docks["queue"].isVisible()
    assert second.docks["neurons"].isVisible()
    second.close()


def test_a_picture_that_cannot_be_saved_is_said(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(QMessageBox, "warning", lambda _parent, _title, text: said.append(text))
    window.render_targets((Unit(layer=LAYER, index=1),))
    until(qtbot, lambda: state(window) == queue.DONE)
    window.save(window.results_to_save(), Path("/dev/null/x.png"))
    until(qtbot, lambda: bool(said))
    assert said[0].startswith("Cannot write /dev/null/x.png")
