"""Texts that anybody wrote are shown as they stand, never as HTML: it could load the files that it names."""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from clipdesk.export.png import save_png
from clipdesk.gui import choosing
from clipdesk.gui.center import GALLERY
from clipdesk.gui.item_models.unit_columns import UnitState
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.export_dialog import ExportDialog
from clipdesk.gui.plain import plain_label, plain_tip, rich_label
from clipdesk.jobs.job import Job
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.models.names import Checkpoint
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text
from tests.gui.conftest import LAYER, finished, open_queue, until
from tests.gui.shown import Shown, shown_in
from tests.gui.test_dropping import drop
from tests.recipes import make_recipe

HOSTILE = "<b>HOSTILE</b> &x<img src='file:///x.png'>"
NAME = "<b>HOSTILE<b> &x<img src='x.png'>"
"""A file's name has no slash."""
GUI = Path(__file__).parents[2] / "clipdesk" / "gui"


def test_a_tip_that_looks_like_html_is_escaped(qapp: object) -> None:
    for text in (HOSTILE, f"a\n{HOSTILE}", "a &lt; b", NAME, "2 < 3\nand 4"):
        shown = Shown("", plain_tip(text), html=plain_tip(text) != text)
        assert shown.words == text
        assert Shown("", plain_tip(text, wrap=True), html=True).words == text
    assert plain_tip("layer:3 < 4") == "layer:3 < 4"
    assert plain_tip("", wrap=True) == ""


def test_a_label_says_itself_what_its_text_is(qapp: object) -> None:
    assert plain_label(HOSTILE).textFormat() is Qt.TextFormat.PlainText
    assert rich_label("<b>x</b>").textFormat() is Qt.TextFormat.RichText
    label = plain_label("x", centered=True, wrap=True, margin=3)
    assert (label.alignment(), label.wordWrap(), label.margin()) == (Qt.AlignmentFlag.AlignCenter, True, 3)


def test_every_label_is_made_by_one_of_the_two() -> None:
    makers = [
        path.name
        for path in GUI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "QLabel"
    ]
    assert makers == ["plain.py"]


@pytest.fixture
def hostile(
    new_window: Callable[..., MainWindow],
    settings: QSettings,
    qtbot: QtBot,
    tmp_path: Path,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> MainWindow:
    """A window on a model, and with a results folder, of such a name."""
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(choosing, "open_clip_models", list)
    settings.setValue("folder", str(tmp_path / f"{NAME} results"))
    model = tmp_path / f"{NAME}.pt"
    shutil.copy(checkpoint, model)
    window = new_window(str(model))
    window.opening.open()
    open_queue(window, qtbot)
    return window


def write_picture(path: Path, model: str) -> Path:
    recipe = make_recipe(Text(text=HOSTILE), make_settings("draft", iterations=2, device="cpu"), model=model)
    save_png(np.zeros((32, 32, 3), dtype=np.uint8), path, recipe)
    return path


def render_and_fail(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    """Render a dropped picture again, and fail at another; have a job elsewhere and a unit that failed."""
    drop(window, write_picture(folder / f"{NAME}.png", str(window.session.model_name)))
    until(qtbot, lambda: window.gallery.model.rowCount() == 1 and finished(window))
    drop(window, write_picture(folder / "gone.png", str(Checkpoint(folder / f"{NAME} gone.pt"))))
    until(qtbot, lambda: window.controller.queue.rowCount() == 2 and bool(window.notice.message))
    window.architecture.choose(LAYER)
    window.results.found.emit(LAYER, {3: UnitState("failed", reason=HOSTILE)})
    store = JobStore(default_store())
    store.add(Job(model=str(window.session.model_name), targets=(Text(text="x"),)), folder / NAME)
    store.close()
    until(qtbot, window.queue.others.isVisible)


def open_all(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    """Show such texts wherever the window has room for them."""
    window.center.show_mode(GALLERY)
    window.gallery.list.setCurrentIndex(window.gallery.model.index(0))
    window.gallery.open_action.trigger()
    until(qtbot, lambda: window.curves.plots.legend.count() == 1)
    window.curves.plots.pointed.emit(f"step 1   {HOSTILE}: 3")
    spectrum = folder / f"{NAME}.npy"
    window.parameters.rows["spectrum"].set_value(str(spectrum))
    window.neurons.text_box.text.setText(f"{NAME}:3 - {LAYER}:3")
    window.neurons.text_box.text.returnPressed.emit()
    window.neurons.range.setText(HOSTILE)
    window.files.open_export()
    dialog = window.choosing.open()
    until(qtbot, lambda: dialog.note.isHidden() and dialog.choice() is not None)
    dialog.say(HOSTILE)
    window.opening.trust_question(str(folder / f"{NAME}.pt"))
    window.opening.stage.emit(f"Opening {HOSTILE} …", None)
    window.canvas.show_message(HOSTILE)
    window.help.open_palette()


@pytest.mark.skipif(sys.platform == "win32", reason="no file can have such a name")
def test_nothing_in_the_window_takes_a_text_for_html(hostile: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    render_and_fail(hostile, qtbot, tmp_path)
    open_all(hostile, qtbot, tmp_path)
    found = [shown for shown in shown_in(hostile) if "<b>HOSTILE" in unescape(shown.text)]
    for shown in found:
        words = shown.words.replace("\N{ZERO WIDTH SPACE}", "")
        assert words.count("<b>HOSTILE<") == words.count("&x<img") > 0, shown
    assert {shown.where for shown in found} >= {
        "QLabel",
        "QAction",
        "RecipeView",
        "tip of QLabel",
        "tip of QAction",
        "tip of QAbstractListModel",
        "tip of QueueModel",
        "tip of OthersModel",
        "tip of GalleryModel",
        "tip of NeuronTableModel",
        "tip of ModelsModel",
        "tip of PlanModel",
        "tip of QStandardItemModel",
    }
    for dialog in hostile.findChildren(ExportDialog):
        dialog.reject()
