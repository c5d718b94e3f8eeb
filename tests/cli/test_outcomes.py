"""Pictures that show nothing of their target are named as such, not called done."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from clipdesk.export.png import read_recipe
from clipdesk.export.recipe import Activations, Outcome
from tests.cli.conftest import Command

HIDDEN = "visual.transformer.resblocks.1.mlp.gelu"
QUICK = ("--model", "SMALL", "--iterations", "1", "--views", "1", "--size", "64", "--layer", HIDDEN)
WORSE = Activations(start=0.082, end=0.0, best=0.082, picture=0.0002)
SILENT = Activations(start=0, end=0, best=0, picture=0)


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch) -> Callable[[Activations], None]:
    """Lets every picture reach the same activations."""
    return lambda reached: monkeypatch.setattr(Activations, "of", lambda curve, picture: reached)


@pytest.mark.parametrize(
    ("reached", "line"),
    [
        (WORSE, "found nothing better than noise (activation 0.0002 clean, 0.082 under the first step's changes)."),
        (SILENT, "nothing excited it (activation 0 clean, 0 under the first step's changes)."),
    ],
)
def test_render_says_that_a_picture_shows_nothing(
    clipdesk: Command, reach: Callable[[Activations], None], reached: Activations, line: str
) -> None:
    reach(reached)
    outcome = clipdesk("render", *QUICK, "--neuron", "3", "--output", "x.png")
    assert (outcome.code, outcome.out) == (0, "x.png\n")
    assert f"x.png: {line}" in outcome.err
    assert f"outcome                {line.partition(' (')[0]}" in clipdesk("show", "x.png").out


def test_a_batch_counts_pictures_that_show_nothing_and_notes_them(
    clipdesk: Command, reach: Callable[[Activations], None]
) -> None:
    reach(WORSE)
    outcome = clipdesk("batch", *QUICK, "--neuron-range", "0", "2", "1", "--output-dir", "out")
    assert "2 rendered, 0 skipped, 0 failed, 2 found nothing. Folder" in outcome.err
    assert outcome.err.count("found nothing better than noise") == 2
    units = json.loads((clipdesk.folder / "out" / f"{HIDDEN}_metadata.json").read_text())["units"]
    assert {(unit["status"], unit["outcome"]) for unit in units.values()} == {("done", "worse")}


def test_show_names_the_worker_that_the_metadata_have(clipdesk: Command) -> None:
    clipdesk("batch", *QUICK, "--neuron-range", "0", "1", "1", "--output-dir", "out")
    path = clipdesk.folder / "out" / f"{HIDDEN}_metadata.json"
    (picture,) = path.parent.glob("*.png")
    assert "\nworker " not in clipdesk("show", str(picture)).out
    metadata = json.loads(path.read_text())
    metadata["units"]["0"]["worker"] = {"name": "GPU 0", "node": "node7", "device": "NVIDIA H200"}
    path.write_text(json.dumps(metadata))
    assert "worker                 GPU 0 on node7, NVIDIA H200\n" in clipdesk("show", str(picture)).out


def test_a_good_picture_needs_no_line(clipdesk: Command, reach: Callable[[Activations], None]) -> None:
    reach(Activations(start=0.1, end=2.0, best=2.0, picture=2.0))
    assert "x.png:" not in clipdesk("render", *QUICK, "--neuron", "3", "--output", "x.png").err


def test_a_picture_that_is_steady_ends_early_and_is_done(clipdesk: Command) -> None:
    still = ("--noise", "0", "--scale", "0", "--rotate", "0", "--shift", "0", "--lr", "0.0001")
    outcome = clipdesk(
        "render", *QUICK, *still, "--iterations", "30", "--patience", "2", "--neuron", "3", "--output", "x.png"
    )
    assert (outcome.code, outcome.out) == (0, "x.png\n")
    recipe = read_recipe(Path("x.png"))
    assert f"x.png: the activation was steady at step {recipe.steps}." in outcome.err
    assert recipe.steps < recipe.settings.iterations == 30
    assert (recipe.steady, recipe.outcome) == (True, Outcome.DONE)
