"""Latents of a sparse autoencoder in every command that takes a model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clipdesk.export.png import read_recipe
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.latents.activations import TopK
from clipdesk.network.latents.algebra import Tokens
from clipdesk.network.latents.opening import read_latents
from clipdesk.network.latents.sae_lens import write_sae_lens
from clipdesk.network.pool import default_pool, open_model
from tests.cli.conftest import Command
from tests.conftest import small_vit
from tests.network.latents.perfect import perfect, useless

BLOCK = "visual.transformer.resblocks.0"
LATENTS = f"{BLOCK}.latents"
QUICK = ["--device", "cpu", "--iterations", "3", "--views", "1"]
MODEL = ["--model", "mine.pt", "--sae", "own"]


@pytest.fixture
def files(clipdesk: Command) -> Path:
    """A folder with a model and a sparse autoencoder for the patches of its first block."""
    folder = clipdesk.folder
    torch.save({name: value.half() for name, value in small_vit().state_dict().items()}, folder / "mine.pt")
    latents = replace(perfect(64, BLOCK, Tokens.PATCHES), activation=TopK(40))
    write_sae_lens(latents, folder / "own")
    return folder


@pytest.mark.usefixtures("files")
def test_latents_are_listed_with_how_well_they_fit(clipdesk: Command) -> None:
    done = clipdesk("layers", *MODEL, "--json")
    rows = {row["layer"]: row for row in json.loads(done.out)}
    assert (done.code, rows[LATENTS]["units"], rows[LATENTS]["kind"]) == (0, 128, "Latents")
    assert "own (SAELens, top-k (k = 40)): 128 latents of" in done.err
    assert "R² 0.9" in done.err
    done = clipdesk("neurons", *MODEL, "--layer", "0.latents", "--json")
    assert json.loads(done.out)[-1] == {"index": 127, "name": "latent_127"}


def test_a_render_maximises_the_pre_activation_and_its_recipe_finds_the_file_again(
    clipdesk: Command, files: Path
) -> None:
    # With the whole gradient, to be compared with a neuron's.
    asked = ["--layer", "0.latents", "--neuron", "5", "--latent-gradient", "whole", *QUICK]
    done = clipdesk("render", *MODEL, *asked, "--output", "a.png")
    assert done.code == 0, done.err
    recipe = read_recipe(files / "a.png")
    assert recipe.model == f"{files / 'mine.pt'}+sae:[{files / 'own'}]"
    assert recipe.target.label == f"{LATENTS}:5"
    opened = open_model(recipe.model, "cpu")
    assert recipe.latents == {str(files / "own"): read_latents(files / "own").sha256}
    assert f"{files / 'own'} (SHA-256 {recipe.latents[str(files / 'own')]})" in clipdesk("show", "a.png").out
    assert recipe.weights == opened.sha256 != open_model(files / "mine.pt", "cpu").sha256
    # Latent 5 of the perfect one is unit 5 of the block where that is above zero: before ReLU, the unit itself.
    done = clipdesk("render", "--from", "a.png", "--output", "b.png")
    assert done.code == 0, done.err
    done = clipdesk("render", *MODEL, "--target", "0:5", *QUICK, "--output", "c.png")
    assert done.code == 0, done.err
    pictures = [np.asarray(Image.open(files / f"{name}.png").convert("RGB"), int) for name in "abc"]
    assert np.abs(pictures[0] - pictures[1]).max() == 0
    assert np.abs(pictures[0] - pictures[2]).max() <= 1


@pytest.mark.usefixtures("files")
def test_the_gradient_of_latents_is_a_setting(clipdesk: Command) -> None:
    pictures = []
    for gradient in ("turning", "whole"):
        asked = [
            "--layer",
            "0.latents",
            "--neuron",
            "5",
            *QUICK,
            "--latent-gradient",
            gradient,
            "--output",
            f"{gradient}.png",
        ]
        assert clipdesk("render", *MODEL, *asked).code == 0
        pictures.append(np.asarray(Image.open(clipdesk.folder / f"{gradient}.png")))
    assert not np.array_equal(pictures[0], pictures[1])


def test_another_file_in_its_place_is_refused(clipdesk: Command, files: Path) -> None:
    assert clipdesk("render", *MODEL, "--layer", "0.latents", "--neuron", "5", *QUICK, "--output", "a.png").code == 0
    write_sae_lens(replace(read_latents(files / "own"), activation=TopK(41)), files / "own")
    default_pool.cache_clear()
    done = clipdesk("render", "--from", "a.png", "--output", "b.png")
    assert done.code != 0
    assert "is another file now" in done.err
    assert not (files / "b.png").exists()


def test_a_batch_a_survey_and_questions_have_latents(clipdesk: Command, files: Path) -> None:
    done = clipdesk("batch", *MODEL, "--layer", "0.latents", "--neuron-range", "0", "2", "1", *QUICK)
    assert done.code == 0, done.err
    pictures = list((files / "generated_images").rglob("*.png"))
    assert len(pictures) == 2
    # Whether they are active is said, and stands in recipes and in the metadata.
    assert done.err.count("the latent survives top-k (k = 40) at") + done.err.count("does not survive") == 2
    (metadata,) = (files / "generated_images").rglob("*.json")
    records = json.loads(metadata.read_text())["units"]
    for picture in pictures:
        ((label, active),) = read_recipe(picture).active.items()
        assert records[label.rpartition(":")[2]]["active"] == active.model_dump()
    done = clipdesk("survey", "scenes:30", *MODEL, "--device", "cpu")
    assert done.code == 0, done.err
    done = clipdesk("layer", "0.latents", *MODEL, "--json")
    assert done.code == 0, done.err
    assert len(json.loads(done.out)) > 0
    done = clipdesk("examples", "0.latents:5", *MODEL, "--json")
    assert done.code == 0, done.err
    best = json.loads(done.out)
    assert best


def test_a_survey_of_the_plain_model_answers_for_what_is_no_latent(clipdesk: Command, files: Path) -> None:
    done = clipdesk("survey", "scenes:30", "--model", MODEL[1], "--device", "cpu")
    assert done.code == 0, done.err
    done = clipdesk("examples", "0:5", *MODEL, "--json")
    assert done.code == 0, done.err
    done = clipdesk("examples", "0.latents:5", *MODEL, "--json")
    assert done.code != 0
    assert "There is no survey" in done.err
    # A picture of one of its neurons, rendered with the sparse autoencoder there, is checked by that survey.
    done = clipdesk("render", *MODEL, "--layer", "0", "--neuron", "5", "--output", "n.png", *QUICK)
    assert done.code == 0, done.err
    assert clipdesk("check", "n.png", "--json").code == 0


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nowhere", "There is no sparse autoencoder"),
        ("own?layer=9", "this model has no such layer"),
        ("own?x=3", "says nothing"),
        ("mine.pt", "is not a sparse autoencoder"),
        ("bad", "does not fit"),
    ],
)
def test_what_is_wrong_is_one_line(clipdesk: Command, files: Path, place: str, said: str) -> None:
    write_sae_lens(useless(64, BLOCK, Tokens.PATCHES), files / "bad")
    done = clipdesk("layers", "--model", "mine.pt", "--sae", place)
    assert done.code in (1, 2)
    assert said in done.err
    assert "Traceback" not in done.err


def test_several_may_be_given(clipdesk: Command, files: Path) -> None:
    write_sae_lens(perfect(64, "visual.transformer.resblocks.1", Tokens.CLASS), files / "other")
    done = clipdesk("layers", *MODEL, "--sae", "other", "--json")
    assert done.code == 0, done.err
    found = [row for row in json.loads(done.out) if row["kind"] == "Latents"]
    assert [(row["layer"], row["output"]) for row in found] == [
        (LATENTS, "16 x 128"),
        ("visual.transformer.resblocks.1.latents", "128"),
    ]


@pytest.mark.usefixtures("files")
def test_it_is_said_whether_a_latent_is_active_in_its_picture(clipdesk: Command) -> None:
    done = clipdesk("render", *MODEL, "--layer", "0.latents", "--neuron", "5", *QUICK, "--output", "a.png")
    assert "a.png: the latent survives top-k (k = 40) at" in done.err
    done = clipdesk("render", *MODEL, "--layer", "0", "--neuron", "5", *QUICK, "--output", "b.png")
    assert "latent" not in done.err
    done = clipdesk("render", *MODEL, "--target", "0.latents:5 - 0.latents:7", *QUICK, "--output", "c.png")
    assert "c.png: 0.latents:5 " in done.err
    assert "c.png: 0.latents:7 " in done.err
    assert "latent 0.latents:7" in clipdesk("show", "c.png").out


def test_a_latent_of_the_embedding_is_said_in_words(clipdesk: Command, files: Path) -> None:
    write_sae_lens(perfect(LayerInspector(small_vit()).visualizable("visual").units, "visual"), files / "end")
    model = ["--model", "mine.pt", "--sae", "end"]
    done = clipdesk("words", "visual.latents:3", *model, "--reading", "decoder", "--concepts", "scenes", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["words"]
    assert [each["cosine"] for each in found] == sorted((each["cosine"] for each in found), reverse=True)
    assert len(found) == 5
    refused = clipdesk("words", "0.latents:3", *MODEL, "--reading", "decoder")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "does not write into the image embedding" in refused.err
    assert clipdesk("words", "visual.latents", *model, "--reading", "decoder").code == 2


def test_what_a_latent_writes_is_a_target(clipdesk: Command, files: Path) -> None:
    done = clipdesk("render", *MODEL, "--target", "decoder(0.latents:5)", "--output", "d.png", *QUICK)
    assert done.code == 0, done.err
    assert read_recipe(files / "d.png").target.label == f"decoder({LATENTS}:5)"
    again = clipdesk("render", "--from", "d.png", "--output", "again.png")
    assert again.code == 0, again.err
    assert np.array_equal(np.asarray(Image.open(files / "d.png")), np.asarray(Image.open(files / "again.png")))
