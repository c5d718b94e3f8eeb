"""OpenModel: a network with the identity of its weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from clip.model import CLIP

from clipdesk.network.latents.activations import Threshold
from clipdesk.network.latents.algebra import Tokens
from clipdesk.network.latents.fitting import activations_at, fit_of
from clipdesk.network.latents.source import chosen
from clipdesk.network.opened import OpenModel
from tests.conftest import small_resnet
from tests.network.latents.perfect import perfect


def test_a_network_that_a_caller_gave_is_used_as_it_is(vit: CLIP) -> None:
    model = OpenModel.of(vit)
    assert model.network is vit
    assert (model.name, model.sha256, model.side, str(model.device)) == (None, None, 32, "cpu")
    assert OpenModel.of(vit, "cpu").network is vit
    assert model.nbytes == sum(p.numel() * 4 for p in (*vit.parameters(), *vit.buffers()))


def test_a_network_in_another_number_format_is_copied_once_and_left_as_it_was() -> None:
    half = small_resnet().half()
    model = OpenModel.of(half)
    assert model.network is not half
    assert {p.dtype for p in model.network.parameters()} == {torch.float32}
    assert {p.dtype for p in half.parameters()} == {torch.float16}


def test_latents_of_this_process_have_an_identity_too(vit: CLIP) -> None:
    opened = OpenModel.of(vit, sha256="a" * 64)
    first, second = opened.with_latents(perfect(64, "1")), opened.with_latents(perfect(64, "0.mlp"))
    other = opened.with_latents(replace(perfect(64, "1"), bias=torch.full((128,), 0.01)))
    assert len({opened.sha256, first.sha256, other.sha256}) == 3
    assert first.latents[0].name == "latents"
    assert OpenModel.of(vit).with_latents(perfect(64, "1")).sha256 is None
    both = first.with_latents(perfect(64, "0.mlp"))
    assert [pairing.base.label for pairing in both.latents] == ["1", "mlp"]
    assert second.on("cpu") is second


def test_the_fit_that_is_kept_of_open_latents_is_never_that_of_others(
    vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))
    opened = OpenModel.of(vit, sha256="a" * 64)
    base = opened.inspector.get_layer_info("visual.transformer.resblocks.1")
    values = chosen(activations_at(vit, [base])[base.name], base, Tokens.PATCHES)
    low, high = (
        replace(perfect(64, "1", Tokens.PATCHES), activation=Threshold(torch.full((128,), each))) for each in (0.1, 1.0)
    )
    fits = [opened.with_latents(each).latents[0].fit for each in (low, high)]
    assert [each.r2 for each in fits] == pytest.approx([fit_of(each, values).r2 for each in (low, high)])
    assert fits[0].r2 > fits[1].r2 + 0.01
    everywhere = opened.with_latents(replace(high, tokens=Tokens.ALL))
    assert everywhere.latents[0].tokens is Tokens.ALL
    assert everywhere.sha256 != opened.with_latents(high).sha256
