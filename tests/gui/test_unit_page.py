"""The page of a unit in a real window: read, rendered from, exported and left."""

from __future__ import annotations

import json
import shlex
import threading
from pathlib import Path

import numpy as np
import pytest
from clip.model import CLIP
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from clipdesk.activations.surveying import survey_images
from clipdesk.gui.center import CANVAS, FIND, UNIT
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.runs import Run
from clipdesk.gui.surveys.data import PooledUnit
from clipdesk.imagesets.opening import open_image_set
from clipdesk.jobs.job import Job
from clipdesk.links import parse_link
from clipdesk.models.names import parse_name
from clipdesk.network.pool import open_model
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.cli.surveys import LAYER, save_twin
from tests.gui.conftest import finished, until
from tests.gui.surveys.conftest import OTHER, images, scenes_words, survey_folder
from tests.gui.test_surveys import show_unit, surveyed

__all__ = ["images", "scenes_words", "survey_folder", "surveyed"]


def test_a_picture_that_is_rendered_is_judged_on_the_page(surveyed: MainWindow, qtbot: QtBot) -> None:
    page = surveyed.surveys.unit
    surveyed.parameters.show_settings(make_settings(iterations=3))
    show_unit(surveyed, qtbot, 5)
    page.picture.button.click()
    until(qtbot, lambda: surveyed.controller.queue.rowCount() == 1 and finished(surveyed))
    assert not page.picture.button.isVisible()
    until(qtbot, lambda: "The rendered picture excites it" in page.judged)
    assert surveyed.center.mode == UNIT, "it forms where it was asked for"
    until(qtbot, lambda: any(f". {verdict}" in page.judged for verdict in ("Trust", "Doubt", "No")))
    assert page.histogram.marked is not None
    judged, desk = page.judged, surveyed.surveys.desk
    assert page.thorough.isVisible()
    show_unit(surveyed, qtbot, 6)
    assert page.histogram.marked is None
    assert page.thorough.isHidden()
    came, checked = list[str](), threading.Event()
    desk.judged.connect(lambda *_: came.append("judged"))
    desk.checked.connect(lambda *_: (came.append("checked"), checked.set()))
    # The thread that judges has heat maps to draw first.
    desk._slow.start(lambda: checked.wait(30))
    show_unit(surveyed, qtbot, 5)
    until(qtbot, lambda: len(came) == 2)
    assert came == ["checked", "judged"]
    assert page.judged == judged
    assert page.histogram.marked is not None
    assert page.thorough.isVisible()


def test_the_usual_key_renders_the_unit_on_its_page_and_others_on_the_canvas(
    surveyed: MainWindow, qtbot: QtBot
) -> None:
    surveyed.parameters.show_settings(make_settings(iterations=3))
    show_unit(surveyed, qtbot, 5)
    surveyed.commands.render.trigger()
    until(qtbot, lambda: surveyed.controller.queue.rowCount() == 1 and finished(surveyed))
    assert surveyed.center.mode == UNIT
    surveyed.center.show_mode(FIND)
    surveyed.commands.render.trigger()
    until(qtbot, lambda: surveyed.center.mode == CANVAS)


def test_the_page_is_exported_as_html_and_json(
    surveyed: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_unit(surveyed, qtbot, 5)
    page, asked = surveyed.surveys.unit, []
    html, data, layer = tmp_path / "unit.html", tmp_path / "unit.json", tmp_path / "layer.html"
    monkeypatch.setattr(QMessageBox, "question", lambda *args, **_: asked.append(args[2]))
    for path, action in ((html, page.export_action), (data, page.export_action), (layer, page.export_layer_action)):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), ""))
        action.trigger()
        until(qtbot, path.exists)
    text = html.read_text(encoding="utf-8")
    assert "1.mlp.gelu:5" in text
    assert "clipdesk://" in text
    assert "data:image/webp" not in text, "nobody has said that photos may be shown"
    assert len(asked) == 3
    assert json.loads(data.read_text())["unit"] == f"{LAYER}:5"
    assert "1.mlp.gelu" in layer.read_text(encoding="utf-8")


def test_a_unit_of_another_model_is_gone_to(
    surveyed: MainWindow, qtbot: QtBot, tmp_path: Path, vit: CLIP, images: Path
) -> None:
    twin = tmp_path / "twin.pt"
    save_twin(vit, twin)
    list(survey_images(open_model(twin, "cpu"), open_image_set(images), [LAYER]))
    show_unit(surveyed, qtbot, 5)
    page = surveyed.surveys.unit
    until(qtbot, lambda: page.elsewhere.list.count() > 0)
    first = page.elsewhere.list.item(0)
    assert first.text().startswith("twin.pt 1.mlp.gelu:5")
    page.elsewhere.list.itemActivated.emit(first)
    until(qtbot, lambda: str(surveyed.model_name) == str(twin))
    until(qtbot, lambda: page.numbers.isVisible() and page.pooled is not None and page.pooled[:2] == (LAYER, 5))


def test_a_link_to_the_unit_and_a_command_are_copied(surveyed: MainWindow, qtbot: QtBot) -> None:
    show_unit(surveyed, qtbot, 5)
    surveyed.surveys.unit.link_action.trigger()
    link = parse_link(QGuiApplication.clipboard().text())
    assert (link.model, link.layer, link.unit) == (surveyed.model_name, LAYER, 5)
    surveyed.surveys.unit.command_action.trigger()
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words[:3] == ["clipdesk", "page", "1.mlp.gelu:5"]


def test_which_of_a_units_values_counts_is_chosen_and_kept_in_the_layer(
    surveyed: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_unit(surveyed, qtbot, 5)
    page = surveyed.surveys.unit
    until(qtbot, lambda: page.pooling.currentData() == "mean")
    numbers = page.numbers.text()
    page.pooling.setFocus()
    qtbot.keyClick(page.pooling, Qt.Key.Key_Down)
    # Where the answer is late, the numbers go before it comes.
    until(qtbot, lambda: page.numbers.text() not in (numbers, "") and page.pooling.currentText() == "Largest patch")
    assert page.pooled == PooledUnit(LAYER, 5, "max")
    surveyed.neurons.select(6)
    until(qtbot, lambda: page.pooled == PooledUnit(LAYER, 6, "max"))
    page.command_action.trigger()
    assert shlex.split(QGuiApplication.clipboard().text())[-2:] == ["--pooling", "max"]
    data = tmp_path / "unit.json"
    monkeypatch.setattr(QMessageBox, "question", lambda *_args, **_options: QMessageBox.StandardButton.No)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(data), ""))
    page.export_action.trigger()
    until(qtbot, data.exists)
    assert json.loads(data.read_text())["pooling"] == "max"
    page.back_action.trigger()
    page.back_action.trigger()
    until(qtbot, lambda: page.numbers.text() == numbers)


def test_a_surprise_is_shown(surveyed: MainWindow, qtbot: QtBot) -> None:
    surveyed.center.show_mode(UNIT)
    surveyed.surveys.unit.surprise_action.trigger()
    until(qtbot, lambda: surveyed.surveys.unit.pooled is not None)
    shown = surveyed.surveys.unit.pooled
    assert shown is not None
    assert shown[0] in (LAYER, OTHER)


def test_a_picture_of_another_models_unit_does_not_form_on_the_page(window: MainWindow) -> None:
    unit, page = Unit(layer=LAYER, index=5), window.surveys.unit
    window.surveys.pages.go(PooledUnit(LAYER, 5))
    shown: list[bool] = []
    for model in (parse_name("demo"), window.model_name):
        run = Run(1, Job(model=model, targets=(unit,)))
        run.track(unit).frames.add(1, np.zeros((64, 64, 3), np.uint8))
        window.controller.progressed.emit(run)
        shown.append(page.picture.label.isVisible())
    assert shown == [False, True]


def test_a_picture_stays_on_the_page_when_its_job_is_cleared_away(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings("draft", iterations=3, image_size=64, views=1))
    window.asking.render((Unit(layer=LAYER, index=5),))
    until(qtbot, lambda: finished(window) and window.gallery.model.total == 1)
    window.queue.clear_action.trigger()
    assert window.controller.queue.rowCount() == 0
    assert window.neurons.model.state(LAYER, 5).path == window.gallery.model.all[0].path
    window.surveys.pages.go(PooledUnit(LAYER, 5))
    assert window.surveys.unit.picture.label.isVisible()
