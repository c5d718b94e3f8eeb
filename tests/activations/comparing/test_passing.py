"""Neither batches nor pictures that cannot be read make a difference to a pass."""

from __future__ import annotations

import pytest
from clip.model import CLIP

from clipdesk.activations.comparing.passing import Pass
from clipdesk.activations.comparing.planning import LayerPair
from clipdesk.network.opened import OpenModel
from tests.activations.comparing.models import HIDDEN, other
from tests.activations.sets import random_set
from tests.clips import openais


@pytest.fixture(scope="module")
def clip() -> CLIP:
    return openais()


@pytest.mark.parametrize("batch", [1, 7, 60])
def test_batches_make_no_difference(clip: CLIP, batch: int) -> None:
    models = OpenModel.of(clip), OpenModel.of(other(clip))
    pairs = (LayerPair(HIDDEN, HIDDEN, True), LayerPair(HIDDEN, HIDDEN, False))
    passing = Pass(*models, pairs, "max")
    list(passing.over(random_set(60, 64, broken=[4]), batch))
    whole = Pass(*models, pairs, "max")
    list(whole.over(random_set(60, 64, broken=[4]), 16))
    for pair in pairs:
        assert passing.sums[pair].correlations() == pytest.approx(whole.sums[pair].correlations(), abs=1e-4)
    assert len(passing.left_out) == 1
    assert len(passing.halves[0].state.pictures) == len(passing.halves[1].state.pictures) == 59
