"""Latents that are found in bfloat16 and computed in float32: they are those of the whole product."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from clipdesk.network.latents import screening
from clipdesk.network.latents.activations import Activation, Capped, Gated, Relu, Threshold, TopK
from clipdesk.network.latents.algebra import Latents, Memory
from clipdesk.network.latents.screening import Screen

WIDTH, COUNT, TOKENS = 70, 2_090, 23
"""Neither the width nor the number is one that the product would like."""


@pytest.fixture(autouse=True)
def _any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "_LEAST", 0)
    monkeypatch.setattr(screening, "fast_in_bfloat16", lambda _device: True)


def made(activation: Activation) -> Latents:
    generator = torch.Generator().manual_seed(4)
    encoder = torch.randn(WIDTH, COUNT, generator=generator) / WIDTH**0.5
    center = 3 * torch.randn(WIDTH, generator=generator)
    bias = 0.1 * torch.randn(COUNT, generator=generator) - center @ encoder
    return Latents(encoder, bias, encoder.T, center, activation)


def tokens(latents: Latents) -> Tensor:
    return latents.decoder_bias + torch.randn(TOKENS, WIDTH, generator=torch.Generator().manual_seed(6))


def dense(latents: Latents, rows: Tensor, screen: Screen | None = None) -> Tensor:
    places, values = latents.entries(rows, Memory()) if screen is None else screen.entries(rows)
    assert len(places.unique()) == len(places)
    return torch.zeros(len(rows) * latents.count).index_copy_(0, places, values).view(len(rows), -1)


def screened(latents: Latents, rows: Tensor, *, whole: bool = False) -> Tensor:
    """The latents of tokens, after it was made sure that the product in float32 was needed, or was not."""
    screen = Screen(latents)
    found = dense(latents, rows, screen)
    assert (screen._exact._flat.numel() > 0) is whole
    return found


ACTIVATIONS = [
    TopK(3),
    TopK(3, rectified=False),
    Threshold(torch.tensor([2.7])),
    Threshold(torch.linspace(2.4, 3.2, COUNT)),
    Threshold(torch.linspace(-1.0, 90.0, COUNT)),
]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda each: each.name)
def test_the_latents_are_those_of_the_whole_product(activation: Activation) -> None:
    latents = made(activation)
    rows = tokens(latents)
    wanted = dense(latents, rows)
    assert (wanted != 0).sum() > TOKENS
    found = screened(latents, rows)
    assert torch.equal(found != 0, wanted != 0)
    assert torch.allclose(found, wanted, atol=1e-5)


FEW = [Relu(), Capped(Relu(), 1), Gated(torch.ones(COUNT), torch.full((COUNT,), 0.5))]


@pytest.mark.parametrize("activation", FEW)
def test_few_latents_above_zero_are_found_too(activation: Activation) -> None:
    latents = made(activation)
    latents = replace(latents, bias=latents.bias - 2.7)
    rows = tokens(latents)
    assert torch.allclose(screened(latents, rows), dense(latents, rows), atol=1e-5)


@pytest.mark.parametrize("apart", [0.0, 1e-6, 1e-4, 1e-3])
def test_latents_that_bfloat16_cannot_tell_apart_are_told_apart(apart: float) -> None:
    """Of twenty that are all but equal, rounded to the same number, the three largest are wanted."""
    latents = made(TopK(3))
    rows = tokens(latents)[:1]
    direction = (rows - latents.decoder_bias)[0]
    latents.encoder[:, 700:720] = (direction / direction.norm())[:, None]
    latents.bias[:] = -(latents.decoder_bias @ latents.encoder)
    latents.bias[700:720] += apart * torch.randperm(20, generator=torch.Generator().manual_seed(1))
    found, wanted = screened(latents, rows), latents.pre(rows)
    chosen = found.nonzero()[:, 1]
    assert len(chosen) == 3
    assert set(chosen.tolist()) <= set(range(700, 720))
    least = wanted[0, 700:720].sort().values[-3]
    assert (wanted[0, chosen] >= least - 4e-6).all()


def test_no_latent_is_missed_where_all_roundings_are_against_it() -> None:
    """In bfloat16, the largest loses all that roundings can take, and twenty others gain as much."""
    signs = torch.tensor([1.0, -1.0]).repeat(WIDTH // 2)
    half = 2.0**-8
    loses, gains = 1 + half - signs * 2.0**-12, 1 + half + signs * 2.0**-12
    encoder = torch.zeros(WIDTH, COUNT)
    encoder[:, 700:720], encoder[:, 1_500] = gains[:, None], loses
    bias = torch.zeros(COUNT)
    bias[700:720], bias[1_500] = 1, 1 + 2 * WIDTH * 2.0**-12 + 1e-3
    latents = Latents(encoder, bias, encoder.T, torch.zeros(WIDTH), TopK(1))
    rows = signs.repeat(2, 1)
    rounded = (rows.bfloat16().float() @ encoder.bfloat16().float())[0] + bias
    assert rounded[1_500] < rounded[700:720].min() - 0.25
    assert dense(latents, rows).nonzero()[:, 1].tolist() == [1_500, 1_500]
    assert screened(latents, rows).nonzero()[:, 1].tolist() == [1_500, 1_500]


def test_where_bfloat16_rules_out_too_few_the_whole_product_is_taken_from_then_on() -> None:
    latents = made(Relu())
    screen = Screen(latents)
    rows = tokens(latents)
    for _ in range(2):
        assert torch.equal(dense(latents, rows, screen), dense(latents, rows))
        assert screen._half is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e38])
def test_activations_that_cannot_be_bounded_take_the_whole_product(value: float) -> None:
    latents = made(TopK(3))
    rows = tokens(latents)
    rows[2, 5] = value
    found, wanted = screened(latents, rows, whole=True), dense(latents, rows)
    assert torch.equal(found[3:], wanted[3:])


def test_a_threshold_that_nothing_reaches_is_not_in_the_way_of_others() -> None:
    latents = made(Threshold(torch.full((COUNT,), 2.7).index_fill(0, torch.tensor([3]), float("inf"))))
    rows = tokens(latents)
    assert torch.allclose(screened(latents, rows, whole=True), dense(latents, rows), atol=1e-5)


def test_it_helps_with_many_latents_of_which_few_are_active(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Screen.helps(made(TopK(3)))
    assert Screen.helps(made(Relu()))
    assert not Screen.helps(made(TopK(9))), "too few groups of 64"
    assert not Screen.helps(made(TopK(3)).to("meta"))
    monkeypatch.setattr(screening, "_LEAST", WIDTH * COUNT + 1)
    assert not Screen.helps(made(TopK(3)))
    monkeypatch.setattr(screening, "_LEAST", 0)
    monkeypatch.setattr(screening, "fast_in_bfloat16", lambda _device: False)
    assert not Screen.helps(made(TopK(3)))
