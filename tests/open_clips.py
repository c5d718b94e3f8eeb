"""Small models of open_clip's form, with random weights: nothing is downloaded."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

SMALL: dict[str, dict[str, Any]] = {
    "clipdesk-vit": {"vision_cfg": {"layers": 2, "patch_size": 8}},
    "clipdesk-rn": {"vision_cfg": {"layers": [1, 1, 1, 1], "image_size": 64, "width": 8, "head_width": 32}},
    "clipdesk-timm": {"vision_cfg": {"timm_model_name": "test_vit", "timm_pool": "token"}},
    "clipdesk-siglip": {
        "vision_cfg": {"layers": 1, "patch_size": 8},
        "text_cfg": {"hf_tokenizer_name": "nobody/tokenizer"},
        "custom_text": True,
    },
    "clipdesk-hf": {"vision_cfg": {"layers": 1, "patch_size": 8}, "text_cfg": {"hf_model_name": "nobody/text"}},
    "clipdesk-coca": {
        "vision_cfg": {"layers": 1, "patch_size": 8, "attentional_pool": True, "attn_pooler_heads": 2},
        "multimodal_cfg": {"width": 64, "heads": 1, "layers": 1, "context_length": 76},
        "custom_text": True,
    },
}
"""The differences between the models, by name."""


def register_small(folder: Path) -> None:
    """Let open_clip know the small architectures.

    Skips the test where open_clip is not installed.
    """
    open_clip = pytest.importorskip("open_clip", reason="the extra clipdesk[open-clip] is not installed")
    if "clipdesk-vit" in open_clip.list_models():
        return
    for name, differing in SMALL.items():
        vision = {"image_size": 32, "width": 64, "head_width": 32, **differing["vision_cfg"]}
        if "timm_model_name" in vision:
            vision = {**differing["vision_cfg"], "image_size": 160}
        text = {"width": 64, "heads": 1, "layers": 1, **differing.get("text_cfg", {})}
        config = {"embed_dim": 32, **differing, "vision_cfg": vision, "text_cfg": text}
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)


def register_siglip(folder: Path) -> None:
    """Let open_clip and timm know ``clipdesk-map-siglip``: built as ViT-B-16-SigLIP is, which itself takes 0.8 GB."""
    import open_clip
    from timm.models import is_model, register_model
    from timm.models.vision_transformer import VisionTransformer

    def clipdesk_siglip(pretrained: bool, num_classes: int, **_: object) -> VisionTransformer:
        return VisionTransformer(
            img_size=64,
            patch_size=16,
            embed_dim=64,
            depth=2,
            num_heads=2,
            class_token=False,
            global_pool="map",
            num_classes=num_classes,
        )

    vision = {"image_size": 64, "timm_model_name": "clipdesk_siglip", "timm_model_pretrained": False}
    text = {"context_length": 16, "vocab_size": 100, "width": 64, "heads": 1, "layers": 2}
    config = {
        "embed_dim": 64,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": {**vision, "timm_pool": "map", "timm_proj": "none"},
        "text_cfg": {**text, "no_causal_mask": True, "proj_bias": True, "pool_type": "last"},
    }
    if not is_model("clipdesk_siglip"):
        register_model(clipdesk_siglip)
    (folder / "clipdesk-map-siglip.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "clipdesk-map-siglip.json")


def small_open_clip(architecture: str, *, quick_gelu: bool = False) -> nn.Module:
    """A model with random weights, as open_clip makes it."""
    import open_clip

    torch.manual_seed(0)
    model = open_clip.create_model(architecture, force_quick_gelu=quick_gelu)
    for name, parameter in model.named_parameters():
        if name == "text_decoder.text_projection":
            # open_clip leaves it as the memory was.
            nn.init.normal_(parameter)
    return model.eval().requires_grad_(False)
