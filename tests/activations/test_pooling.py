"""Positions of the largest value, and the poolings that say something."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from clip.model import CLIP

from clipdesk.activations.pooling import pool, poolings_of
from clipdesk.activations.reading import PooledReader
from clipdesk.network.capture import LayerCapture
from clipdesk.network.latents.activations import Activation, Relu, TopK
from clipdesk.network.latents.algebra import Tokens
from clipdesk.network.layer_sources import ModuleOutput
from clipdesk.network.layers import LayerInfo, Layout
from clipdesk.network.opened import OpenModel
from tests.network.latents.perfect import perfect

SOURCE = ModuleOutput("visual")
TOKENS = LayerInfo("visual", "Block", (50, 6), Layout.BATCH_FIRST, 6, class_token=True, source=SOURCE)
CHANNELS = LayerInfo("visual", "Stage", (6, 40, 40), Layout.CHANNELS_FIRST, 6, source=SOURCE)
VAST = LayerInfo("visual", "Stem", (6, 192, 192), Layout.CHANNELS_FIRST, 6, source=SOURCE)
VECTOR = LayerInfo("visual", "Tower", (6,), Layout.VECTOR, 6, source=SOURCE)


@pytest.mark.parametrize(
    ("info", "wanted"),
    [(TOKENS, ("mean", "max", "class")), (CHANNELS, ("mean", "max")), (VAST, ("mean",)), (VECTOR, ("mean",))],
)
def test_a_layer_is_pooled_in_the_ways_that_differ(info: LayerInfo, wanted: tuple[str, ...]) -> None:
    assert poolings_of(info) == wanted


@pytest.mark.parametrize(("info", "count"), [(TOKENS, 50), (CHANNELS, 1600)])
def test_the_first_of_the_largest_positions_is_named(info: LayerInfo, count: int) -> None:
    # Few values, so that many are equal.
    output = torch.from_numpy(np.random.default_rng(0).integers(-3, 4, (4, count, 6)).astype(np.float32))
    patches = output[:, 1:] if info.class_token else output
    found = pool(output, info, "max").dense()
    assert found.positions is not None
    assert torch.equal(found.values, patches.amax(dim=1))
    assert np.array_equal(found.positions.numpy(), patches.numpy().argmax(axis=1))


def test_the_class_token_is_apart_from_the_patches() -> None:
    output = torch.zeros(1, 50, 6)
    output[:, 0] = 5
    assert pool(output, TOKENS, "class").dense().values.tolist() == [[5] * 6]
    assert pool(output, TOKENS, "mean").dense().values.tolist() == [[0] * 6]
    assert pool(output, TOKENS, "max").dense().values.tolist() == [[0] * 6]


@pytest.mark.parametrize("activation", [Relu(), TopK(3), TopK(127, rectified=False)])
@pytest.mark.parametrize("tokens", [Tokens.ALL, Tokens.PATCHES])
def test_latents_are_pooled_from_those_that_are_not_zero(vit: CLIP, activation: Activation, tokens: Tokens) -> None:
    latents = replace(perfect(64, "visual.transformer.resblocks.1", tokens), activation=activation)
    opened = OpenModel.of(vit).with_latents(latents)
    reader = PooledReader(opened, ["1.latents"], "float32")
    pictures = torch.randint(0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    found, _ = reader.read(pictures)
    (info,) = reader.layers.values()
    mean, std = (torch.tensor(each)[:, None, None] for each in (opened.normalization.mean, opened.normalization.std))
    dense = LayerCapture(vit, [info]).run((pictures.float() / 255 - mean) / std)[info.name]
    for (_, pooling), pooled in found.items():
        wanted = pool(dense, info, pooling).dense()
        assert torch.allclose(pooled.values, wanted.values, atol=1e-5)
        assert (pooled.positions is None) == (wanted.positions is None)
        if pooled.positions is not None and wanted.positions is not None:
            assert torch.equal(pooled.positions, wanted.positions)
