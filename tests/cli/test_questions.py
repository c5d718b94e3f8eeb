"""``clipdesk find``, ``layer``, ``examples`` and ``words``: answers of a survey, and which survey answers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from clip.model import CLIP
from PIL import Image

from clipdesk.activations import storing
from clipdesk.activations.questions.clusters import Clusters
from clipdesk.activations.questions.layer import COLUMNS as TABLE_COLUMNS
from clipdesk.activations.storing import all_surveys, open_survey
from clipdesk.cli import asked, asking, opening
from clipdesk.cli.questions import COLUMNS
from clipdesk.network.pool import ModelPool
from tests.cli.conftest import Command
from tests.cli.surveys import LAYER, SHORT, photos, save_twin
from tests.cli.test_terminal import is_clean

MODEL = ("--model", "SMALL")


@pytest.fixture
def surveyed(clipdesk: Command) -> Command:
    """The command line, with a survey of two layers."""
    photos(clipdesk.folder / "photos")
    made = clipdesk("survey", "photos", *MODEL, "--layers", f"{SHORT},0.mlp", "--device", "cpu")
    assert made.code == 0
    return clipdesk


def test_units_are_found_by_a_text(surveyed: Command) -> None:
    found = json.loads(surveyed("find", "a heart", *MODEL, "--count", "7", "--json").out)
    assert len(found) == 7
    assert found == sorted(found, key=lambda row: -row["correlation"])
    lines = surveyed("find", "a heart", *MODEL, "--count", "7").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [row["unit"] for row in found], "as they can be typed again"
    inside = json.loads(surveyed("find", "a heart", *MODEL, "--layer", SHORT, "--pooling", "max", "--json").out)
    assert {(row["unit"].partition(":")[0], row["pooling"]) for row in inside} == {(SHORT, "max")}


def test_units_are_found_by_an_image_or_a_unit(surveyed: Command) -> None:
    by_image = json.loads(surveyed("find", "--image", "photos/cats/00.png", *MODEL, "--json").out)
    assert len(by_image) == 20
    like = json.loads(surveyed("find", "--like", f"{SHORT}:3", *MODEL, "--json").out)
    assert f"{SHORT}:3" not in {row["unit"] for row in like}
    full = json.loads(surveyed("find", "--like", f"{LAYER}:3", *MODEL, "--json").out)
    assert full == like


def test_units_of_another_model_that_are_like_one_are_found(surveyed: Command, vit: CLIP) -> None:
    other = surveyed.folder / "other.pt"
    save_twin(vit, other)
    like = ("find", "--like", f"{SHORT}:3", *MODEL, "--in-model", str(other), "--json")
    refused = surveyed(*like)
    assert "There is no survey of other" in refused.err
    layers = ("--layers", f"{SHORT},0.mlp", "--device", "cpu")
    assert surveyed("survey", "photos", "--model", str(other), *layers).code == 0
    found = json.loads(surveyed(*like, "--pooling", "mean").out)
    assert found[0]["unit"] == f"{SHORT}:3"
    assert found[0]["correlation"] > 0.99
    assert len(found) == 20


def test_a_table_of_units_on_a_terminal(surveyed: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    out = surveyed("find", "a heart", *MODEL, "--count", "3").out
    assert 'Units for "a heart" in small-pt-photos-' in " ".join(out.split())
    assert "correlation" in out
    assert is_clean(surveyed("find", "x\x1b[2J\u202e", *MODEL).out)


def test_the_units_of_a_layer_are_sorted_and_dead_ones_named(
    surveyed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = json.loads(surveyed("layer", SHORT, *MODEL, "--sort", "max", "--json").out)
    assert len(rows) == 20
    assert rows == sorted(rows, key=lambda row: -row["maximum"])
    assert set(TABLE_COLUMNS) <= set(rows[0])
    least = json.loads(
        surveyed("layer", SHORT, *MODEL, "--sort", "density", "--ascending", "--count", "2", "--json").out
    )
    assert [row["density"] for row in least] == sorted(row["density"] for row in least)
    dense = surveyed("layer", SHORT, *MODEL).err
    assert "of 256 units are dense: " in dense
    assert " of 256 units are redundant: " in dense
    assert "are dead" not in surveyed("layer", "0.mlp", *MODEL).err
    assert COLUMNS == TABLE_COLUMNS


def test_examples_go_from_the_top_of_the_range_to_the_bottom(surveyed: Command) -> None:
    found = json.loads(surveyed("examples", f"{SHORT}:3", *MODEL, "--count", "4", "--json").out)
    assert found["unit"] == f"{LAYER}:3"
    assert len(found["top"]) == len(found["bottom"]) == 4
    assert len(found["bins"]) == 5
    assert sum(map(len, found["groups"])) == 24
    survey = open_survey(next(iter(all_surveys()))[0])
    statistics = survey.statistics[LAYER, "mean"]
    assert found["top"][0]["value"] == pytest.approx(float(statistics.most[3]), rel=1e-4)
    assert found["bottom"][0]["value"] == pytest.approx(float(statistics.least[3]), rel=1e-4)
    assert found["top"][0]["place"].endswith(".png")
    assert found["top"][0]["label"] in ("cats", "dogs")
    lines = surveyed("examples", f"{SHORT}:3", *MODEL).out.splitlines()
    assert lines[0].split("\t")[0] == "top"
    assert lines[-1].split("\t")[0] == "bottom"


def test_groups_among_the_top_pictures_are_said(surveyed: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Clusters(((0, 1, 2), (3, 4)), 0.4, 0.5)
    monkeypatch.setattr(asking, "clusters", lambda *_, **__: found)
    result = surveyed("examples", f"{SHORT}:3", *MODEL)
    assert result.err.splitlines()[-1] == "Its top pictures are of 2 kinds: groups of 3, 2."


def test_a_contact_sheet_is_written(surveyed: Command) -> None:
    result = surveyed("examples", f"{SHORT}:3", *MODEL, "-o", "sheet.png")
    assert result.out.splitlines()[-1] == "sheet.png"
    with Image.open(surveyed.folder / "sheet.png") as sheet:
        assert sheet.width > 4 * 128
    (surveyed.folder / "photos").rename(surveyed.folder / "away")
    away = surveyed("examples", f"{SHORT}:3", *MODEL, "-o", "again.png", "--json")
    assert "are thumbnails, since the images are away or have changed" in away.err
    assert json.loads(away.out)["top"], "the path is not within the JSON"
    assert surveyed("examples", f"{SHORT}:3", *MODEL, "-o", "sheet.gif").code == 2


def test_words_of_a_unit_and_of_a_layer(surveyed: Command) -> None:
    (surveyed.folder / "mine.txt").write_text("cat\ndog\nred\nblue\n")
    one = json.loads(surveyed("words", f"{SHORT}:3", *MODEL, "--concepts", "mine.txt", "--json").out)
    ((unit,), held) = (one["units"], one["held_out"])
    assert (unit["unit"], one["reader"].endswith("small.pt")) == (3, True)
    assert {word["word"] for word in unit["words"]} <= {"cat", "dog", "red", "blue"}
    assert held > 0
    lines = surveyed("words", SHORT, *MODEL, "--concepts", "mine.txt").out.splitlines()
    assert len(lines) == 256
    assert lines[3].startswith(f"{SHORT}:3\t")


def test_words_that_too_few_pictures_test_have_no_score(surveyed: Command) -> None:
    photos(surveyed.folder / "few", count=3, broken=0)
    surveyed("survey", "few", *MODEL, "--layers", SHORT, "--device", "cpu")
    found = surveyed("words", SHORT, *MODEL, "--images", "few", "--concepts", "scenes").out
    assert "(weak)" in found
    assert "nan" not in found


def test_another_model_reads_the_words(surveyed: Command) -> None:
    asked = surveyed("words", f"{SHORT}:3", *MODEL, "--concepts", "scenes", "--reader", "demo-rn", "--json")
    found = json.loads(asked.out)
    assert (asked.code, found["reader"]) == (0, "demo-rn")
    assert 0 < found["held_out"] < len(open_survey(next(all_surveys())[0]).pictures)
    refused = surveyed("words", f"{SHORT}:3", *MODEL, "--reader", "nonsense")
    assert (refused.code, "nonsense" in refused.err) == (2, True)


def test_a_pipe_gets_undefined_numbers_as_nothing_and_json_as_null(surveyed: Command) -> None:
    photos(surveyed.folder / "one", count=1, broken=0)
    surveyed("survey", "one", *MODEL, "--layers", SHORT, "--device", "cpu")
    rows = json.loads(surveyed("layer", SHORT, *MODEL, "--images", "one", "--json").out)
    assert rows[0]["clarity"] is None
    assert rows[0]["note"] == "dead"
    refused = surveyed("find", "a heart", *MODEL, "--images", "one")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "The survey has one picture only" in refused.err
    words = ("words", f"{SHORT}:3", "--concepts", "scenes")
    for question in (("find", "--like", f"{SHORT}:3"), ("examples", f"{SHORT}:3"), words):
        assert surveyed(*question, *MODEL, "--images", "one").code == 0, question


def test_the_survey_that_was_asked_for_answers(surveyed: Command) -> None:
    photos(surveyed.folder / "others", count=9, broken=0)
    surveyed("survey", "others", *MODEL, "--layers", SHORT, "--device", "cpu")

    def asked_of(*options: str) -> str:
        return str(json.loads(surveyed("examples", f"{SHORT}:3", "--json", *options).out)["survey"])

    assert asked_of(*MODEL).startswith("small-pt-others-"), "the newest"
    said = surveyed("examples", f"{SHORT}:3", *MODEL).err
    assert ", the newest. Ask another with --images or --survey." in said
    assert surveyed("examples", f"{SHORT}:3", *MODEL, "--images", "others").err.count("Asked") == 0
    assert asked_of(*MODEL, "--images", "photos").startswith("small-pt-photos-")
    assert asked_of("--survey", "small-pt-photos").startswith("small-pt-photos-"), "its model need not be named"
    ((new, _), _) = all_surveys()
    new.rename(surveyed.folder / "moved")
    assert asked_of("--survey", "./moved") == "moved"
    both = surveyed("examples", f"{SHORT}:3", "--survey", "small", "--images", "photos")
    assert (both.code, both.err) == (2, "Error: --survey names one survey, so leave out --images\n")


def test_a_survey_of_the_same_file_read_otherwise_does_not_answer(surveyed: Command) -> None:
    ((folder, manifest),) = all_surveys()
    other = f"{manifest.model}?gelu"
    none = surveyed("layer", SHORT, "--model", other)
    assert none.code == 2
    assert "There is no survey of" in none.err
    named = surveyed("layer", SHORT, "--model", other, "--survey", folder.name)
    assert named.code == 2
    assert named.err.endswith(f"{folder.name} is a survey of {manifest.model}, not of {other}\n")
    surveyed("survey", "photos", "--model", other, "--layers", SHORT, "--device", "cpu")
    assert surveyed("layer", SHORT, "--model", other).code == surveyed("layer", SHORT, *MODEL).code == 0
    ((own, _),) = [each for each in all_surveys() if each[0] != folder]
    assert surveyed("layer", SHORT, "--model", other, "--survey", own.name).code == 0
    named = surveyed("layer", SHORT, *MODEL, "--survey", own.name)
    assert named.err.endswith(f"{own.name} is a survey of {other}, not of {manifest.model}\n")


def test_a_survey_of_other_weights_does_not_answer(
    surveyed: Command, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = torch.load(checkpoint, weights_only=True)
    torch.save({name: value * 2 for name, value in states.items()}, checkpoint)
    result = surveyed("find", "a heart", *MODEL)
    assert result.code == 2
    command = f"clipdesk survey IMAGES --model {checkpoint}"
    assert result.err.splitlines()[-1] == f"Error: There is no survey of small.pt. Make one with: {command}"
    # A pool keeps the old weights for as long as it lives.
    pool = ModelPool()
    monkeypatch.setattr(opening, "default_pool", lambda: pool)
    named = surveyed("find", "a heart", "--survey", "small")
    assert named.code == 2
    assert "small.pt is another file now" in named.err


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (("find",), "Say what to find"),
        (("find", "a", "--like", "1.mlp:2"), "Say what to find"),
        (("find", "a", "--in-model", "demo"), "--in-model is for --like LAYER:UNIT"),
        (("find", " "), "The text is empty"),
        (("find", "--image", "none.png"), "Cannot read none.png"),
        (("find", "--like", "nonsense"), "'nonsense' is not a unit. Write LAYER:UNIT"),
        (("find", "a heart", "--layer", "9.mlp"), "There is no layer '9.mlp'"),
        (
            ("find", "a heart", "--layer", "1.attn"),
            "The survey does not have 1.attn. Make one that does with: clipdesk",
        ),
        (("find", "a heart", "--images", "elsewhere"), "There is no survey of small.pt over elsewhere"),
        (("find", "a heart", "--survey", "none"), "There is no survey 'none'"),
        (("layer", "nonsense"), "There is no layer 'nonsense'"),
        (("examples", "1.mlp.gelu"), "'1.mlp.gelu' is not a unit"),
        (("examples", "1.mlp.gelu:256"), "has no neuron 256"),
        (("words", "1.mlp.gelu:256"), "has no neuron 256"),
        (("words", "1.mlp.gelu:3", "--concepts", "none.txt"), "Cannot read none.txt"),
        (("words", "1.mlp.gelu:3", "--concepts", "nonsense"), "There is no list of concepts 'nonsense'"),
        (("words", "1.mlp.gelu:3", "--concepts", "large.txt"), "it has more than 10 MB"),
    ],
)
def test_wrong_questions_are_one_line(surveyed: Command, question: tuple[str, ...], said: str) -> None:
    with (surveyed.folder / "large.txt").open("wb") as file:
        file.truncate(10**9)
    result = surveyed(*question, *MODEL)
    assert result.code == 2
    last = result.err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert said in last
    assert result.out == ""


def test_a_damaged_survey_is_named(surveyed: Command) -> None:
    ((folder, _),) = all_surveys()
    (folder / storing.EMBEDDINGS).write_bytes(b"none")
    result = surveyed("find", "a heart", *MODEL)
    assert result.err.splitlines()[-1].endswith("is damaged. Delete it, and make it anew with: clipdesk survey")


def test_an_embedded_model_is_surveyed_when_it_is_first_asked(
    clipdesk: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "SCENES", "scenes:20")
    for wrong in ("examples", "9.mlp:1"), ("examples", "5.mlp:999"), ("layer", "5.ln_2"):
        refused = clipdesk(*wrong)
        assert (refused.code, "made now" in refused.err) == (2, False), "before a survey is made for it"
    result = clipdesk("find", "red", "--count", "3")
    assert result.code == 0
    assert len(result.out.splitlines()) == 3
    assert result.err.startswith("demo has no survey yet, so it is made now, once.\n")
    assert "20/20 pictures" in result.err
    assert clipdesk("find", "red", "--count", "3").err == ""
    assert clipdesk("find", "red", "--images", "mine").code == 2


def test_hostile_places_and_labels_are_escaped(surveyed: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ((folder, _),) = all_surveys()
    path = folder / storing.PICTURES
    hostile = json.dumps("x\x1b[2J\u202e\ty")[1:-1]
    path.write_text(
        path.read_text().replace('"label": "', f'"label": "{hostile}').replace('"place": "', f'"place": "{hostile}')
    )
    out = surveyed("examples", f"{SHORT}:3", *MODEL, "-o", "sheet.png").out
    assert is_clean(out.replace("\t", ""))
    assert all(line.count("\t") == 3 for line in out.splitlines()[:-1])
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert is_clean(surveyed("examples", f"{SHORT}:3", *MODEL).out)


def test_answers_do_not_depend_on_what_is_asked_first(surveyed: Command) -> None:
    first = surveyed("find", "a cat", *MODEL).out
    surveyed("find", "--like", f"{SHORT}:3", *MODEL)
    assert surveyed("find", "a cat", *MODEL).out == first
    assert np.isfinite([float(line.split("\t")[1]) for line in first.splitlines()]).all()


def test_words_that_the_model_has_not_learnt_are_noted_before_what_is_found(clipdesk: Command) -> None:
    photos(clipdesk.folder / "photos")
    model = ("--model", "photo")
    assert clipdesk("survey", "photos", *model, "--layers", "layer4", "--device", "cpu").code == 0
    found = clipdesk("find", "a dog", *model)
    assert 'Note: photo has not learnt "dog", so what it makes of the text means little.' in found.err.splitlines()
    assert found.out.startswith("layer4:")
    assert "Note" not in clipdesk("find", "a strawberry", *model).err
