"""The layers that a survey looks at by itself: what a person would, each value once."""

from __future__ import annotations

import pytest
from clip.model import CLIP
from open_clip.model import CustomTextCLIP

from clipdesk.activations.layers import usual_layers
from clipdesk.network.inspector import LayerInspector


def test_a_transformer_is_surveyed_block_by_block(vit: CLIP) -> None:
    parts = ("", ".attn", ".attn.heads", ".mlp.gelu", ".mlp")
    blocks = [f"visual.transformer.resblocks.{block}{part}" for block in range(2) for part in parts]
    assert usual_layers(LayerInspector(vit)) == ["visual", *blocks]


def test_a_resnet_is_surveyed_stage_by_stage(resnet: CLIP) -> None:
    assert usual_layers(LayerInspector(resnet)) == ["visual", *(f"visual.layer{stage}" for stage in range(1, 5))]


@pytest.mark.parametrize(
    ("vision", "wanted"),
    [
        (
            {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "", "timm_proj": "linear", "image_size": 224},
            ("blocks.0", "blocks.0.attn", "blocks.0.attn.heads", "blocks.0.mlp.act", "blocks.0.mlp"),
        ),
        (
            {"timm_model_name": "convnext_atto", "timm_pool": "", "timm_proj": "linear", "image_size": 64},
            ("stages.0.blocks", "stages.3.blocks"),
        ),
    ],
)
def test_towers_of_timm_are_known_too(vision: dict[str, object], wanted: tuple[str, ...]) -> None:
    text = {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 2, "layers": 1}
    model = CustomTextCLIP(embed_dim=16, vision_cfg=vision, text_cfg=text).eval()
    found = usual_layers(LayerInspector(model))
    assert {"visual", *(f"visual.trunk.{name}" for name in wanted)} <= set(found)
