"""Checkpoints with the names of the package transformers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from clipdesk.models.configs import read_configs
from clipdesk.models.names import has_open_clip
from tests.clips import State, is_same, open_clips, openais, opened, part, prefixed, refusal, saved
from tests.open_clips import register_siglip
from tests.transformers_names import as_transformers, as_transformers_siglip


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("more", [{}, {"vision_model.embeddings.position_ids": torch.arange(17)[None]}])
@pytest.mark.parametrize("prefix", ["", "clip.", "model."])
def test_transformers_names_open(tmp_path: Path, name: str, more: State, prefix: str) -> None:
    true = openais()
    file = saved(prefixed({**as_transformers(true.state_dict()), **more}, prefix), tmp_path / "folder" / name)
    model = opened(file)
    assert is_same(model, true)
    assert torch.equal(model.state_dict()["text_projection"], true.state_dict()["text_projection"])
    assert is_same(opened(file.parent), true)


def test_transformers_vision_tower_opens_alone(tmp_path: Path) -> None:
    true = openais()
    state = {n: v for n, v in as_transformers(true.state_dict()).items() if n.startswith("vis")}
    assert is_same(opened(saved(state, tmp_path / "x.safetensors")), true)
    del state["visual_projection.weight"]
    assert opened(saved(state, tmp_path / "y.safetensors")).encode_image(torch.zeros(1, 3, 64, 64)).shape == (1, 128)


@pytest.mark.skipif(not has_open_clip(), reason="the extra clipdesk[open-clip] is not installed")
def test_transformers_configuration_says_heads_and_activation(tmp_path: Path) -> None:
    true = open_clips(head_width=32)
    saved(as_transformers(true.state_dict()), tmp_path / "model.safetensors")
    vision = {"hidden_act": "gelu", "num_attention_heads": 4, "hidden_size": 128}
    config = {"model_type": "clip", "vision_config": vision, "text_config": {"num_attention_heads": 1}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = opened(tmp_path)
    assert is_same(model, true)
    assert type(part(model, "mlp.gelu")).__name__ == "GELU"


VISION = {"hidden_act": "gelu", "num_attention_heads": 4, "hidden_size": 128}


def configured(folder: Path, text: str) -> Path:
    saved(as_transformers(openais().state_dict()), folder / "model.safetensors")
    (folder / "config.json").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("vision", "text", "reason"),
    [
        ({"num_attention_heads": 3}, {}, "128, which the 3 heads of config.json cannot share evenly"),
        ({"num_attention_heads": "4"}, {}, "config.json beside it is damaged, or that of another model"),
        ({"hidden_size": 256}, {}, "config.json beside it is damaged, or that of another model"),
        ({"num_hidden_layers": 24}, {}, "config.json beside it is damaged, or that of another model"),
        ({"num_hidden_layers": 2, "patch_size": 32}, {}, "config.json beside it is damaged, or that of another model"),
        ({"hidden_act": "silu"}, {}, "hidden_act is silu"),
        ({}, {"num_attention_heads": 3}, "64, which the 3 heads of config.json cannot share evenly"),
        ({}, {"hidden_act": "quick_gelu"}, "its two towers have different activations"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    tmp_path: Path, vision: dict[str, object], text: dict[str, object], reason: str
) -> None:
    config = {"model_type": "clip", "vision_config": {**VISION, **vision}, "text_config": text}
    assert reason in refusal(configured(tmp_path, json.dumps(config)))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"model_type": "siglip", "vision_config": {}}'])
def test_no_heads_are_guessed_beside_a_damaged_configuration(tmp_path: Path, text: str) -> None:
    folder = configured(tmp_path, text)
    assert "config.json beside it is damaged, or that of another model" in refusal(folder)
    assert is_same(opened(f"{folder / 'model.safetensors'}?heads=2"), openais())


def test_what_transformers_configuration_leaves_out_has_its_default(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip", "vision_config": {}, "text_config": {}}))
    (config,) = read_configs((tmp_path / "config.json",))
    assert (config.width, config.heads, config.text_heads, config.activation) == (None, None, None, "quickgelu")
    sizes = {"vision_config": {"hidden_size": 384}, "text_config": {"hidden_size": 256}}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip", **sizes}))
    (config,) = read_configs((tmp_path / "config.json",))
    assert (config.width, config.heads, config.text_heads) == (384, 12, 8)


@pytest.mark.skipif(not has_open_clip(), reason="the extra clipdesk[open-clip] is not installed")
def test_a_siglip_in_transformers_names_is_named_and_opens_as_its_architecture(tmp_path: Path) -> None:
    import open_clip

    from clipdesk.models.architectures import own_log

    register_siglip(tmp_path)
    with own_log():
        true = open_clip.create_model("clipdesk-map-siglip", load_weights=False).eval()
    file = saved(as_transformers_siglip(true.state_dict()), tmp_path / "model.safetensors")
    assert f"open_clip:clipdesk-map-siglip/[{file}]" in refusal(file)
    assert is_same(opened(f"open_clip:clipdesk-map-siglip/[{file}]"), true, 64)
    state = {n: v for n, v in as_transformers_siglip(true.state_dict()).items() if n.startswith("vision_model.")}
    tower = saved(state, tmp_path / "vision.safetensors")
    assert f"open_clip:clipdesk-map-siglip/[{tower}]" in refusal(tower)
    assert is_same(opened(f"open_clip:clipdesk-map-siglip/[{tower}]"), true, 64)
