"""``clipdesk sae train``: what it makes, says and refuses."""

import importlib.util
import json
from functools import partial
from pathlib import Path

import pytest

from clipdesk.activations.autoencoders.training import train_autoencoder
from clipdesk.network.latents.opening import read_latents
from tests.activations.autoencoders.toy import ToyTrainer
from tests.cli.conftest import Command
from tests.cli.surveys import photos

TRAIN = ("sae", "train", "1", "--images", "photos", "--model", "SMALL", "--device", "cpu", "--steps", "10")
SMALL = (*TRAIN, "--batch", "16", "--latents", "64", "--active", "8")


@pytest.fixture
def _toy(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    photos(clipdesk.folder / "photos", 40)
    for module in ("clipdesk.cli.training", "clipdesk.jobs.here"):
        monkeypatch.setattr(f"{module}.train_autoencoder", partial(train_autoencoder, make=ToyTrainer))
    monkeypatch.setattr("clipdesk.cli.training.check_library", lambda: None)


@pytest.mark.usefixtures("_toy")
def test_a_training_prints_its_folder_and_its_fit(clipdesk: Command) -> None:
    result = clipdesk(*SMALL)
    assert result.code == 0
    latents = read_latents(Path(result.out.strip()))
    assert (latents.count, latents.layer) == (64, "visual.transformer.resblocks.1")
    lines = result.err.splitlines()
    assert any(line.startswith("reading 41/41 pictures") for line in lines)
    assert any(line.startswith("training 10/10 steps") for line in lines)
    assert lines[-1].startswith("R² ")
    again = clipdesk(*SMALL)
    assert (again.code, again.out) == (0, result.out)


@pytest.mark.usefixtures("_toy")
def test_it_is_written_where_one_says_as_json(clipdesk: Command) -> None:
    result = clipdesk(*SMALL, "-o", "mine", "--json")
    found = json.loads(result.out)
    assert Path(found["folder"]) == clipdesk.folder / "mine"
    assert set(found["fit"]) == {"r2", "l0", "dead", "tokens"}
    config = json.loads((clipdesk.folder / "mine" / "cfg.json").read_text())
    assert (config["architecture"], config["k"]) == ("topk", 8)
    assert "is there already" in clipdesk(*SMALL, "-o", "mine").err


@pytest.mark.usefixtures("_toy")
def test_later_it_waits_in_the_queue(clipdesk: Command) -> None:
    assert clipdesk(*SMALL, "-o", "mine", "--later").out.startswith("Job 1 waits.")
    (row,) = json.loads(clipdesk("queue", "list", "--json").out)
    assert (row["status"], row["first"]) == ("waiting", "Sparse autoencoder of 1")
    assert clipdesk("queue", "run").code == 0
    assert read_latents(clipdesk.folder / "mine").count == 64


def test_without_the_library_nothing_is_begun(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    result = clipdesk("sae", "train", "4", "--model", "demo")
    assert (result.code, result.out) == (1, "")
    assert result.err == "Error: Training a sparse autoencoder needs SAELens: pip install 'clipdesk[sae]'\n"
