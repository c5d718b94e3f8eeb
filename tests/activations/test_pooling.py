"""Positions of the largest value, and the poolings that say something."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clipdesk.activations.pooling import pool, poolings_of
from clipdesk.network.layer_sources import ModuleOutput
from clipdesk.network.layers import LayerInfo, Layout

SOURCE = ModuleOutput("visual")
TOKENS = LayerInfo("visual", "Block", (50, 6), Layout.BATCH_FIRST, 6, class_token=True, source=SOURCE)
CHANNELS = LayerInfo("visual", "Stage", (6, 40, 40), Layout.CHANNELS_FIRST, 6, source=SOURCE)
VECTOR = LayerInfo("visual", "Tower", (6,), Layout.VECTOR, 6, source=SOURCE)


@pytest.mark.parametrize(
    ("info", "wanted"), [(TOKENS, ("mean", "max", "class")), (CHANNELS, ("mean", "max")), (VECTOR, ("mean",))]
)
def test_a_layer_is_pooled_in_the_ways_that_differ(info: LayerInfo, wanted: tuple[str, ...]) -> None:
    assert poolings_of(info) == wanted


@pytest.mark.parametrize(("info", "count"), [(TOKENS, 50), (CHANNELS, 1600)])
def test_the_first_of_the_largest_positions_is_named(info: LayerInfo, count: int) -> None:
    # Few values, so that many are equal.
    output = torch.from_numpy(np.random.default_rng(0).integers(-3, 4, (4, count, 6)).astype(np.float32))
    patches = output[:, 1:] if info.class_token else output
    found = pool(output, info, "max")
    assert found.positions is not None
    assert torch.equal(found.values, patches.amax(dim=1))
    assert np.array_equal(found.positions.numpy(), patches.numpy().argmax(axis=1))


def test_the_class_token_is_apart_from_the_patches() -> None:
    output = torch.zeros(1, 50, 6)
    output[:, 0] = 5
    assert pool(output, TOKENS, "class").values.tolist() == [[5] * 6]
    assert pool(output, TOKENS, "mean").values.tolist() == [[0] * 6]
    assert pool(output, TOKENS, "max").values.tolist() == [[0] * 6]
