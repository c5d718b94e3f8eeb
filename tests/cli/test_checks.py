"""``clipdesk check``: verdicts on pictures, and what cannot be checked."""

from __future__ import annotations

import json

import numpy as np
import pytest
from clip.model import CLIP
from PIL import Image

from tests.cli.conftest import Command
from tests.cli.surveys import SHORT, photos, save_twin

MODEL = ("--model", "SMALL")
QUICK = ("--iterations", "3", "--views", "1", "--size", "64")


@pytest.fixture
def surveyed(clipdesk: Command) -> Command:
    """The command line, with a survey of a layer and a picture of a unit."""
    photos(clipdesk.folder / "photos")
    assert clipdesk("survey", "photos", *MODEL, "--layers", SHORT, "--device", "cpu").code == 0
    made = clipdesk("render", *MODEL, *QUICK, "--layer", SHORT, "--neuron", "5", "--output", "a.png")
    assert made.code == 0
    return clipdesk


def test_a_picture_is_checked_by_its_recipe(surveyed: Command) -> None:
    asked = surveyed("check", "a.png", "--json")
    assert asked.code == 0
    (row,) = json.loads(asked.out)
    assert (row["file"], row["unit"]) == ("a.png", f"{SHORT}:5")
    assert row["verdict"] in ("trust", "doubt", "no")
    assert 0 <= row["score"] <= 1
    assert 0 <= row["percentile"] <= 100
    line = surveyed("check", "a.png").out
    assert line.split("\t")[:2] == ["a.png", row["verdict"]]


def test_a_photo_needs_a_unit(surveyed: Command) -> None:
    photo = "photos/cats/00.png"
    refused = surveyed("check", photo)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "--unit LAYER:UNIT" in refused.err
    checked = surveyed("check", photo, *MODEL, "--unit", f"{SHORT}:5", "--json")
    assert json.loads(checked.out)[0]["unit"] == f"{SHORT}:5"


def test_one_that_cannot_be_checked_does_not_stop_the_others(surveyed: Command) -> None:
    Image.fromarray(np.zeros((9, 9, 3), dtype=np.uint8)).save(surveyed.folder / "none.png")
    found = surveyed("check", "none.png", "missing.png", "a.png", "--json")
    assert found.code == 1
    assert [row["file"] for row in json.loads(found.out)] == ["a.png"]
    assert found.err.count("\n") == 2


def test_a_text_and_other_weights_are_said(surveyed: Command, vit: CLIP) -> None:
    assert surveyed("render", *MODEL, *QUICK, "--text", "a star", "--output", "t.png").code == 0
    assert "only pictures of single units" in surveyed("check", "t.png").err
    save_twin(vit, surveyed.folder / "twin.pt")
    other = ("--model", "twin.pt")
    assert surveyed("survey", "photos", *other, "--layers", SHORT, "--device", "cpu").code == 0
    assert "other weights" in surveyed("check", "a.png", *other).err


def test_without_a_picture_it_says_what_to_name(clipdesk: Command) -> None:
    assert "Name the pictures" in clipdesk("check").err
