"""Networks that have learnt nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import pytest
import torch
from clip.model import CLIP
from torch import nn

from clipdesk.errors import UsageError
from clipdesk.network import frozen, randomizing
from clipdesk.network.randomizing import randomized


def test_each_tensor_of_the_image_tower_keeps_its_values_in_another_order(vit: CLIP) -> None:
    copied = randomized(vit, 0)
    for (name, before), after in zip(vit.named_parameters(), copied.parameters(), strict=True):
        in_tower = name.startswith("visual.") and before.numel() > 1 and before.unique().numel() > 1
        assert torch.equal(before, after) is not in_tower, name
        assert torch.equal(before.flatten().sort().values, after.flatten().sort().values), name


def test_a_seed_gives_the_same_network_again(vit: CLIP) -> None:
    one, same, other = (randomized(vit, seed).state_dict() for seed in (0, 0, 1))
    key = "visual.proj"
    assert torch.equal(one[key], same[key])
    assert not torch.equal(one[key], other[key])


def test_the_network_is_copied_while_no_other_thread_runs_it(vit: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    free: list[bool] = []

    def copied(network: CLIP) -> CLIP:
        with ThreadPoolExecutor(1) as other:
            free.append(other.submit(lambda: frozen._lock_of(network).acquire(blocking=False)).result())
        return deepcopy(network)

    monkeypatch.setattr(randomizing, "deepcopy", copied)
    randomized(vit, 0)
    assert free == [False]


def test_what_is_not_a_clip_is_refused() -> None:
    with pytest.raises(UsageError):
        randomized(nn.Linear(2, 2), 0)
