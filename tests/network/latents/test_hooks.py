"""Other libraries' names of layers."""

from __future__ import annotations

import pytest
import torch
from clip.model import CLIP

from clipdesk.network.capture import LayerCapture
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.latents.hooks import blocks_of, layer_named

BLOCKS = "visual.transformer.resblocks"


@pytest.mark.parametrize(
    ("hook", "layer"),
    [
        ("blocks.1.hook_resid_post", f"{BLOCKS}.1"),
        ("blocks.-1.hook_resid_post", f"{BLOCKS}.1"),
        ("blocks.-2.hook_resid_post", f"{BLOCKS}.0"),
        ("blocks.1.hook_resid_pre", f"{BLOCKS}.0"),
        ("blocks.0.hook_resid_pre", "visual.ln_pre"),
        ("blocks.0.hook_resid_mid", f"{BLOCKS}.0.ln_2"),
        ("blocks.0.hook_mlp_out", f"{BLOCKS}.0.mlp"),
        ("blocks.0.hook_attn_out", f"{BLOCKS}.0.attn"),
        ("blocks.0.attn.hook_z", f"{BLOCKS}.0.attn.head_channels"),
        ("blocks.0.mlp.hook_post", f"{BLOCKS}.0.mlp.gelu"),
        ("vision_model.encoder.layers.1", f"{BLOCKS}.1"),
        ("encoder.layers.0.mlp.fc2", f"{BLOCKS}.0.mlp.c_proj"),
        ("post_projection", "visual"),
        ("1.mlp", f"{BLOCKS}.1.mlp"),
        (f"{BLOCKS}.1.mlp.gelu", f"{BLOCKS}.1.mlp.gelu"),
        ("blocks.2.hook_resid_post", None),
        ("blocks.0.hook_odd", None),
        ("layer9", None),
        ("", None),
    ],
)
def test_names_of_prisma_and_hugging_face(vit: CLIP, hook: str, layer: str | None) -> None:
    found = layer_named(hook, LayerInspector(vit).layers)
    assert (found and found.name) == layer


def test_the_residual_stream_in_the_middle_of_a_block_is_an_input(vit: CLIP) -> None:
    layers = LayerInspector(vit).layers
    middle, attention = layer_named("blocks.1.hook_resid_mid", layers), layers[f"{BLOCKS}.1.attn"]
    assert middle is not None
    with torch.no_grad():
        outputs = LayerCapture(vit, [layers[f"{BLOCKS}.0"], middle, attention]).run(torch.randn(2, 3, 32, 32))
    wanted = outputs[f"{BLOCKS}.0"] + outputs[attention.name]
    assert torch.allclose(outputs[middle.name], wanted, atol=1e-5)


def test_blocks_are_in_order_and_a_resnet_has_none(vit: CLIP, resnet: CLIP) -> None:
    assert [each.name for each in blocks_of(LayerInspector(vit).layers)] == [f"{BLOCKS}.0", f"{BLOCKS}.1"]
    assert blocks_of(LayerInspector(resnet).layers) == []
