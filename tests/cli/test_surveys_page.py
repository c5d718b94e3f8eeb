"""The page on surveys: its code runs on a real survey, and its commands are there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from clipdesk.activations.storing import all_surveys, open_survey
from clipdesk.activations.survey import correlations
from clipdesk.cli.entry import cli
from tests.cli.conftest import Command
from tests.cli.surveys import LAYER, SHORT, photos

PAGE = (Path(__file__).parents[2] / "docs" / "surveys.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(clipdesk: Command) -> Path:
    photos(clipdesk.folder / "photos")
    assert clipdesk("survey", "photos", "--model", "SMALL", "--layers", SHORT, "--device", "cpu").code == 0
    ((folder, _),) = all_surveys()
    return folder


def test_a_survey_is_read_without_clipdesk(clipdesk: Command, folder: Path) -> None:
    (code,) = [each for each in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "load_file" in each]
    assert "clipdesk" not in code.replace("`clipdesk survey`", "")
    code = code.replace("FOLDER", folder.as_posix()).replace("LAYER", LAYER)
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    places = [line.split()[1] for line in printed.splitlines()]
    survey = open_survey(folder)
    top = survey.statistics[LAYER, "max"].top.pictures[3]
    assert places[:24] == [survey.pictures[number].place for number in top if number >= 0]


def test_the_formula_for_correlations_holds(clipdesk: Command, folder: Path) -> None:
    survey = open_survey(folder)
    t = np.random.default_rng(0).normal(size=len(survey.embeddings.mean))
    name = next(path for path in folder.glob("*-mean.safetensors"))
    layer, scatter = load_file(name), load_file(folder / "embeddings.safetensors")["scatter"]
    found = layer["cross"] @ t / np.sqrt(layer["squares"] * (t @ scatter @ t))
    wanted = correlations(survey.statistics[LAYER, "mean"], survey.embeddings, t[None])[0]
    assert found == pytest.approx(wanted, abs=1e-4)


def test_all_files_and_arrays_are_described(clipdesk: Command, folder: Path) -> None:
    for path in folder.iterdir():
        assert f"`{path.name}`" in PAGE or path.name.startswith("00"), path.name
        if path.suffix == ".safetensors":
            for name in load_file(path):
                assert f"`{name}`" in PAGE, name
    for line in (folder / "pictures.jsonl").read_text().splitlines()[:1]:
        assert all(f"`{name}`" in PAGE for name in json.loads(line))


def test_the_commands_of_the_page_are_there() -> None:
    named = set(re.findall(r"^clipdesk (\w+)", PAGE, re.MULTILINE))
    assert named == {"survey", "surveys", "find", "layer", "examples", "words", "page", "check"}
    assert named <= set(cli.commands)
