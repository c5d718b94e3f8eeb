"""Units find their own again, in whatever order they are."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from clip.model import CLIP

from tests.activations.comparing.models import HIDDEN, compared, permuted
from tests.clips import openais


@pytest.fixture(scope="module")
def clip() -> CLIP:
    return openais()


def test_every_unit_of_a_model_matches_its_own(clip: CLIP) -> None:
    layer = compared(clip, copy.deepcopy(clip), [HIDDEN], match=True).layers[0]
    assert layer.partners is not None
    own = np.arange(layer.first.units)
    assert np.array_equal(layer.partners.best, own)
    assert np.array_equal(layer.partners.own, own)
    assert layer.partners.mean == pytest.approx(1, abs=1e-5)


def test_a_permutation_of_the_units_is_found_whole(clip: CLIP) -> None:
    order = torch.randperm(512, generator=torch.Generator().manual_seed(0))
    found = compared(clip, permuted(clip, order), [HIDDEN], match=True)
    partners = found.layers[0].partners
    assert partners is not None
    assert np.array_equal(order[torch.from_numpy(partners.best)].numpy(), np.arange(512))
    assert np.array_equal(partners.own, partners.best)
    assert found.cka[0, 0] == pytest.approx(1, abs=1e-6), "CKA does not mind the order"
