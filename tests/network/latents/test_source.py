"""Latents read as a layer of a network."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from clip.model import CLIP

from clipdesk.network.capture import LayerCapture, pooled
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.latents.activations import TopK
from clipdesk.network.latents.algebra import Latents, Norm, Tokens
from clipdesk.network.latents.source import layer_of
from clipdesk.network.layers import LayerInfo, Layout

BLOCK = "visual.transformer.resblocks.1"


def made(width: int, norm: Norm = Norm.NONE) -> Latents:
    generator = torch.Generator().manual_seed(3)
    encoder = torch.randn(width, 50, generator=generator)
    bias = torch.randn(50, generator=generator)
    return Latents(encoder, bias, encoder.T, torch.zeros(width), TopK(4), norm=norm)


def read(model: CLIP, base: str, tokens: Tokens) -> tuple[torch.Tensor, dict[str, torch.Tensor], LayerInfo]:
    layers = LayerInspector(model).layers
    info = layer_of(made(layers[base].units), layers[base], tokens, "own")
    side = 64 if base.startswith("visual.layer") else 32
    inputs = torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return inputs, LayerCapture(model, [layers[base], info]).run(inputs), info


@pytest.mark.parametrize(
    ("tokens", "chosen", "shape"),
    [(Tokens.ALL, slice(None), (17, 50)), (Tokens.PATCHES, slice(1, None), (16, 50)), (Tokens.CLASS, slice(1), (50,))],
)
def test_values_are_pre_activations_at_the_tokens_of_the_training(
    vit: CLIP, tokens: Tokens, chosen: slice, shape: tuple[int, ...]
) -> None:
    _, outputs, info = read(vit, BLOCK, tokens)
    wanted = made(64).pre(outputs[BLOCK][:, chosen])
    assert torch.allclose(outputs["own"], wanted, atol=1e-5)
    assert (info.shape, info.units, info.unit_kind, info.positions) == (shape, 50, "latent", wanted.shape[1])
    assert info.class_token is (tokens is Tokens.ALL)
    assert pooled(outputs["own"], info).shape == (3, 50)


def test_the_place_in_a_convolutional_map_stays(resnet: CLIP) -> None:
    _, outputs, info = read(resnet, "visual.layer2", Tokens.ALL)
    assert (info.layout, info.shape) == (Layout.CHANNELS_LAST, (8, 8, 50))
    assert outputs["own"].shape == (3, 64, 50)


def test_what_is_measured_is_behind_the_activation(vit: CLIP) -> None:
    inputs, outputs, info = read(vit, BLOCK, Tokens.PATCHES)
    measured = info.measured()
    assert measured.measured() is measured
    with torch.no_grad():
        active = LayerCapture(vit, [measured]).run(inputs)["own"]
    assert torch.allclose(active, TopK(4)(outputs["own"]), atol=1e-5)
    assert (active > 0).sum(-1).max() <= 4


def test_a_few_latents_alone_are_read_as_among_all(vit: CLIP) -> None:
    inputs, outputs, info = read(vit, BLOCK, Tokens.ALL)
    few = info.narrowed([30, 2, 30])
    assert (few.units, few.numbers, few.column(30)) == (2, (2, 30), 1)
    with torch.no_grad():
        alone = LayerCapture(vit, [few, info]).run(inputs)
    assert torch.allclose(alone[few.name], outputs["own"][..., [2, 30]], atol=1e-5)
    assert info.narrowed(range(50)) is info
    plain = LayerInspector(vit).layers[BLOCK]
    assert plain.narrowed([3]) is plain
    assert plain.measured() is plain
    assert plain.column(7) == 7


def test_half_precision_of_the_network_is_not_that_of_the_latents(vit: CLIP) -> None:
    layers = LayerInspector(vit).layers
    info = layer_of(made(64, Norm.LAYER_NORM), layers[BLOCK], Tokens.ALL, "own")
    capture = LayerCapture(vit, [layers[BLOCK], info], half=True)
    with torch.no_grad():
        outputs = capture.run(torch.randn(2, 3, 32, 32))
    assert outputs["own"].dtype is torch.float32
    assert torch.allclose(outputs["own"], made(64, Norm.LAYER_NORM).pre(outputs[BLOCK]), atol=1e-4)


def test_no_hook_is_left_behind_and_the_network_is_not_changed(vit: CLIP) -> None:
    before = {name: value.clone() for name, value in vit.state_dict().items()}
    read(vit, BLOCK, Tokens.ALL)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in vit.modules())
    assert all(torch.equal(value, before[name]) for name, value in vit.state_dict().items())


def test_a_latent_has_a_gradient_where_it_is_off(vit: CLIP) -> None:
    layers = LayerInspector(vit).layers
    off = made(64)
    off = replace(off, bias=off.bias - 1000)
    info = layer_of(off, layers[BLOCK], Tokens.PATCHES, "own")
    inputs = torch.randn(1, 3, 32, 32, requires_grad=True)
    values = LayerCapture(vit, [info]).run(inputs)["own"]
    assert values.max() < 0
    values[..., 3].sum().backward()
    assert inputs.grad is not None
    assert inputs.grad.abs().max() > 0
