"""Where the window goes when a model was opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, until

NewWindow = Callable[..., MainWindow]


def opened(window: MainWindow, qtbot: QtBot) -> MainWindow:
    window.opening.open()
    until(qtbot, lambda: window.session.model_name is not None)
    return window


def test_a_window_that_is_opened_at_a_unit_shows_it(new_window: NewWindow, checkpoint: Path, qtbot: QtBot) -> None:
    window = new_window(str(checkpoint))
    window.first_steps.go_to(("1.mlp.gelu", 200), str(checkpoint))
    opened(window, qtbot)
    assert window.neurons.selected() == (Unit(layer=LAYER, index=200),)
    assert window.architecture.tree.currentIndex().isValid()
    assert window.notice.message == ""


def test_a_window_that_is_opened_at_a_layer_shows_it(new_window: NewWindow, checkpoint: Path, qtbot: QtBot) -> None:
    window = new_window(str(checkpoint))
    window.first_steps.go_to((LAYER, None))
    opened(window, qtbot)
    assert window.neurons.model.layer is not None
    assert window.neurons.model.layer.name == LAYER
    assert window.neurons.selected() == ()


def test_a_unit_goes_before_where_the_user_was(
    window: MainWindow, checkpoint: Path, qtbot: QtBot, settings: QSettings
) -> None:
    window.architecture.choose(LAYER)
    window.neurons.select(3)
    window.close()
    again = MainWindow(str(checkpoint), settings=settings)
    qtbot.addWidget(again)
    again.first_steps.go_to(("0.mlp", 7), str(checkpoint))
    again.show()
    opened(again, qtbot)
    assert again.neurons.selected() == (Unit(layer="visual.transformer.resblocks.0.mlp", index=7),)
    again.close()


def test_a_unit_that_is_not_there_is_named(new_window: NewWindow, checkpoint: Path, qtbot: QtBot) -> None:
    for place, message in (
        ((LAYER, 999), "has no neuron 999"),
        (("9.mlp", 0), "There is no layer '9.mlp' that can be shown. Did you mean"),
    ):
        window = new_window(str(checkpoint))
        window.first_steps.go_to(place, str(checkpoint))
        opened(window, qtbot)
        assert message in window.notice.message


def test_another_model_than_the_one_that_has_the_unit_stays_as_it_is(
    new_window: NewWindow, checkpoint: Path, qtbot: QtBot
) -> None:
    window = new_window(str(checkpoint))
    window.first_steps.go_to(("visual.nowhere", 0), "demo")
    opened(window, qtbot)
    assert window.notice.message == ""


def test_a_model_with_latents_shows_them_and_begins_with_a_neuron_that_has_a_clear_picture(
    new_window: NewWindow, qtbot: QtBot
) -> None:
    window = opened(new_window("photo+sae:[shipped]"), qtbot)
    assert window.neurons.model.layer is not None
    assert window.neurons.model.layer.name == "visual.latents"
    asked: list[tuple[Unit, ...]] = []
    window.first_steps.render_asked.disconnect()
    window.first_steps.render_asked.connect(asked.append)
    window.canvas.welcome.button.click()
    assert asked == [(Unit(layer="visual.layer4", index=325),)]
