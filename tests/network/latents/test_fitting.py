"""How well latents fit, against float64."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from clip.model import CLIP

from clipdesk.network.inspector import LayerInspector
from clipdesk.network.latents import fitting
from clipdesk.network.latents.activations import TopK
from clipdesk.network.latents.algebra import Latents, Norm, Tokens
from clipdesk.network.latents.fitting import activations_at, best_pairing, fit_of
from clipdesk.network.layers import LayerInfo
from tests.network.latents import oracle
from tests.network.latents.perfect import perfect, useless
from tests.network.latents.weights import WIDTH, activations, double, standard

BLOCK = "visual.transformer.resblocks.1"


def test_r2_l0_and_dead_are_those_of_their_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    w = standard()
    w["W_dec"] = w["W_dec"] / 40
    w["b_enc"][:3] = -1e4
    latents = Latents(w["W_enc"], w["b_enc"], w["W_dec"], w["b_dec"], TopK(5))
    x = activations().double().numpy()
    d = double(w)
    f = oracle.top_k(x @ d["W_enc"] + d["b_enc"], 5, rectified=True)
    rebuilt = f @ d["W_dec"] + d["b_dec"]
    for at_once in (2**25, 3 * latents.count):
        monkeypatch.setattr(fitting, "_AT_ONCE", at_once)
        fit = fit_of(latents, activations())
        assert fit.r2 == pytest.approx(oracle.r2(x, rebuilt), abs=1e-4)
        assert fit.l0 == pytest.approx((f != 0).sum(-1).mean())
        assert fit.dead == pytest.approx(((f != 0).reshape(-1, latents.count).sum(0) == 0).mean())
        assert fit.tokens == 21


def test_what_rebuilds_everything_has_one_and_what_is_far_off_is_below_zero() -> None:
    assert fit_of(perfect(WIDTH), activations()).r2 == pytest.approx(1, abs=1e-6)
    assert fit_of(useless(WIDTH), activations()).r2 < 0


def block_of(vit: CLIP) -> LayerInfo:
    return LayerInspector(vit).layers[BLOCK]


def test_scenes_are_seen_at_the_models_side_and_always_the_same(vit: CLIP) -> None:
    first, second = (activations_at(vit, [block_of(vit)], 20)[BLOCK] for _ in range(2))
    assert first.shape == (20, 17, 64)
    assert torch.equal(first, second)
    assert first.std(dim=0).mean() > 0.01


@pytest.mark.parametrize("subtracted", [True, False])
def test_where_the_file_leaves_the_bias_open_the_better_reading_is_taken(vit: CLIP, subtracted: bool) -> None:
    base = block_of(vit)
    values = activations_at(vit, [base], 4)
    offset = torch.full((64,), 3.0)
    # Its latents are of the activations without an offset, which the decoder puts back.
    own = replace(perfect(64, BLOCK, Tokens.ALL), decoder_bias=offset)
    written = own if subtracted else replace(own, bias=own.bias - offset @ own.encoder)
    for guess in (True, False):
        found = best_pairing(replace(written, unsure=True).subtracting(guess), values, [base])
        assert found is not None
        assert found.fit.r2 == pytest.approx(1, abs=1e-4)
        assert found.latents.subtracted is subtracted
    certain = best_pairing(written.subtracting(not subtracted), values, [base])
    assert certain is not None
    assert certain.fit.r2 < 0


def test_tokens_that_the_file_leaves_open_are_found(vit: CLIP) -> None:
    base = block_of(vit)
    values = activations_at(vit, [base], 4)
    found = best_pairing(perfect(64), values, [base])
    assert found is not None
    assert found.tokens is Tokens.ALL
    # Made right for the class token alone: its values are far from those of the patches.
    values[BLOCK][:, 0] += 50
    values[BLOCK][:, 1:] -= 50
    only = perfect(64)
    only = replace(only, bias=torch.cat([torch.zeros(64), torch.full((64,), -1e4)]))
    found = best_pairing(only, values, [base])
    assert found is not None
    assert found.tokens is Tokens.CLASS
    assert best_pairing(perfect(7), values, [base]) is None


def test_a_norm_is_only_tried_where_it_is_asked_for(vit: CLIP) -> None:
    base = block_of(vit)
    values = activations_at(vit, [base], 4)
    w = perfect(64, BLOCK, Tokens.ALL, Norm.LAYER_NORM)
    kept = best_pairing(replace(w, norm=Norm.RESCALE), values, [base])
    assert kept is not None
    assert kept.latents.norm is Norm.RESCALE
