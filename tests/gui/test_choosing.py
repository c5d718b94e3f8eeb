"""The dialog in which a model is chosen, and the models that were opened last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from clipdesk.gui import choosing
from clipdesk.gui.item_models.models import COLUMNS
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.model_chooser import ModelChooser
from clipdesk.gui.preferences import Preferences
from clipdesk.models import listing
from clipdesk.models.catalogue import CATALOGUE
from clipdesk.models.listing import Listed
from clipdesk.render.targets import Unit
from tests.gui.conftest import done, until
from tests.open_clips import register_small, small_open_clip

PAIR = Listed("open_clip:ViT-B-32/some_data", "open_clip", "some", 224, 605, exact=False, page="https://example.org/x")


@pytest.fixture(autouse=True)
def _few_of_open_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the package itself, which takes seconds to load."""
    monkeypatch.setattr(choosing, "open_clip_models", lambda: [PAIR])


def opened(window: MainWindow, qtbot: QtBot) -> ModelChooser:
    """The dialog, when all that it waits for is there."""
    dialog = window.choosing.open()
    until(qtbot, lambda: dialog.model.rowCount() > len(CATALOGUE))
    until(qtbot, lambda: dialog.note.isHidden())
    return dialog


def texts(dialog: ModelChooser, column: str) -> list[str]:
    place = COLUMNS.index(column)
    return [str(dialog.filter.index(row, place).data()) for row in range(dialog.filter.rowCount())]


def test_the_recent_ones_are_on_top_and_gone_ones_cannot_be_opened(
    window: MainWindow, checkpoint: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    gone = str(tmp_path / "gone.pt")
    window.session.preferences.store.setValue("recent_models", [str(checkpoint), gone, PAIR.name])
    dialog = opened(window, qtbot)
    assert texts(dialog, "Model")[:4] == ["small.pt", "gone.pt", PAIR.name, "demo"]
    assert texts(dialog, "From")[2:4] == ["open_clip, recently used", "embedded"]
    assert texts(dialog, "On this disk")[1:3] == ["gone", "will be downloaded"]
    # Each stands there once.
    assert len(set(texts(dialog, "Model"))) == len(texts(dialog, "Model"))
    # What was not known of it before the list was there.
    assert texts(dialog, "Size")[2] == "about 605 MB"
    choice = dialog.choice()
    assert choice is not None
    assert choice.model.name == str(window.session.model_name)
    dialog.table.setCurrentIndex(dialog.filter.index(1, 0))
    assert dialog.choice() == choice
    dialog.reject()


def test_the_list_says_what_one_wants_to_know(window: MainWindow, qtbot: QtBot) -> None:
    dialog = opened(window, qtbot)
    dialog.box.setText("b/32 openai")
    assert [texts(dialog, column) for column in COLUMNS[:5]] == [
        ["ViT-B/32"],
        ["OpenAI"],
        ["353 MB"],
        ["224 px"],
        ["MIT"],
    ]
    dialog.box.setText("open_clip some")
    assert texts(dialog, "Licence") == ["see its page"]
    assert PAIR.page in dialog.details.text()
    dialog.box.setText("no such model")
    assert dialog.choice() is None
    assert not dialog.buttons.button(QDialogButtonBox.StandardButton.Open).isEnabled()
    dialog.reject()


def test_sizes_sort_as_numbers(window: MainWindow, qtbot: QtBot) -> None:
    dialog = opened(window, qtbot)
    dialog.table.sortByColumn(COLUMNS.index("Size"), Qt.SortOrder.DescendingOrder)
    assert texts(dialog, "Model")[0] == "RN50x64"
    dialog.reject()


def test_a_model_is_found_and_opened_with_the_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    window.commands.choose.trigger()
    dialog = window.choosing.dialog
    assert dialog is not None
    until(qtbot, lambda: dialog.model.rowCount() > len(CATALOGUE))
    qtbot.keyClicks(dialog.box, "demo-rn")
    qtbot.keyClick(dialog.box, Qt.Key.Key_Return)
    until(qtbot, lambda: str(window.session.model_name) == "demo-rn")
    assert window.session.preferences.recent_models[0] == "demo-rn"
    window.commands.choose.trigger()
    again = window.choosing.dialog
    assert again is not None
    until(qtbot, lambda: again.model.rowCount() > len(CATALOGUE))
    # The recently used demo-rn stands first, and holds the name.
    qtbot.keyClicks(again.box, "demo")
    assert (choice := again.choice()) is not None
    assert choice.model.name == "demo"
    again.reject()
    recent = window.model_menu.recent.actions()
    assert [action.text() for action in recent] == ["demo-rn", "small.pt"]
    recent[1].trigger()
    until(qtbot, lambda: str(window.session.model_name).endswith("small.pt"))


def test_a_checkpoint_of_open_clips_opens_and_renders(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    configs = tmp_path / "configs"
    configs.mkdir()
    register_small(configs)
    torch.save(small_open_clip("clipdesk-vit").state_dict(), tmp_path / "mine.pt")
    window.opening.open(f"open_clip:clipdesk-vit/[{tmp_path / 'mine.pt'}]")
    until(qtbot, lambda: str(window.session.model_name).startswith("open_clip:"))
    assert window.windowTitle() == "open_clip:clipdesk-vit/[mine.pt] - ClipDesk"
    window.asking.render((Unit(layer="visual.transformer.resblocks.1.attn.heads", index=1),))
    until(qtbot, lambda: done(window))


def test_a_checkpoint_can_be_asked_for_instead(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    window.commands.checkpoint.triggered.disconnect()
    window.commands.checkpoint.triggered.connect(lambda: asked.append(True))
    opened(window, qtbot).checkpoint.click()
    assert asked == [True]
    assert window.choosing.dialog is None


def test_without_the_extra_it_says_how_to_get_it(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "open_clip_models", listing.open_clip_models)
    monkeypatch.setattr(listing, "has_open_clip", lambda: False)
    dialog = window.choosing.open()
    until(qtbot, lambda: "pip install 'clipdesk[open-clip]'" in dialog.note.text())
    dialog.reject()


def test_the_window_closes_while_models_are_looked_up(new_window: Callable[..., MainWindow]) -> None:
    window = new_window("demo")
    window.choosing.open()
    window.close()
    assert window.ended


def test_recent_models_are_kept(tmp_path: Path) -> None:
    place = str(tmp_path / "kept.ini")
    preferences = Preferences(QSettings(place, QSettings.Format.IniFormat))
    assert preferences.recent_models == []
    for name in ["demo", "a, b & c.pt", *(f"{i}.pt" for i in range(5)), "demo"]:
        preferences.model = name
    preferences.store.sync()
    again = Preferences(QSettings(place, QSettings.Format.IniFormat))
    assert again.recent_models == ["demo", "4.pt", "3.pt", "2.pt", "1.pt", "0.pt", "a, b & c.pt"]
    one = Preferences(QSettings(str(tmp_path / "one.ini"), QSettings.Format.IniFormat))
    one.model = "demo"
    one.store.sync()
    kept = Preferences(QSettings(str(tmp_path / "one.ini"), QSettings.Format.IniFormat))
    assert kept.recent_models == ["demo"]
    kept.store.setValue("recent_models", ["open_clip:nothing", "", "demo"])
    assert kept.recent_models == ["demo"]
