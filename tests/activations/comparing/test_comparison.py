"""Units that have changed come first, and what is odd about them is said."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from clip.model import CLIP

from tests.activations.comparing.models import HIDDEN, MLP, compared, other
from tests.clips import openais


@pytest.fixture(scope="module")
def clip() -> CLIP:
    return openais()


def test_the_unit_whose_weights_were_changed_comes_first(clip: CLIP) -> None:
    changed = copy.deepcopy(clip)
    with torch.no_grad():
        changed.get_parameter(f"{MLP}.c_fc.weight")[41] = torch.randn(128, generator=torch.Generator().manual_seed(0))
    found = compared(clip, changed, [HIDDEN])
    first = found.drifted(3)[0]
    assert (first.unit, first.other, first.layer.short) == (41, 41, "1.mlp.gelu")
    assert first.drift > 0.1
    assert first.weights > 0.5
    assert found.drifted(3)[1].drift < 1e-6


def test_a_unit_that_went_silent_has_drifted_by_one_and_is_said_to(clip: CLIP) -> None:
    silent = copy.deepcopy(clip)
    with torch.no_grad():
        for name in ("weight", "bias"):
            silent.get_parameter(f"{MLP}.c_fc.{name}")[7] = 0
    there = compared(clip, silent, [HIDDEN])
    assert (there.drifted(1)[0].unit, there.drifted(1)[0].drift, there.drifted(1)[0].note) == (7, 1, "constant in B")
    back = compared(silent, silent, [HIDDEN]).layers[0]
    assert np.isnan(back.drift[7])
    assert back.note(7) == "constant in both"


def test_what_moved_is_the_spread_of_the_difference(clip: CLIP) -> None:
    layer = compared(clip, other(clip), [HIDDEN]).layers[0]
    first, second = (each.sample.astype(np.float64) for each in (layer.first, layer.second))
    wanted = (second - first).std(axis=1) / np.median(first.std(axis=1))
    assert layer.moved == pytest.approx(wanted, abs=0.01 * wanted.max())
