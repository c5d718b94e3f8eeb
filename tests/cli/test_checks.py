"""``clipdesk check``: verdicts on pictures, and what cannot be checked."""

from __future__ import annotations

import json

import numpy as np
import pytest
from clip.model import CLIP
from PIL import Image

from clipdesk.cli import checking
from clipdesk.export.png import read_png
from clipdesk.models.names import parse_name
from tests.cli.conftest import Command
from tests.cli.surveys import SHORT, photos, save_twin

MODEL = ("--model", "SMALL")
QUICK = ("--iterations", "3", "--views", "1", "--size", "64")


@pytest.fixture
def surveyed(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line, with a survey of a layer and a picture of a unit; its words are those of the scenes."""
    monkeypatch.setattr(checking, "usual_concepts", lambda _: "scenes")
    photos(clipdesk.folder / "photos")
    assert clipdesk("survey", "photos", *MODEL, "--layers", SHORT, "--device", "cpu").code == 0
    made = clipdesk("render", *MODEL, *QUICK, "--layer", SHORT, "--neuron", "5", "--output", "a.png")
    assert made.code == 0
    return clipdesk


def test_a_picture_is_checked_by_its_recipe(surveyed: Command) -> None:
    asked = surveyed("check", "a.png", "--json")
    assert asked.code == 0
    (row,) = json.loads(asked.out)
    assert (row["file"], row["target"]) == ("a.png", f"{SHORT}:5")
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
    assert json.loads(checked.out)[0]["target"] == f"{SHORT}:5"


def test_a_check_is_kept_on_request(surveyed: Command) -> None:
    before = (surveyed.folder / "a.png").read_bytes()
    (row,) = json.loads(surveyed("check", "a.png", "--json").out)
    assert (surveyed.folder / "a.png").read_bytes() == before
    assert surveyed("check", "a.png", "--keep").code == 0
    assert f"{row['verdict']}: {row['why']}" in surveyed("show", "a.png").out


def test_a_check_of_another_target_is_not_kept(surveyed: Command) -> None:
    before = (surveyed.folder / "a.png").read_bytes()
    for other in (("--unit", f"{SHORT}:6"), ("--target", '"a star"')):
        refused = surveyed("check", "a.png", *MODEL, *other, "--keep")
        assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
        assert "--keep writes into a picture what is found of its own target" in refused.err
    assert (surveyed.folder / "a.png").read_bytes() == before


def test_one_that_cannot_be_checked_does_not_stop_the_others(surveyed: Command) -> None:
    Image.fromarray(np.zeros((9, 9, 3), dtype=np.uint8)).save(surveyed.folder / "none.png")
    found = surveyed("check", "none.png", "missing.png", "a.png", "--json")
    assert found.code == 1
    assert [row["file"] for row in json.loads(found.out)] == ["a.png"]
    assert found.err.count("\n") == 3, "two pictures, and that no other model reads the third"


def test_texts_and_sums_are_checked(surveyed: Command) -> None:
    written = (f"{SHORT}:5 - {SHORT}:6", f"others({SHORT}:5)")
    targets = [("--text", "a red star"), *(("--target", each) for each in written)]
    for number, target in enumerate(targets):
        assert surveyed("render", *MODEL, *QUICK, *target, "--output", f"{number}.png").code == 0
    found = surveyed("check", "0.png", "1.png", "2.png", "--json")
    assert [row["target"] for row in json.loads(found.out)] == ['"a red star"', written[0]]
    assert "2.png: A survey does not know the mean size of a layer's units" in found.err


def test_a_second_model_reads_the_pictures(surveyed: Command, resnet: CLIP) -> None:
    alone = surveyed("check", "a.png", "--json")
    assert "--reader MODEL" in alone.err
    assert json.loads(alone.out)[0]["reader"] is None
    save_twin(resnet, surveyed.folder / "other.pt")
    found = surveyed("check", "a.png", "--reader", "other.pt", "--json")
    (row,) = json.loads(found.out)
    assert found.err == ""
    assert row["reader"].endswith("other.pt")
    assert "no other model" not in row["why"]
    assert "has to be another one" in surveyed("check", "a.png", "--reader", "SMALL").err


def test_what_pictures_are_to_show_is_said_once(surveyed: Command) -> None:
    both = surveyed("check", "a.png", "--unit", f"{SHORT}:5", "--target", '"a star"')
    assert (both.code, both.err.count("\n")) == (2, 1)
    photo = surveyed("check", "photos/cats/00.png", *MODEL, "--target", '"a star"', "--json")
    assert json.loads(photo.out)[0]["target"] == '"a star"'


def test_other_weights_are_said(surveyed: Command, vit: CLIP) -> None:
    save_twin(vit, surveyed.folder / "twin.pt")
    other = ("--model", "twin.pt")
    assert surveyed("survey", "photos", *other, "--layers", SHORT, "--device", "cpu").code == 0
    assert "other weights" in surveyed("check", "a.png", *other).err


def test_without_a_picture_it_says_what_to_name(clipdesk: Command) -> None:
    assert "Name the pictures" in clipdesk("check").err


def test_a_thorough_check_renders_and_says_what_it_needs(surveyed: Command, resnet: CLIP) -> None:
    # Before the cheap part is computed, and before a survey is missed.
    lacking = surveyed("check", "a.png", "--thorough", "--survey", "nowhere")
    assert "none is known for small" in lacking.err
    assert "Name one: --reader MODEL" in lacking.err
    save_twin(resnet, surveyed.folder / "other.pt")
    asked = ("--reader", "other.pt", "--thorough", "--json")
    (row,) = json.loads(surveyed("check", "a.png", *asked).out)
    assert -1 <= row["agreement"] <= 1
    assert -1 <= row["control"] <= 1
    assert row["word"]
    photo = surveyed("check", "photos/cats/00.png", *MODEL, "--unit", f"{SHORT}:5", *asked, "--survey", "nowhere")
    assert "Only pictures with a recipe" in photo.err


def test_only_a_thorough_check_opens_a_large_second_model_by_itself(
    surveyed: Command, resnet: CLIP, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_twin(resnet, surveyed.folder / "other.pt")
    monkeypatch.setattr(checking, "thorough_reader", lambda _: parse_name(surveyed.folder / "other.pt"))
    (cheap,) = json.loads(surveyed("check", "a.png", "--json").out)
    assert cheap["reader"] is None
    (row,) = json.loads(surveyed("check", "a.png", "--thorough", "--json").out)
    assert row["reader"].endswith("other.pt")
    assert -1 <= row["agreement"] <= 1


def test_the_best_of_several_seeds_is_rendered_checked_and_kept(surveyed: Command, vit: CLIP) -> None:
    save_twin(vit, surveyed.folder / "twin.pt")
    options = (*MODEL, *QUICK, "--layer", SHORT, "--neuron", "5", "--reader", "twin.pt")
    made = surveyed("render", *options, "--seed", "3", "--best-of", "2", "--output", "best.png")
    assert made.code == 0, made.err
    assert made.out.splitlines() == ["best.png"]
    kept = next(line for line in made.err.splitlines() if line.startswith("best.png: seed "))
    seed = kept.removeprefix("best.png: seed ").partition(" ")[0]
    scores = {place: float(kept.partition(f"{place}: ")[2][:4]) for place in ("3", "4")}
    assert scores[seed] == max(scores.values())
    record = read_png(surveyed.folder / "best.png").check
    assert record is not None
    assert record.score == pytest.approx(scores[seed], abs=0.006)


def test_best_of_is_refused_where_it_means_nothing(surveyed: Command) -> None:
    unit = (*MODEL, *QUICK, "--layer", SHORT, "--neuron", "5")
    for options, reason in (
        ((*unit, "--reader", "demo"), "--reader is of --best-of"),
        ((*unit, "--best-of", "2", "--animation", "gif"), "Leave out --animation or --best-of"),
        (("--from", "a.png", "--best-of", "2"), "Leave out --best-of"),
        ((*unit, "--best-of", "1"), "2<=x<=64"),
        ((*unit[:-4], "--layer", "0.mlp.gelu", "--neuron", "5", "--best-of", "2"), "does not have"),
    ):
        refused = surveyed("render", *options, "--output", "new.png")
        assert refused.code == 2
        assert reason in refused.err
        assert not (surveyed.folder / "new.png").exists()


def test_an_embedded_reader_that_has_seen_other_things_is_noted(
    surveyed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = "Note: demo has seen other things than the model, so what it reads means little."
    assert note not in surveyed("check", "a.png", "--reader", "demo").err
    monkeypatch.setattr(checking, "usual_concepts", lambda _: "photo")
    assert note in surveyed("check", "a.png", "--reader", "demo").err.splitlines()
