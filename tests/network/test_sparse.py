"""Values as entries: what they say is what all values say."""

from __future__ import annotations

import pytest
import torch

from clipdesk.network.sparse import Sparse


def made(share: float) -> tuple[Sparse, torch.Tensor]:
    """Some values, few of them different, so that several positions share the largest."""
    generator = torch.Generator().manual_seed(0)
    dense = torch.randint(1, 4, (3, 10, 40), generator=generator).float()
    dense *= torch.rand(dense.shape, generator=generator) < share
    places = dense.flatten().nonzero()[:, 0]
    return Sparse((3, 10, 40), places, dense.flatten()[places]), dense


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
def test_entries_are_pooled_as_all_values_are(share: float) -> None:
    entries, dense = made(share)
    assert torch.equal(entries.dense(), dense)
    assert torch.allclose(entries.means().dense()[:, 0], dense.mean(dim=1))
    values, positions = entries.largest()
    assert torch.equal(values.dense()[:, 0], dense.amax(dim=1))
    assert torch.equal(positions, torch.from_numpy(dense.numpy().argmax(axis=1)).flatten()[values.places])


def test_some_positions_alone_are_those_of_all() -> None:
    entries, dense = made(0.3)
    assert torch.equal(entries.between(1, 10).dense(), dense[:, 1:])
    assert torch.equal(entries.between(0, 1).dense(), dense[:, :1])


def test_some_pictures_alone_are_those_of_all() -> None:
    entries, dense = made(0.3)
    for pictures in ([2, 0], [1], [0, 1, 2], list[int]()):
        assert torch.equal(entries.only(torch.tensor(pictures, dtype=torch.int64)).dense(), dense[pictures])
