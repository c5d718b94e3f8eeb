"""Blocks of pictures, whose values come densely or as entries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from clipdesk.activations.blocks import Block
from clipdesk.activations.decoding import Prepared, Thumbnail
from clipdesk.activations.pooling import Pooled, PooledEntries, pool
from clipdesk.activations.statistics import Key, Surveyed
from clipdesk.network.layer_sources import ModuleOutput
from clipdesk.network.layers import LayerInfo, Layout
from clipdesk.network.sparse import Sparse

KEYS: tuple[Key, ...] = (("visual.latents", "mean"), ("visual.latents", "max"))
LATENTS = LayerInfo("visual.latents", "Latents", (3, 6), Layout.BATCH_FIRST, 6, source=ModuleOutput("visual"))
PICTURE = Prepared(0, Surveyed("", ""), np.zeros((3, 1, 1), np.uint8), Thumbnail("", b""))


def values_of(batch: Tensor) -> dict[Key, Pooled | PooledEntries]:
    """A batch of latents that come as entries, (pictures, positions, latents)."""
    flat = batch.flatten()
    places = flat.nonzero()[:, 0]
    shape = (batch.shape[0], batch.shape[1], batch.shape[2])
    return {key: pool(Sparse(shape, places, flat[places]), LATENTS, key[1]) for key in KEYS}


def batches(signs: Sequence[int]) -> list[Tensor]:
    """Batches of three pictures, few of whose latents are not zero; of a sign of -1 some of these are below zero."""
    rng = torch.Generator().manual_seed(0)
    found = []
    for sign in signs:
        batch = torch.rand(3, 3, 6, generator=rng) * (torch.rand(3, 3, 6, generator=rng) < 0.3)
        batch[1, 2, 4] = 0.5 * sign
        found.append(batch)
    return found


@pytest.mark.parametrize("signs", [(1, 1), (-1, -1), (1, -1), (-1, 1), (1, -1, 1)])
def test_a_block_has_each_layer_once_whatever_form_its_batches_have(signs: tuple[int, ...]) -> None:
    """As of top-k without ReLU, whose latents are seldom below zero; and again in the memory of an earlier block."""
    block = Block(3 * len(signs))
    for order in (signs, (-1,) * len(signs), signs):
        block.clear()
        drawn = batches(order)
        for batch in drawn:
            assert not block.put([PICTURE] * 3, values_of(batch), torch.zeros(3, 2))
        found = list(block.values())
        assert sorted(key for key, _ in found) == sorted(KEYS)
        for key, each in found:
            wanted = pool(torch.cat(drawn), LATENTS, key[1]).dense()
            dense = each.dense()
            assert torch.allclose(dense.values, wanted.values)
            if wanted.positions is not None and dense.positions is not None:
                assert torch.equal(dense.positions[dense.values != 0], wanted.positions[wanted.values != 0])
            assert isinstance(each, PooledEntries) == (min(order) > 0)


def test_pictures_whose_values_are_none_are_left_out_of_either_form() -> None:
    block, (first, second) = Block(6), batches((1, -1))
    first[0, 0, 0] = torch.nan
    second[2, 1, 1] = torch.inf
    assert [len(block.put([PICTURE] * 3, values_of(each), torch.zeros(3, 2))) for each in (first, second)] == [1, 1]
    wanted = pool(torch.cat([first[1:], second[:2]]), LATENTS, "mean").dense()
    (mean,) = [each for key, each in block.values() if key[1] == "mean"]
    assert torch.allclose(mean.dense().values, wanted.values)
