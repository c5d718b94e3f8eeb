"""``clipdesk survey`` and ``surveys``: what they make, say and refuse."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from clipdesk.activations import scan as scanning
from clipdesk.activations import surveying
from clipdesk.activations.scan import Scanned, ScanState
from clipdesk.activations.storing import all_surveys, open_survey
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import ImageSet
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from tests.cli.conftest import Command
from tests.cli.surveys import LAYER, SHORT, photos
from tests.cli.test_processes import needs_signals, started
from tests.cli.test_terminal import is_clean
from tests.test_api import modules_after

SURVEY = ("survey", "photos", "--model", "SMALL", "--layers", SHORT, "--device", "cpu")


@pytest.fixture(autouse=True)
def _photos(clipdesk: Command) -> None:
    photos(clipdesk.folder / "photos")


def test_a_survey_prints_its_folder_and_says_what_was_left_out(clipdesk: Command) -> None:
    result = clipdesk(*SURVEY)
    assert result.code == 0
    ((folder, manifest),) = all_surveys()
    assert result.out == f"{folder}\n"
    lines = result.err.splitlines()
    assert "25/25 pictures" in lines[-3]
    assert lines[-2] == "24 pictures read, 1 left out:"
    assert lines[-1].startswith("  cats/broken0.jpg: ")
    assert {file.layer for file in manifest.layers} == {LAYER}


def test_only_the_first_pictures_that_were_left_out_are_named(clipdesk: Command) -> None:
    photos(clipdesk.folder / "photos", broken=8)
    result = clipdesk(*SURVEY, "--json")
    assert result.err.splitlines()[-7] == "24 pictures read, 8 left out:"
    assert "... and 3 more, all in" in result.err.splitlines()[-1]
    found = json.loads(result.out)
    assert (found["pictures"], len(found["left_out"])) == (24, 8)
    assert Path(found["folder"]).is_dir()


def test_only_what_is_new_in_a_folder_is_read(clipdesk: Command) -> None:
    clipdesk(*SURVEY)
    ((before, _),) = all_surveys()
    photos(clipdesk.folder / "photos", 30)
    lines = clipdesk(*SURVEY).err.splitlines()
    assert f"24 of 31 pictures are known already, from {before.name}." in lines
    assert lines[-2] == "30 pictures read, 1 left out:"
    (clipdesk.folder / "photos" / "dogs" / "03.png").unlink()
    lines = clipdesk(*SURVEY).err.splitlines()
    assert "Pictures of an earlier survey have changed or are gone, so all are read anew." in lines
    assert lines[-2] == "29 pictures read, 1 left out:"


def test_several_layers_are_named_with_commas_or_one_by_one(clipdesk: Command) -> None:
    clipdesk("survey", "photos", "--model", "SMALL", "--layers", "1.mlp.gelu,0.mlp", "--layers", "visual")
    ((_, manifest),) = all_surveys()
    assert {file.layer for file in manifest.layers} == {LAYER, "visual.transformer.resblocks.0.mlp", "visual"}


def test_a_survey_that_is_there_is_named_at_once(clipdesk: Command) -> None:
    first, again = clipdesk(*SURVEY), clipdesk(*SURVEY)
    assert again.out == first.out
    assert "pictures/s" not in again.err
    assert "24 pictures read, 1 left out:" in again.err


def test_surveys_are_listed_and_deleted(clipdesk: Command) -> None:
    assert clipdesk("surveys").err == "There are no surveys yet. Make one with: clipdesk survey\n"
    assert json.loads(clipdesk("surveys", "--json").out) == []
    clipdesk(*SURVEY)
    (row,) = json.loads(clipdesk("surveys", "--json").out)
    assert row["survey"].startswith("small-pt-photos-")
    wanted = {"pictures": 24, "left_out": 1, "layers": 1, "state": "up to date"}
    assert wanted.items() <= row.items()
    assert row["images"] == str(clipdesk.folder / "photos")
    assert clipdesk("surveys").out == f"{row['survey']}\n"
    assert clipdesk("surveys", "delete", "small-").out == f"{row['survey']} deleted\n"
    assert list(all_surveys()) == []
    assert len(list((clipdesk.folder / "photos").rglob("*.png"))) == 24, "the images stay"


def test_a_list_of_surveys_on_a_terminal_is_a_table(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    clipdesk(*SURVEY)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "300")
    out = clipdesk("surveys").out
    assert "left out" in out
    assert "up to date" in out


def test_what_is_another_now_is_said(clipdesk: Command, checkpoint: Path) -> None:
    clipdesk(*SURVEY)
    (clipdesk.folder / "photos" / "cats" / "00.png").unlink()
    states = torch.load(checkpoint, weights_only=True)
    torch.save({name: value * 2 for name, value in states.items()}, checkpoint)
    (row,) = json.loads(clipdesk("surveys", "--json").out)
    assert row["state"] == "the images have changed since; the model's file is another now"
    (clipdesk.folder / "photos").rename(clipdesk.folder / "away")
    checkpoint.unlink()
    (row,) = json.loads(clipdesk("surveys", "--json").out)
    assert row["state"] == "the images are not there; the model's file is not there"


def test_unfinished_surveys_are_listed_and_can_be_deleted(clipdesk: Command, checkpoint: Path) -> None:
    opened = open_model(checkpoint, "cpu")
    images = open_image_set(clipdesk.folder / "photos")
    survey = surveying.survey_images(opened, images, [LAYER], block=8)
    next(survey)
    (row,) = json.loads(clipdesk("surveys", "--json").out)
    assert row["state"].startswith("unfinished")
    refused = clipdesk("surveys", "delete", row["survey"])
    assert (refused.code, refused.err) == (1, "Error: Another process makes this survey at the moment\n")
    survey.close()
    assert clipdesk("surveys", "delete", row["survey"]).code == 0
    assert json.loads(clipdesk("surveys", "--json").out) == []


def test_a_survey_that_cannot_be_read_is_listed_made_anew_and_can_be_deleted(clipdesk: Command) -> None:
    clipdesk(*SURVEY)
    ((folder, _),) = all_surveys()
    (folder / "manifest.json").write_text("{")
    (row,) = json.loads(clipdesk("surveys", "--json").out)
    assert (row["survey"], row["state"]) == (folder.name, "it cannot be read: it is damaged, or of another version")
    made = clipdesk(*SURVEY)
    assert made.code == 0
    note = f"Note: the survey that was there could not be read. It is kept as {folder.name}.damaged.\n"
    assert made.err.endswith(note)
    assert clipdesk("surveys", "delete", f"{folder.name}.damaged").code == 0
    (row,) = json.loads(clipdesk("surveys", "--json").out)
    assert row["state"] == "up to date"


def test_surveys_that_are_not_there_or_not_clear_are_refused_before_one_is_deleted(clipdesk: Command) -> None:
    assert clipdesk("surveys", "delete", "none").err.startswith("Error: There is no survey 'none'. There are none yet.")
    clipdesk(*SURVEY)
    clipdesk("survey", "photos", "--model", "SMALL", "--layers", "0.mlp")
    several = clipdesk("surveys", "delete", "small-pt-photos")
    assert several.code == 2
    assert several.err.startswith("Error: Several surveys begin with 'small-pt-photos': small-pt-photos-")
    (first, _), _ = all_surveys()
    wrong = clipdesk("surveys", "delete", first.name, "x\x1b[2J")
    assert wrong.code == 2
    assert is_clean(wrong.err)
    assert clipdesk("surveys", "delete", "../../photos").code == 2
    assert len(list(all_surveys())) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "Cannot read"),
        (("empty",), "There are no images in"),
        (("scenes:none",), "Write scenes:5000"),
        (("photos/cats/00.png",), "is not an image set"),
        (("captions.csv",), "names no images that are there"),
        (("half.tar",), "half.tar"),
        (("photos", "--layers", "nonsense"), "There is no layer 'nonsense'"),
        (("photos", "--device", "toaster"), "toaster"),
        (("broken",), "Not one picture of broken can be read"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_no_survey(clipdesk: Command, arguments: tuple[str, ...], said: str) -> None:
    (clipdesk.folder / "empty").mkdir()
    (clipdesk.folder / "captions.csv").write_text("filepath,caption\nnone.png,a cat\n")
    (clipdesk.folder / "half.tar").write_bytes(b"half\0" * 100)
    (clipdesk.folder / "broken").mkdir()
    (clipdesk.folder / "broken" / "one.png").write_bytes(b"none")
    result = clipdesk("survey", "--model", "SMALL", *arguments)
    assert result.code in (1, 2)
    last = result.err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert said in last
    assert list(all_surveys()) == []


def test_one_picture_is_surveyed(clipdesk: Command) -> None:
    photos(clipdesk.folder / "one", count=1, broken=0)
    assert "1 picture read, 0 left out" in clipdesk("survey", "one", "--model", "SMALL", "--layers", SHORT).err


def test_hostile_names_do_not_steer_the_terminal(clipdesk: Command) -> None:
    (clipdesk.folder / "photos" / "cats" / "broken0.jpg").rename(
        clipdesk.folder / "photos" / "cats" / ("x\u202ey.jpg" if os.name == "nt" else "x\x1b[2J\u202e\ny.jpg")
    )
    result = clipdesk(*SURVEY)
    assert result.code == 0
    assert is_clean(result.err)


def test_an_interrupt_keeps_what_was_found_and_the_same_command_goes_on(
    clipdesk: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks, scan = [0], scanning.scan

    def interrupted(
        opened: OpenModel, images: ImageSet, layers: list[str], *, state: ScanState, block: int
    ) -> Iterator[Scanned]:
        for scanned in scan(opened, images, layers, state=state, block=min(8, block)):
            blocks[0] += 1
            if blocks[0] == 2:
                signal.raise_signal(signal.SIGINT)
            yield scanned

    monkeypatch.setattr(surveying, "scan", interrupted)
    result = clipdesk(*SURVEY)
    assert result.code == 130
    assert result.err.splitlines()[-2:] == [
        "16 of 25 pictures are done. The same command goes on from there.",
        "Interrupted.",
    ]
    assert list(all_surveys()) == []
    assert clipdesk(*SURVEY).code == 0
    assert blocks[0] == 4, "only the rest was read"


def test_workers_make_the_same_survey(clipdesk: Command) -> None:
    clipdesk(*SURVEY)
    ((folder, _),) = all_surveys()
    here = open_survey(folder).statistics[LAYER, "max"].top.pictures.copy()
    clipdesk("surveys", "delete", folder.name)
    result = clipdesk(*SURVEY, "--on", "local:2")
    assert result.code == 0
    assert result.out == f"{folder}\n"
    assert result.err.splitlines()[-2] == "24 pictures read, 1 left out:"
    assert (open_survey(folder).statistics[LAYER, "max"].top.pictures == here).all()


def test_a_place_that_is_none_is_refused(clipdesk: Command) -> None:
    result = clipdesk(*SURVEY, "--on", "moon")
    assert result.code == 2
    assert result.err.startswith("Error: --on moon: name one of here, local:4")


@needs_signals
def test_the_same_command_goes_on_after_a_kill(clipdesk: Command, checkpoint: Path) -> None:
    photos(clipdesk.folder / "photos", count=600)
    arguments = ["survey", "photos", "--model", str(checkpoint), "--layers", SHORT, "--device", "cpu"]
    with started(*arguments, folder=clipdesk.folder) as process:
        assert process.stderr is not None
        while not process.stderr.readline().endswith("left\n"):
            assert process.poll() is None, "the pass is under way"
        process.kill()
        process.communicate(timeout=60)
    assert clipdesk(*SURVEY).code == 0
    ((folder, manifest),) = all_surveys()
    assert (manifest.pictures, manifest.left_out) == (600, 1)
    opened = open_model(checkpoint, "cpu")
    killed = open_survey(folder)
    statistics = killed.statistics[LAYER, "mean"]
    clipdesk("surveys", "delete", folder.name)
    *_, end = surveying.survey_images(opened, open_image_set(clipdesk.folder / "photos"), [LAYER])
    assert end.folder is not None
    whole = open_survey(end.folder)
    assert [each.id for each in killed.pictures] == [each.id for each in whole.pictures]
    assert statistics.means == pytest.approx(whole.statistics[LAYER, "mean"].means, rel=1e-5)


def test_the_list_of_surveys_needs_no_torch(clipdesk: Command) -> None:
    code = "from clipdesk.cli import main\ntry: main(['surveys'])\nexcept SystemExit: pass"
    assert not {"torch", "PySide6"} & modules_after(code)
