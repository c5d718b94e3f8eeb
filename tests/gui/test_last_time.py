"""A window goes back to where the user was when the last one closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, until

NewWindow = Callable[..., MainWindow]


def opened(window: MainWindow, qtbot: QtBot) -> MainWindow:
    window.opening.open()
    until(qtbot, lambda: window.session.model_name is not None)
    return window


@pytest.fixture
def again(new_window: NewWindow, qtbot: QtBot, settings: QSettings) -> Callable[[], MainWindow]:
    """A window as the next start opens it."""

    def make() -> MainWindow:
        window = MainWindow(settings=settings)
        qtbot.addWidget(window)
        window.show()
        return opened(window, qtbot)

    return make


def closed(window: MainWindow) -> None:
    window.close()
    assert window.ended


def test_layer_selection_filter_and_settings_come_back(
    window: MainWindow, qtbot: QtBot, again: Callable[[], MainWindow]
) -> None:
    window.architecture.filter.setText("1.mlp gelu")
    window.architecture.choose(LAYER)
    window.neurons.range.setText("3,5-9")
    mine = make_settings("maco", seed=7, iterations=33)
    window.parameters.show_preset("maco")
    window.parameters.show_settings(mine)
    closed(window)
    window = again()
    assert window.neurons.selected() == tuple(Unit(layer=LAYER, index=index) for index in (3, 5, 6, 7, 8, 9))
    assert window.architecture.filter.text() == "1.mlp gelu"
    assert window.parameters.preset_name == "maco"
    assert window.parameters.settings() == mine
    closed(window)


def test_a_chosen_preset_stays_whatever_suits_the_model(
    window: MainWindow, again: Callable[[], MainWindow], monkeypatch: pytest.MonkeyPatch
) -> None:
    window.parameters.show_preset("draft")
    closed(window)
    monkeypatch.setattr("clipdesk.gui.panels.parameters.default_preset", lambda _: "lucid")
    window = again()
    assert window.parameters.preset_name == "draft"
    assert not window.parameters.reset_action.isEnabled()
    closed(window)


def test_the_preset_that_suits_the_model_is_taken_where_none_was_chosen_but_the_seed_stays(
    window: MainWindow, again: Callable[[], MainWindow], monkeypatch: pytest.MonkeyPatch
) -> None:
    window.parameters.show_preset(window.parameters.preset_name)
    window.parameters.rows["seed"].set_value(12)
    closed(window)
    monkeypatch.setattr("clipdesk.gui.panels.parameters.default_preset", lambda _: "lucid")
    window = again()
    assert window.parameters.preset_name == "lucid"
    assert window.parameters.settings() == make_settings("lucid", seed=12)
    closed(window)


def test_another_model_begins_at_its_beginning(
    window: MainWindow, qtbot: QtBot, new_window: NewWindow, checkpoint: Path, tmp_path: Path
) -> None:
    window.architecture.choose(LAYER)
    window.neurons.range.setText("3")
    closed(window)
    other = tmp_path / "other.pt"
    other.write_bytes(checkpoint.read_bytes())
    assert opened(new_window(str(other)), qtbot).neurons.selected() == ()


@pytest.mark.parametrize("kept", ["{", "[]", '{"preset": 3}', '{"preset": "gone", "place": {"units": [[9999, 3]]}}'])
def test_what_another_version_has_kept_is_no_harm(
    settings: QSettings, again: Callable[[], MainWindow], kept: str
) -> None:
    settings.setValue("last_time", kept)
    window = again()
    assert window.parameters.preset_name == "standard"
    closed(window)


def test_a_device_that_is_gone_is_not_asked_for(window: MainWindow, again: Callable[[], MainWindow]) -> None:
    choice = window.parameters.rows["device"].choice
    assert choice is not None
    choice.addItem("cuda:3", "cuda:3")
    window.parameters.show_settings(make_settings(device="cuda:3"))
    closed(window)
    window = again()
    assert window.parameters.settings().device == "auto"
    closed(window)


def test_the_welcome_comes_once(window: MainWindow, again: Callable[[], MainWindow]) -> None:
    assert window.canvas.welcome.button.isVisible()
    closed(window)
    window = again()
    assert not window.canvas.welcome.button.isVisible()
    assert "press Enter" in window.canvas.welcome.message
    window.commands.welcome.trigger()
    assert window.canvas.welcome.button.isVisible()
    closed(window)
