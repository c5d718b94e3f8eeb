"""The benchmark's tables of latents of a CLIP that saw photographs, against given areas and given pictures."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.photographs import latents as benchmark
from benchmarks.photographs.latents import Telling, print_pictures, telling
from benchmarks.quality.methods import Preset
from clipdesk.demo.photographs import read_photographs
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.latents.activations import Relu
from clipdesk.network.latents.algebra import Latents, Tokens
from clipdesk.network.opened import OpenModel
from tests.demo.folders import COLORS, colored_photographs

LAYER = "visual.layer4"


def channels(width: int) -> Latents:
    """Latents that are the channels themselves."""
    identity, zeros = torch.eye(width), torch.zeros(width)
    return Latents(identity, zeros, identity, zeros, Relu(), layer=LAYER, tokens=Tokens.PATCHES)


def test_a_unit_counts_for_its_best_category_and_apart_only_for_the_same_one() -> None:
    areas = np.array([[0.96, 0.97, 0.90, 0.95], [0.99, 0.50, 0.94, 0.20], [0.10, 0.10, 0.10, 0.10]])
    apart = np.array([[0.99, 0.96, 0.99, 0.94], [0.90, 0.50, 0.99, 0.99], [0.10, 0.10, 0.10, 0.10]])
    found = Telling("latents", areas, apart)
    assert found.best.tolist() == [1, 0, 1, 0]
    assert found.tells.tolist() == [True, True, False, True]
    assert found.tells_apart.tolist() == [False, True, False, False]
    assert found.row() == ["4 latents", "3", "2 of 3", "1"]
    assert found.first(2) == [0, 1]


def test_latents_that_are_the_channels_tell_as_much(resnet: torch.nn.Module, tmp_path: Path) -> None:
    both = read_photographs(colored_photographs(tmp_path))
    opened = OpenModel.of(resnet)
    latents = channels(LayerInspector(resnet).visualizable(LAYER).units)
    of_latents, of_channels = telling(opened.with_latents(latents), latents, both)
    # The stage ends in a ReLU, so both are the same numbers.
    assert np.abs(of_latents.areas - of_channels.areas).max() < 1e-9
    assert np.abs(of_latents.apart - of_channels.apart).max() < 1e-9
    assert of_latents.tells.sum() > 0, "colours are easily told apart"


class Redness(torch.nn.Module):
    """A judge that sees an ember in red pictures and a sky in others."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels[:, [0, 2]].mean(dim=(2, 3))


def test_pictures_of_each_seed_and_the_best_of_them_are_judged(
    resnet: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "load_judge", lambda name: Redness())
    monkeypatch.setattr(benchmark, "load_model", lambda name: resnet)
    ember, sky = (np.full((1, 32, 32, 3), COLORS[name], np.uint8) for name in ("ember", "sky"))
    seeds = [
        (np.concatenate([sky, sky]), np.concatenate([sky, sky])),
        (np.concatenate([ember, ember]), np.concatenate([ember, sky])),
    ]
    monkeypatch.setattr(benchmark, "seed_by_seed", lambda *asked: iter(seeds))
    monkeypatch.setattr(Preset, "render", lambda self, model, targets, seed: np.concatenate([ember, sky]))
    areas = np.array([[0.99, 0.10], [0.10, 0.98]])
    found = [Telling(name, areas, areas) for name in ("latents", "channels of the layer")]
    asked = Namespace(
        render=2, seed=4, best_of=2, preset="draft", folder=tmp_path, pictures=tmp_path / "kept", model="x"
    )
    latents = channels(LayerInspector(resnet).visualizable(LAYER).units)
    print_pictures(OpenModel.of(resnet), latents, found, asked)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    assert rows[2:] == [
        ["latents, seed 4", "2", "50 %", "50 %", "50 %"],
        ["latents, seed 5", "2", "50 %", "50 %", "50 %"],
        ["latents, best of 2", "2", "100 %", "100 %", "100 %"],
        ["channels of the layer", "2", "100 %", "100 %", "100 %"],
    ]
    with np.load(tmp_path / "kept" / "best-of-2.npz") as kept:
        assert kept["units"].tolist() == [0, 1]
        assert (kept["images"] == seeds[1][1]).all()
