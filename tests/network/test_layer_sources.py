"""Where layers' values come from, against what torch's own hooks and formulas give."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from clip.model import CLIP
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from clipdesk.network.capture import LayerCapture
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.layer_sources import AttentionPart, ModuleOutput, Part, Plain
from clipdesk.network.layers import LayerInfo, by_position
from tests.network.test_capture import outputs_of, pictures

ATTENTION = "visual.transformer.resblocks.1.attn"


@pytest.mark.parametrize(
    ("layer", "kind", "source"),
    [
        ("visual.conv1", "Conv2d", ModuleOutput("visual.conv1")),
        *(
            (f"{ATTENTION}.{part.value}", kind, AttentionPart(ATTENTION, part))
            for part, kind in zip(Part, ("Heads", "HeadChannels", "Queries", "Keys", "Values"), strict=True)
        ),
    ],
)
def test_a_layer_knows_its_source_and_shows_its_kind(
    inspector: LayerInspector, layer: str, kind: str, source: ModuleOutput | AttentionPart
) -> None:
    info = inspector.get_layer_info(layer)
    assert (info.kind, info.source) == (kind, source)


def test_heads_are_the_parts_that_attention_mixes(demo: CLIP) -> None:
    name = "visual.transformer.resblocks.2.attn"
    inspector = LayerInspector(demo)
    info = inspector.visualizable(f"{name}.heads")
    attention = demo.get_submodule(name)
    assert isinstance(attention, nn.MultiheadAttention)
    inputs = outputs_of(demo, "visual.transformer.resblocks.2.ln_1", pictures(128, 2))
    # With the mixing switched off, the attention's own output is the heads side by side.
    weight, bias = attention.out_proj.weight.clone(), attention.out_proj.bias.clone()
    try:
        attention.out_proj.weight.copy_(torch.eye(192))
        attention.out_proj.bias.zero_()
        mixed = attention(inputs, inputs, inputs, need_weights=False)[0]
    finally:
        attention.out_proj.weight.copy_(weight)
        attention.out_proj.bias.copy_(bias)
    wanted = mixed.view(65, 2, 3, 64).norm(dim=-1).transpose(0, 1)
    channels = inspector.visualizable(f"{name}.head_channels")
    captured = LayerCapture(demo, [info, channels]).run(pictures(128, 2))
    assert torch.allclose(captured[info.name], wanted, atol=1e-4)
    assert torch.allclose(captured[channels.name], mixed.transpose(0, 1), atol=1e-4)


def test_queries_keys_and_values_are_the_inputs_of_attention(demo: CLIP) -> None:
    name = "visual.transformer.resblocks.2.attn"
    attention, inspector = demo.get_submodule(name), LayerInspector(demo)
    assert isinstance(attention, nn.MultiheadAttention)
    inputs = outputs_of(demo, "visual.transformer.resblocks.2.ln_1", pictures(128, 2)).transpose(0, 1)
    parts = [inspector.visualizable(f"{name}.{part}") for part in ("queries", "keys", "values")]
    captured = LayerCapture(demo, parts).run(pictures(128, 2))
    weights = attention.in_proj_weight.view(3, 192, 192)
    for i, part in enumerate(parts):
        wanted = inputs @ weights[i].T + attention.in_proj_bias.view(3, 192)[i]
        assert torch.allclose(captured[part.name], wanted, atol=1e-4)


def test_a_new_kind_of_source_is_attached_like_any_other(vit: CLIP) -> None:
    """A capture does not ask what kind of layer it reads."""

    @dataclass(frozen=True)
    class Doubled(Plain):
        module: str

        def attach(
            self, network: nn.Module, info: LayerInfo, keep: Callable[[Tensor], None], leak: float
        ) -> list[RemovableHandle]:
            def after(_module: nn.Module, _args: object, output: Tensor) -> None:
                keep(2 * by_position(output, info))

            return [network.get_submodule(self.module).register_forward_hook(after)]

    plain = LayerInspector(vit).get_layer_info("visual.conv1")
    doubled = replace(plain, name="doubled", source=Doubled("visual.conv1"))
    with torch.no_grad():
        outputs = LayerCapture(vit, [plain, doubled]).run(torch.randn(1, 3, 32, 32))
    assert torch.equal(outputs["doubled"], 2 * outputs["visual.conv1"])
