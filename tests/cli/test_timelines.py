"""`clipdesk timeline`: a unit over the checkpoints of a training."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from clipdesk.export.timeline import line
from tests.cli.conftest import Command
from tests.cli.surveys import LAYER, SHORT, photos
from tests.conftest import small_vit


@pytest.fixture
def epochs(clipdesk: Command) -> list[str]:
    """Three checkpoints between which unit 3 changes more and more, and unit 4 does not."""
    photos(clipdesk.folder / "photos")
    names = []
    for epoch, share in enumerate((0.0, 0.4, 1.0)):
        model = small_vit()
        with torch.no_grad():
            weight = model.get_parameter(LAYER.replace("gelu", "c_fc.weight"))
            other = weight.std() * torch.randn(weight.shape[1], generator=torch.Generator().manual_seed(0))
            weight[3] = (1 - share) * weight[3] + share * other
        names.append(f"epoch_{epoch}.pt")
        torch.save(model.state_dict(), clipdesk.folder / names[-1])
    return names


def timeline(epochs: list[str], *more: str, unit: int = 3) -> tuple[str, ...]:
    return ("timeline", *epochs, "--unit", f"{SHORT}:{unit}", "--images", "photos", "--device", "cpu", *more)


def test_a_unit_that_changes_goes_from_the_first_to_the_last(clipdesk: Command, epochs: list[str]) -> None:
    done = clipdesk(*timeline(epochs, "--json"))
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["unit"] == f"{SHORT}:3"
    begun, middle, end = found["checkpoints"]
    assert (begun["from_first"], end["from_last"]) == (0, 0)
    assert 0 < middle["from_first"] < end["from_first"]
    assert begun["from_last"] == pytest.approx(end["from_first"])
    assert 0 < middle["from_last"] < begun["from_last"]
    assert [Path(each["model"]).name for each in found["checkpoints"]] == epochs


def test_another_unit_stays(clipdesk: Command, epochs: list[str]) -> None:
    found = json.loads(clipdesk(*timeline(epochs, "--json", unit=4)).out)
    drifts = [each[name] for each in found["checkpoints"] for name in ("from_first", "from_last")]
    assert drifts == pytest.approx([0] * 6, abs=1e-4)


def test_csv_page_and_animation_have_each_checkpoint(
    clipdesk: Command, epochs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from clipdesk.render.presets import make_settings

    monkeypatch.setattr("clipdesk.cli.timing.make_settings", lambda **own: make_settings(iterations=2, **own))
    files = ("--csv", "unit.csv", "--page", "unit.html", "--animation", "unit.webp")
    done = clipdesk(*timeline(epochs, *files, "--pooling", "max"))
    assert done.code == 0, done.err
    rows = list(csv.DictReader(Path("unit.csv").read_text().splitlines()))
    assert [float(row["from_first"]) > 0 for row in rows] == [False, True, True]
    page = Path("unit.html").read_text()
    assert page.count("data:image/webp") == 3
    assert "drift from the first" in page
    assert page.count("<polyline") == 6, "a line for each number"
    assert str(clipdesk.folder) not in page, "a page that is given away says nothing of this computer's folders"
    with Image.open("unit.webp") as animation:
        assert getattr(animation, "n_frames", 1) == 3


def test_a_line_takes_two_numbers() -> None:
    assert line([1.0, float("nan")]) == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--csv", "unit.txt"), ".csv"),
        (("--page", "unit.pdf"), ".html"),
        (("--animation", "unit.png"), ".webp"),
    ],
)
def test_what_it_refuses(clipdesk: Command, epochs: list[str], more: tuple[str, ...], said: str) -> None:
    done = clipdesk(*timeline(epochs, *more))
    assert done.code == 2
    assert said in done.err


def test_one_checkpoint_is_not_a_timeline(clipdesk: Command, epochs: list[str]) -> None:
    done = clipdesk(*timeline(epochs[:1]))
    assert done.code == 2
    assert "at least two" in done.err


def test_checkpoints_of_another_architecture_are_refused(clipdesk: Command, epochs: list[str]) -> None:
    done = clipdesk("timeline", "demo", epochs[0], "--unit", "5.mlp.gelu:3", "--images", "photos", "--device", "cpu")
    assert done.code == 2
    assert "epoch_0.pt has no layer 5.mlp.gelu" in done.err
    assert done.err.endswith("Checkpoints of a timeline must be of one architecture, as those of one training are\n")


def test_a_unit_that_is_not_there_gets_no_advice_on_an_option_that_is_not_there(
    clipdesk: Command, epochs: list[str]
) -> None:
    done = clipdesk(*timeline(epochs, unit=5_000))
    assert done.code == 2
    assert "has no neuron 5000" in done.err
    assert "--model" not in done.err
