from collections.abc import Callable
from typing import Any

import pytest
import torch
from clip.model import CLIP
from torch import nn

from clipdesk.errors import UsageError
from clipdesk.jobs.visualizer import FeatureVisualizer
from clipdesk.network.capture import NeuronActivationHook
from clipdesk.network.inspector import LayerInspector, input_side
from clipdesk.network.layer_sources import ModuleOutput
from clipdesk.network.layers import Layout
from clipdesk.network.opened import OpenModel

BLOCK = "visual.transformer.resblocks.1"


@pytest.mark.parametrize(
    ("layer", "layout", "shape", "units", "class_token"),
    [
        ("visual", Layout.VECTOR, (32,), 32, False),
        ("visual.conv1", Layout.CHANNELS_FIRST, (64, 4, 4), 64, False),
        ("visual.ln_pre", Layout.BATCH_FIRST, (17, 64), 64, True),
        (BLOCK, Layout.TOKENS_FIRST, (17, 64), 64, True),
        (f"{BLOCK}.attn", Layout.TOKENS_FIRST, (17, 64), 64, True),
        (f"{BLOCK}.attn.heads", Layout.TOKENS_FIRST, (17, 1), 1, True),
        (f"{BLOCK}.mlp.gelu", Layout.TOKENS_FIRST, (17, 256), 256, True),
        ("visual.ln_post", Layout.VECTOR, (64,), 64, False),
    ],
)
def test_layouts_of_a_vision_transformer(
    inspector: LayerInspector, layer: str, layout: Layout, shape: tuple[int, ...], units: int, class_token: bool
) -> None:
    info = inspector.get_layer_info(layer)
    assert (info.layout, info.shape, info.units, info.class_token) == (layout, shape, units, class_token)


def test_layouts_of_a_resnet(resnet: CLIP) -> None:
    inspector = LayerInspector(resnet)
    info = inspector.get_layer_info("visual.layer2.0.conv1")
    assert (info.layout, info.units, info.unit_kind) == (Layout.CHANNELS_FIRST, 16, "channel")
    assert inspector.get_layer_info("visual.attnpool").layout is Layout.VECTOR
    for dead in ("q_proj", "k_proj", "v_proj", "c_proj"):
        assert "never called" in (inspector.get_layer_info(f"visual.attnpool.{dead}").reason or "")


def test_two_tokens_are_not_taken_for_two_pictures() -> None:
    """A tower of one patch and its class token."""
    inspector = LayerInspector(CLIP(32, 32, 1, 64, 32, 77, 49408, 64, 1, 1).eval())
    for layer, layout in (("visual.ln_pre", Layout.BATCH_FIRST), (BLOCK.replace("1", "0"), Layout.TOKENS_FIRST)):
        info = inspector.get_layer_info(layer)
        assert (info.layout, info.shape, info.class_token) == (layout, (2, 64), True)


def test_there_is_a_node_for_every_module(inspector: LayerInspector, vit: CLIP) -> None:
    infos = [node.info for node in inspector.tree.walk()]
    nodes = {info.name for info in infos if isinstance(info.source, ModuleOutput)}
    assert nodes == {name for name, _ in vit.named_modules() if name.partition(".")[0] == "visual"}


def test_the_projection_inside_attention_says_why_it_cannot_be_visualised(inspector: LayerInspector) -> None:
    assert f"{BLOCK}.attn.out_proj" not in inspector.get_layer_names()
    with pytest.raises(UsageError, match=f"never called.*Choose '{BLOCK}.attn'"):
        inspector.get_neuron_names(f"{BLOCK}.attn.out_proj")


def test_neurons_have_names(inspector: LayerInspector) -> None:
    assert inspector.get_neuron_names("visual.conv1")[:2] == ["channel_0", "channel_1"]
    assert inspector.get_neuron_names(f"{BLOCK}.attn.heads") == ["head_0"]
    for part in ("head_channels", "queries", "keys", "values"):
        assert inspector.get_neuron_names(f"{BLOCK}.attn.{part}") == [f"channel_{i}" for i in range(64)]
    assert len(inspector.get_neuron_names(f"{BLOCK}.mlp.gelu")) == 256


def test_the_nearest_names_are_offered(inspector: LayerInspector) -> None:
    with pytest.raises(UsageError, match=f"no layer '{BLOCK}.atn'.*{BLOCK}.attn"):
        inspector.get_layer_info(f"{BLOCK}.atn")


@pytest.mark.parametrize("index", [-1, 64, 10_000])
def test_a_neuron_out_of_range_is_refused_with_the_range(inspector: LayerInspector, index: int) -> None:
    with pytest.raises(UsageError, match="64 neurons are 0 to 63"):
        inspector.check_unit(BLOCK, index)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda it: it.get_layer_info(None), "layer must be a text, not None"),
        (lambda it: it.get_neuron_names(it.get_layer_info(BLOCK)), "layer must be a text, not of type LayerInfo"),
        (lambda it: it.check_unit(BLOCK, "3"), "index must be a whole number, not '3'"),
        (lambda it: it.check_unit(BLOCK, 3.0), "index must be a whole number, not 3.0"),
        (lambda it: it.check_text(3), "text must be a text, not 3"),
    ],
)
def test_what_is_of_another_type_is_refused(
    inspector: LayerInspector, ask: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        ask(inspector)
    assert str(raised.value) == message


def test_the_model_is_left_as_it_was(vit: CLIP) -> None:
    vit.train()
    before = {name: value.clone() for name, value in vit.state_dict().items()}
    LayerInspector(vit)
    assert vit.training
    assert not any(module._forward_hooks for module in vit.modules())
    assert all(torch.equal(value, before[name]) for name, value in vit.state_dict().items())


def test_a_float16_model_can_be_inspected(vit: CLIP) -> None:
    from clip.model import convert_weights

    convert_weights(vit)
    assert LayerInspector(vit).get_layer_info(BLOCK).units == 64


def test_the_input_side_is_the_models(vit: CLIP, resnet: CLIP) -> None:
    assert (input_side(vit), input_side(resnet)) == (32, 64)


class _OfTransformers(nn.Module):
    """As CLIPModel of transformers, whose towers have other names."""

    def __init__(self) -> None:
        super().__init__()
        self.vision_model = nn.Linear(3, 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (nn.Linear(3, 3), "Linear is not a CLIP: it has no image tower"),
        (_OfTransformers(), "hf:OWNER/NAME"),
        (None, "not of type NoneType"),
        ("demo", "opened by clipdesk.open_model"),
        ({}, "not of type dict"),
    ],
)
def test_what_is_no_clip_is_refused_in_one_line(given: object, words: str) -> None:
    makers: list[Callable[[Any], object]] = [LayerInspector, OpenModel.of, lambda it: NeuronActivationHook(it, "a", 0)]
    if not isinstance(given, str):
        # A name is opened.
        makers.append(FeatureVisualizer)
    for make in makers:
        with pytest.raises(UsageError) as raised:
            make(given)
        assert words in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_tower_alone_is_not_the_model(vit: CLIP) -> None:
    with pytest.raises(UsageError, match="give the whole model, and not its tower alone"):
        LayerInspector(vit.visual)
