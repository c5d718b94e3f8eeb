"""Units that have changed come first, and what is odd about them is said."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from clip.model import CLIP

from clipdesk.activations.comparing.comparison import LayerComparison
from clipdesk.activations.comparing.planning import LayerPair
from tests.activations.comparing.models import HIDDEN, MLP, compared, other
from tests.activations.surveys import LAYER, direct_survey
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


def test_pictures_that_leave_a_unit_at_zero_are_not_among_those_that_stayed() -> None:
    """Units active in 2 and in 20 pictures, none of which both models share; in half the same; and dead in either."""
    first, second = np.zeros((2, 2000, 5))
    first[:2, 0], second[50:52, 0] = 1, 1
    first[100:120, 1], second[150:170, 1] = 1, 1
    first[200:204, 2], second[202:206, 2] = 1, 1
    first[300:304, 3] = 1
    second[400:404, 4] = 1
    rows = np.random.default_rng(0).normal(size=(2000, 8))
    one, other = (direct_survey({(LAYER, "mean"): each}, rows).statistics[LAYER, "mean"] for each in (first, second))
    found = LayerComparison(LayerPair(LAYER, LAYER, True), one, other, np.ones(5), None, None)
    assert found.tops == pytest.approx([1, 1, 0.5, 1, np.nan], nan_ok=True)
