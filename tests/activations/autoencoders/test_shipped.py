"""The sparse autoencoders of the embedded models: small, of these weights, and as good as their cards say."""

from __future__ import annotations

import json

import pytest
import torch

from benchmarks.latents import shipped, token_rows
from clipdesk.models.catalogue import OF_SCENES, SHOWPIECES
from clipdesk.network.latents.fitting import fit_of
from clipdesk.network.latents.opening import read_latents
from clipdesk.network.pool import open_model
from clipdesk.scenes.dataset import Kind, draw_scenes

LARGEST = 5_000_000


def test_each_embedded_model_has_one_with_its_card() -> None:
    assert sorted(path.name for path in shipped("").iterdir() if path.is_dir()) == sorted(SHOWPIECES)
    for model in SHOWPIECES:
        assert sum(path.stat().st_size for path in shipped(model).iterdir()) < LARGEST
        card = shipped(model).with_suffix(".md").read_text("utf-8")
        assert card.startswith(f"# Card: the latents of `{model}`")


@pytest.mark.parametrize("model", SHOWPIECES)
def test_it_is_of_these_weights_and_says_how_it_fits(model: str) -> None:
    opened = open_model(model, "cpu")
    notes = json.loads((shipped(model) / "cfg.json").read_text("utf-8"))["metadata"]
    assert notes["weights_sha256"] == opened.sha256
    latents = read_latents(shipped(model))
    assert opened.inspector.visualizable(latents.layer).units == latents.width
    assert notes["training"]["layer"] == latents.layer
    assert notes["fit"]["r2"] > 0.9
    assert notes["fit"]["dead"] < 0.1


@pytest.mark.parametrize("model", OF_SCENES)
def test_it_fits_scenes_that_it_has_not_seen(model: str) -> None:
    opened, latents = open_model(model, "cpu"), read_latents(shipped(model))
    rows = token_rows(opened.network, latents, draw_scenes(64, 7, Kind.HELD_OUT, processes=1).images)
    fit = fit_of(latents, torch.from_numpy(rows))
    assert fit.r2 > 0.9
    assert fit.l0 <= 32
    assert fit.dead < 0.1
