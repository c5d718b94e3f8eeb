"""A sparse autoencoder in the window: its latents are a layer of the tree."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog
from pytestqt.qtbot import QtBot

from clipdesk.activations.surveying import survey_images
from clipdesk.gui import training
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.training_dialog import TrainingDialog
from clipdesk.gui.surveys.data import PooledUnit
from clipdesk.imagesets.opening import open_image_set
from clipdesk.jobs.autoencoder_work import AutoencoderWork
from clipdesk.network.latents.activations import TopK
from clipdesk.network.latents.algebra import Tokens
from clipdesk.network.latents.sae_lens import write_sae_lens
from clipdesk.network.pool import open_model
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.gui.conftest import done, until
from tests.network.latents.perfect import perfect

LATENTS = "visual.transformer.resblocks.1.latents"


def test_one_is_added_rendered_and_left_again(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = replace(perfect(64, "1", Tokens.PATCHES), activation=TopK(40))
    folder = write_sae_lens(latents, tmp_path / "own")
    file = str(folder / "sae_weights.safetensors")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (file, ""))
    menu = window.model_menu
    assert menu.add_latents.isEnabled()
    assert not menu.without.isVisible()
    menu.add_latents.trigger()
    until(qtbot, lambda: str(window.session.model_name) == f"{checkpoint}+sae:[{file}]")
    assert window.windowTitle() == "small.pt+sae:[own] - ClipDesk"
    assert "128 latents of visual.transformer.resblocks.1" in window.status.model.toolTip()
    assert window.neurons.model.layer is not None
    assert window.neurons.model.layer.name == LATENTS
    window.asking.render((Unit(layer=LATENTS, index=3),))
    until(qtbot, lambda: done(window))
    assert menu.recent.actions()[0].text() == "small.pt+sae:[own]"
    window.choosing.open().reject()
    menu.without.trigger()
    until(qtbot, lambda: str(window.session.model_name) == str(checkpoint))
    assert not menu.without.isVisible()


def test_one_that_does_not_fit_leaves_the_model_as_it_was(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_sae_lens(perfect(33), tmp_path / "other")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(folder / "sae_weights.safetensors"), ""))
    window.model_menu.add_latents.trigger()
    until(qtbot, lambda: "is of layers with 33 units" in window.notice.message)
    assert str(window.session.model_name) == str(checkpoint)


def test_a_survey_of_the_plain_model_answers_for_its_neurons(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    block = LATENTS.removesuffix(".latents")
    *_, end = survey_images(open_model(checkpoint, "cpu"), open_image_set("scenes:10"), [block])
    folder = write_sae_lens(replace(perfect(64, "1"), activation=TopK(40)), tmp_path / "own")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(folder / "sae_weights.safetensors"), ""))
    window.model_menu.add_latents.trigger()
    desk = window.surveys.desk
    until(qtbot, lambda: "+sae:" in str(window.session.model_name) and desk.current is not None)
    assert desk.current is not None
    assert desk.current.folder == end.folder
    assert desk.has(block)
    assert not desk.has(LATENTS)
    answers: list[object] = []
    desk.answered.connect(lambda pooled, _: answers.append(pooled))
    desk.ask_unit(PooledUnit(block, 3))
    until(qtbot, lambda: bool(answers))
    # What reads the network reads that of the survey.
    assert desk.current.opened().sha256 == desk.current.manifest.weights


def test_what_a_latent_writes_is_rendered_from_its_page(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_sae_lens(replace(perfect(64, "1"), activation=TopK(40)), tmp_path / "own")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(folder / "sae_weights.safetensors"), ""))
    window.model_menu.add_latents.trigger()
    until(qtbot, lambda: "+sae:" in str(window.session.model_name))
    page = window.surveys.unit
    window.surveys.pages.go(PooledUnit(LATENTS.removesuffix(".latents"), 3))
    assert not page.write_action.isEnabled(), "a neuron is what it writes"
    window.surveys.pages.go(PooledUnit(LATENTS, 3))
    assert page.write_action.isEnabled()
    window.parameters.show_settings(make_settings(iterations=3))
    page.write_action.trigger()
    until(qtbot, lambda: done(window))
    assert window.canvas.current is not None
    assert window.canvas.current.target.label == f"decoder({LATENTS}:3)"


def test_a_training_without_the_library_says_what_to_install(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    window.model_menu.train.trigger()
    assert "pip install 'clipdesk[sae]'" in window.notice.message


def test_a_training_is_work_of_the_queue_and_its_end_is_offered(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(training, "check_library", lambda: None)
    begun: list[AutoencoderWork] = []
    monkeypatch.setattr(window.training.maker, "begin", begun.append)
    block = LATENTS.removesuffix(".latents")
    window.architecture.choose(block)
    window.model_menu.train.trigger()
    (dialog,) = window.findChildren(TrainingDialog)
    train = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert not train.isEnabled(), "there are no images yet"
    dialog.images.setText("scenes:40")
    dialog.latents.setValue(20)
    dialog.active.setValue(30)
    train.click()
    opened = window.session.model
    (job,) = begun
    assert not window.model_menu.add_trained.isVisible()
    assert job.output is not None
    write_sae_lens(replace(perfect(64, "1"), activation=TopK(40)), Path(job.output))
    window.training.maker.made.emit(job, job.output)
    assert window.model_menu.add_trained.isVisible()
    window.model_menu.add_trained.trigger()
    until(qtbot, lambda: f"+sae:[{job.output}]" in str(window.session.model_name))
    assert not window.model_menu.add_trained.isVisible(), "it is there now"
    assert (job.images, job.settings.layer, job.settings.latents, job.settings.active) == ("scenes:40", block, 20, 19)
    assert opened is not None
    assert (job.model, job.weights) == (opened.name, opened.weights)
