"""The benchmark's tables of latents beside neurons, against given areas and given rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clip.model import CLIP

from benchmarks import latents as benchmark
from benchmarks.latents import (
    Selective,
    compared,
    fit_on,
    latent_means,
    questions,
    seed_by_seed,
    token_rows,
)
from benchmarks.quality.methods import Images
from clipdesk.demo.selectivity import CONCEPTS
from clipdesk.network.latents.activations import Relu
from clipdesk.network.latents.algebra import Latents, Tokens
from clipdesk.network.opened import OpenModel
from clipdesk.render.targets import Unit
from clipdesk.scenes.captions import FACTORS
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes

LAYER = "visual.transformer.resblocks.5"


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return draw_scenes(200, 3, Kind.SEEN, processes=1)


def neurons(layer: str, width: int) -> Latents:
    """Latents that are the neurons themselves, and their opposites."""
    encoder = torch.cat([torch.eye(width), -torch.eye(width)], dim=1)
    decoder = encoder.T.contiguous()
    zeros = torch.zeros(width)
    return Latents(encoder, torch.zeros(2 * width), decoder, zeros, Relu(), layer=layer, tokens=Tokens.PATCHES)


def test_units_are_counted_once_each_for_their_best_concept() -> None:
    areas = np.full((len(CONCEPTS), 5), 0.5)
    areas[0, 0], areas[1, 0], areas[0, 1], areas[-1, 2], areas[3, 3] = 0.96, 0.99, 0.97, 0.95, 0.9499
    selective = Selective("latents", areas)
    assert selective.counts == {"shape": 2, "color": 0, "texture": 0, "background": 1}
    assert selective.concepts == 3
    assert selective.row() == ["latents, 5 units", "2", "0", "0", "1", "3 (60.0 %)", f"3 of {len(CONCEPTS)}"]


def test_the_first_units_share_a_concept_at_most_by_three() -> None:
    areas = np.full((len(CONCEPTS), 6), 0.1)
    areas[2] = [0.9, 0.95, 0.99, 0.97, 0.96, 0.2]
    areas[4, 5] = 0.91
    assert Selective("latents", areas).first(4) == [(2, 2), (2, 3), (2, 4), (4, 5)]
    assert Selective("latents", areas).first(2) == [(2, 2), (2, 3)]
    assert Selective("latents", areas).first(4, 9) == [(2, 2), (2, 3), (2, 4), (2, 1)]
    asked = questions(Selective("neurons", areas).first(1), LAYER)
    factor, value = CONCEPTS[2]
    assert asked[0].target == Unit(layer=LAYER, index=2)
    assert asked[0].values == {factor: FACTORS[factor].index(value)}


def test_latents_that_are_the_neurons_fit_wholly_and_are_as_selective(demo: CLIP, scenes: Scenes) -> None:
    latents = neurons(LAYER, 192)
    rows = token_rows(demo, latents, scenes.images)
    assert rows.shape == (200, 64, 192)
    fit = fit_on(demo, latents, scenes.images)
    assert fit.r2 == pytest.approx(1, abs=1e-5)
    assert fit.l0 == pytest.approx(192, abs=1)
    means = latent_means(latents, rows)
    assert np.abs(means[:, :192] - np.maximum(rows, 0).mean(axis=1)).max() < 1e-4
    found = compared(demo, latents, scenes)
    assert [each.name for each in found] == [
        "latents",
        "neurons of the layer",
        "all: MLP hidden layers",
        "all: residual stream",
    ]
    assert [each.areas.shape[1] for each in found] == [384, 192, 4608, 1152]


def test_of_several_seeds_the_picture_with_the_highest_score_is_kept(
    demo: CLIP, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two latents, over three seeds; a picture without a score is never better than one that has one."""
    given = {7: [0.5, -np.inf], 8: [0.2, 0.1], 9: [0.9, 0.0]}

    def rendered(opened: object, latents: object, units: list[int], preset: str, seed: int, *, gradient: str) -> Images:
        return np.full((len(units), 4, 4, 3), seed, np.uint8)

    monkeypatch.setattr(benchmark, "render_latents", rendered)
    monkeypatch.setattr(benchmark, "scores", lambda opened, targets, images, of: np.array(given[int(images.max())]))
    latents = neurons(LAYER, 192)
    made = list(seed_by_seed(OpenModel.of(demo), latents, [3, 5], "draft", range(7, 10)))
    assert [images[:, 0, 0, 0].tolist() for images, _ in made] == [[7, 7], [8, 8], [9, 9]]
    assert [kept[:, 0, 0, 0].tolist() for _, kept in made] == [[7, 7], [7, 8], [9, 8]]
