"""The one form of sparse autoencoders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from clipdesk.network.latents.activations import Activation, Capped, Gated, Relu, Threshold, TopK
from clipdesk.network.latents.algebra import Latents, Norm, Tokens
from tests.network.latents.weights import COUNT, WIDTH, activations, standard


def made(norm: Norm = Norm.NONE) -> Latents:
    w = standard()
    return Latents(w["W_enc"], w["b_enc"], w["W_dec"], w["b_dec"], Relu(), norm=norm)


def test_sizes_are_those_of_the_weights() -> None:
    assert (made().width, made().count) == (WIDTH, COUNT)
    assert made().nbytes == 4 * (2 * WIDTH * COUNT + COUNT + WIDTH)


def test_weights_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"decoder_bias has the shape \(3,\) instead of \(12,\)"):
        replace(made(), decoder_bias=torch.zeros(3))


@pytest.mark.parametrize("norm", Norm)
def test_some_latents_alone_have_the_values_that_they_have_among_all(norm: Norm) -> None:
    x, units = activations(), [7, 0, 39]
    assert torch.allclose(made(norm).only(units).pre(x), made(norm).pre(x)[..., units], atol=1e-5)


@pytest.mark.parametrize("norm", Norm)
def test_the_turning_gradient_has_the_values_of_the_pre_activation(norm: Norm) -> None:
    x = activations().requires_grad_()
    found = made(norm).turning(x)
    assert torch.allclose(found, made(norm).pre(x), atol=1e-4)
    (gradient,) = torch.autograd.grad(found.sum(), x)
    assert gradient.isfinite().all()


def test_the_turning_gradient_is_that_of_the_share_in_the_distance() -> None:
    x, latents = activations().requires_grad_(), made()
    (turned,) = torch.autograd.grad(latents.turning(x)[..., 7].sum(), x)
    distances = (x - latents.decoder_bias).norm(dim=-1)
    (wanted,) = torch.autograd.grad((latents.pre(x)[..., 7] / distances).sum(), x)
    assert torch.allclose(turned, wanted * distances.detach().mean(dim=1)[:, None, None], atol=1e-4)


def test_printed_they_say_what_they_are_and_not_their_weights() -> None:
    assert "tensor(" not in repr(made()).partition("activation=")[0]


@pytest.mark.parametrize("norm", Norm)
def test_a_norm_is_undone_after_the_decoder(norm: Norm) -> None:
    x = activations()
    values, mean, scale = made(norm).normed(x)
    # A deviation is divided by 1e-5 more than it is multiplied with.
    assert torch.allclose(values * scale + mean, x, atol=1e-3)


def test_centring_takes_the_mean_off_each_token() -> None:
    values = made(Norm.CENTER).normed(activations()).values
    assert values.mean(-1).abs().max() < 1e-5


def test_both_readings_of_the_decoder_bias_can_be_had() -> None:
    x, latents = activations(), made()
    subtracting = latents.subtracting()
    assert torch.allclose(subtracting.pre(x), latents.pre(x - latents.decoder_bias), atol=1e-4)
    assert torch.allclose(subtracting.subtracting(False).bias, latents.bias, atol=1e-5)


def test_latents_are_computed_in_float32_whatever_the_layer_has() -> None:
    x = activations().bfloat16()
    assert made().encode(x).dtype is torch.float32
    assert np.isfinite(made().rebuilt(x).numpy()).all()


@pytest.mark.parametrize("norm", list(Norm))
@pytest.mark.parametrize("activation", [TopK(1), TopK(9, rectified=False), Relu()])
def test_entries_are_decoded_as_all_latents_are(norm: Norm, activation: Activation) -> None:
    w = standard()
    latents = Latents(w["W_enc"], w["b_enc"] - 3, w["W_dec"], w["b_dec"], activation, norm=norm)
    x = activations()
    assert torch.allclose(latents.rebuilt_from(latents.sparse(x), x), latents.rebuilt(x), atol=1e-4)
    silent = replace(latents, bias=latents.bias - 1e6, activation=Relu())
    assert torch.allclose(silent.rebuilt_from(silent.sparse(x), x), silent.rebuilt(x), atol=1e-4)


def test_all_that_decides_what_latents_are_is_in_their_checksum() -> None:
    def threshold(value: float, count: int = COUNT) -> Threshold:
        return Threshold(torch.full((count,), value))

    ones, twos = torch.ones(COUNT), torch.full((COUNT,), 2.0)
    activations: list[Activation] = [
        *(Relu(), TopK(3), TopK(4), TopK(3, rectified=False)),
        *(threshold(0.5), threshold(3.0), threshold(0.5, 1), threshold(0.50001, 1)),
        *(Gated(ones, ones), Gated(ones, twos), Gated(twos, ones)),
        *(Capped(Relu(), 1.0), Capped(Relu(), 1.0000001), Capped(threshold(0.5), 1.0), Capped(threshold(3.0), 1.0)),
    ]
    own = made()
    every = [
        *(replace(own, activation=each) for each in activations),
        *(replace(own, tokens=each) for each in Tokens),
        *(replace(own, norm=each) for each in Norm if each is not own.norm),
        *(replace(own, layer="1"), replace(own, unsure=True), replace(own, subtracted=True)),
        *(
            replace(own, bias=own.bias + 1),
            replace(own, encoder=own.encoder + 1),
            replace(own, decoder=own.decoder + 1),
        ),
    ]
    assert len({each.known().sha256 for each in every}) == len(every)
    again = replace(made(), activation=threshold(3.0), name="another name")
    assert again.known().sha256 == replace(own, activation=threshold(3.0)).known().sha256
    assert replace(own, sha256="a" * 64).known().sha256 == "a" * 64
