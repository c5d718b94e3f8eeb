"""Training: whole or not there, gone on with after an interruption, and refused where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from clipdesk.activations.autoencoders import training
from clipdesk.activations.autoencoders.settings import TrainingSettings
from clipdesk.activations.autoencoders.training import TrainingProgress, fit_values, train_autoencoder
from clipdesk.activations.storing import alone
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.network.latents.algebra import Latents, Tokens
from clipdesk.network.latents.opening import read_latents
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.paths import autoencoders_folder
from tests.activations.autoencoders.toy import ToyTrainer
from tests.activations.sets import Drawn, random_set

LAYER = "visual.transformer.resblocks.1"
SETTINGS = TrainingSettings(layer=LAYER, steps=6, batch=16, latents=64, active=8)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))


@pytest.fixture
def opened(checkpoint: Path) -> OpenModel:
    return open_model(checkpoint, "cpu")


@pytest.fixture
def images(opened: OpenModel) -> Drawn:
    return random_set(40, opened.side)


def finished(
    opened: OpenModel, images: Drawn, settings: TrainingSettings = SETTINGS, folder: Path | None = None
) -> tuple[TrainingProgress, Latents]:
    *_, end = train_autoencoder(opened, images, settings, folder, make=ToyTrainer)
    assert end.folder is not None
    return end, read_latents(end.folder)


def steps(progress: list[TrainingProgress]) -> list[int]:
    return [each.done for each in progress if each.stage == "training"]


def test_a_training_ends_in_a_folder_that_says_how_it_was_made(opened: OpenModel, images: Drawn) -> None:
    progress = list(train_autoencoder(opened, images, SETTINGS, make=ToyTrainer))
    assert [each.done for each in progress if each.stage == "reading"] == [0, 16, 32, 40]
    assert steps(progress) == [1, 2, 3, 4, 5, 6, 6]
    assert {(each.stage, each.total) for each in progress} == {("reading", 40), ("training", 6)}
    end = progress[-1]
    assert end.folder is not None
    assert end.fit is not None
    assert end.folder.parent == autoencoders_folder()
    latents = read_latents(end.folder)
    assert (latents.count, latents.layer, latents.tokens) == (64, LAYER, Tokens.PATCHES)
    notes = json.loads((end.folder / "cfg.json").read_text())["metadata"]
    assert notes["weights_sha256"] == opened.sha256
    assert notes["training"] == {**SETTINGS.model_dump(), "tokens": "patches"}
    assert notes["fit"] == fit_values(end.fit)
    assert end.fit.tokens == 4 * (opened.inspector.visualizable(LAYER).positions - 1)
    assert sorted(path.name for path in end.folder.iterdir()) == ["cfg.json", "sae_weights.safetensors"]
    assert [path for path in autoencoders_folder().iterdir() if path.is_dir()] == [end.folder]


def test_what_is_there_is_not_trained_again(opened: OpenModel, images: Drawn) -> None:
    end, _ = finished(opened, images)
    again = list(train_autoencoder(opened, images, SETTINGS, make=ToyTrainer))
    assert [each.folder for each in again] == [end.folder]
    other, _ = finished(opened, images, SETTINGS.model_copy(update={"seed": 1}))
    assert other.folder != end.folder


@pytest.mark.parametrize("stopped", [2, 5, 7])
def test_a_stopped_training_goes_on_and_ends_the_same(
    opened: OpenModel, images: Drawn, tmp_path: Path, stopped: int
) -> None:
    _, whole = finished(opened, images, folder=tmp_path / "whole")
    run = train_autoencoder(opened, images, SETTINGS, make=ToyTrainer)
    seen = [next(run) for _ in range(stopped)]
    run.close()
    rest = list(train_autoencoder(opened, images, SETTINGS, make=ToyTrainer))
    assert steps(rest)[0] == (seen[-1].done if seen[-1].stage == "training" else 0) + 1
    folder = rest[-1].folder
    assert folder is not None
    assert np.abs((read_latents(folder).decoder_bias - whole.decoder_bias).numpy()).max() < 1e-6


def test_a_killed_training_goes_on_from_its_last_checkpoint(
    opened: OpenModel, images: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole = finished(opened, images, folder=tmp_path / "whole")
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    run = train_autoencoder(opened, images, SETTINGS, make=ToyTrainer)
    while next(run).done != 4 or not list(autoencoders_folder().glob("*.partial/state")):
        pass
    (partial,) = autoencoders_folder().glob("*.partial")
    # As if it had been killed between two names: the last checkpoint is gone, the new one is whole.
    (partial / "state").rename(partial / "state.new")
    monkeypatch.setattr(training, "_keep", lambda *_: None)
    run.close()
    rest = list(train_autoencoder(opened, images, SETTINGS, make=ToyTrainer))
    assert steps(rest)[0] == 4
    folder = rest[-1].folder
    assert folder is not None
    assert np.abs((read_latents(folder).decoder_bias - whole.decoder_bias).numpy()).max() < 1e-6


def test_a_checkpoint_that_cannot_be_read_begins_anew(opened: OpenModel, images: Drawn) -> None:
    run = train_autoencoder(opened, images, SETTINGS, make=ToyTrainer)
    while next(run).stage == "reading":
        pass
    run.close()
    (state,) = autoencoders_folder().glob("*.partial/state/toy.json")
    state.write_text("{")
    rest = list(train_autoencoder(opened, images, SETTINGS, make=ToyTrainer))
    assert steps(rest) == [1, 2, 3, 4, 5, 6, 6]


@pytest.mark.parametrize(("kind", "name"), [("topk", "top-k (k = 8)"), ("matryoshka", "JumpReLU")])
def test_each_kind_is_written_as_what_it_is(opened: OpenModel, images: Drawn, kind: str, name: str) -> None:
    _, latents = finished(opened, images, SETTINGS.model_copy(update={"kind": kind}))
    assert latents.activation.name == name


def test_a_short_name_and_eight_latents_for_each_unit_are_the_usual(opened: OpenModel, images: Drawn) -> None:
    _, latents = finished(opened, images, TrainingSettings(layer="1", steps=1, batch=16, active=8))
    assert (latents.layer, latents.count) == (LAYER, 8 * latents.width)


def test_a_folder_that_holds_something_is_left_alone(opened: OpenModel, images: Drawn, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="is there already"):
        finished(opened, images, folder=tmp_path / "mine")
    (tmp_path / "empty").mkdir()
    end, _ = finished(opened, images, folder=tmp_path / "empty")
    assert end.folder == tmp_path / "empty"


def test_too_little_to_learn_from_is_said(opened: OpenModel, images: Drawn) -> None:
    with pytest.raises(UsageError, match="too few to learn from in steps of 1,024"):
        finished(opened, images, TrainingSettings(layer=LAYER, tokens="class"))
    with pytest.raises(UsageError, match="16 are to be active"):
        finished(opened, images, TrainingSettings(layer=LAYER, latents=8, active=16))


def test_two_processes_do_not_train_the_same(opened: OpenModel, images: Drawn) -> None:
    folder = training.autoencoder_folder(opened, images, SETTINGS)
    with alone(folder), pytest.raises(ClipDeskError, match="Another process trains this autoencoder"):
        finished(opened, images)
