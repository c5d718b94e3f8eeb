"""The number of heads, which no weight says: known, asked for, or the file is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from clip.model import CLIP
from safetensors.torch import save_file

from clipdesk.models import states
from clipdesk.models.names import has_open_clip
from tests.clips import is_same, open_clips, openais, opened, part, refusal

pytestmark = pytest.mark.skipif(not has_open_clip(), reason="the extra clipdesk[open-clip] is not installed")


def wide() -> CLIP:
    return open_clips(width=1280, head_width=80, patch_size=14, image_size=56, layers=1)


@pytest.mark.parametrize(
    "vision",
    [
        {"width": 1280, "head_width": 80, "patch_size": 14, "image_size": 56, "layers": 1},
        {"head_width": 32},
        {"pool_type": "avg", "quick": True},
        {"image_size": (32, 128), "quick": True},
        {"no_ln_pre": True},
        {"final_ln_after_pool": True, "pool_type": "avg"},
        {"mlp_ratio": 3.0},
        {"ls_init_value": 0.1},
        {"attentional_pool": True, "attn_pooler_heads": 2},
        {"width": 768, "layers": 1},
        {"width": 768, "layers": 1, "pool_type": "avg"},
    ],
)
@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_a_network_of_another_form_is_never_opened_as_openais(
    tmp_path: Path, vision: dict[str, object], kind: str
) -> None:
    state = open_clips(**vision).state_dict()
    file = tmp_path / f"mine.{kind}"
    if kind == "pt":
        torch.save(state, file)
    else:
        save_file(state, file)
    assert "heads" in (reason := refusal(file)) or "no part of a CLIP" in reason or "is missing" in reason


def test_what_is_missing_is_said_with_what_would_be_right(tmp_path: Path) -> None:
    torch.save(wide().state_dict(), tmp_path / "h14.pt")
    text = refusal(tmp_path / "h14.pt")
    assert "holds a CLIP of width 1,280, and its weights do not say how many attention heads it has" in text
    assert "'h14.pt?heads=16' for 16 of them" in text
    assert "open_clip_config.json" in text


def test_without_open_clip_it_is_named_as_what_could_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "has_open_clip", lambda: False)
    torch.save(wide().state_dict(), tmp_path / "h14.pt")
    assert "install clipdesk[open-clip] to look through its architectures" in refusal(tmp_path / "h14.pt")


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_heads_can_be_asked_for(tmp_path: Path, kind: str) -> None:
    true = open_clips(head_width=32)
    file = tmp_path / f"mine.{kind}"
    if kind == "pt":
        torch.save(true.state_dict(), file)
    else:
        save_file(true.state_dict(), file)
    model = opened(f"{file}?heads=4&gelu")
    assert is_same(model, true)
    assert part(model, "attn").num_heads == 4
    assert not is_same(opened(f"{file}?heads=2&gelu"), true)
    assert "128, which 3 heads cannot share evenly" in refusal(f"{file}?heads=3")


def test_what_openais_class_has_written_has_its_heads(tmp_path: Path) -> None:
    """Its list of a block's parts begins with the attention; that of open_clip's with a norm."""
    true = openais()
    torch.save(true.state_dict(), tmp_path / "mine.pt")
    assert is_same(opened(tmp_path / "mine.pt"), true)
    save_file(true.state_dict(), tmp_path / "mine.safetensors")
    assert "?heads=2' for heads of 64" in refusal(tmp_path / "mine.safetensors")


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", ["open_clip_config.json", "config.json"])
def test_a_configuration_of_open_clips_beside_it_says_the_form(tmp_path: Path, name: str, whole: bool) -> None:
    true = wide()
    save_file(true.state_dict(), tmp_path / "h14.safetensors")
    inner = {
        "embed_dim": 64,
        "vision_cfg": {"width": 1280, "head_width": 80, "patch_size": 14, "image_size": 56, "layers": 1},
        "text_cfg": {"width": 64, "heads": 1, "layers": 2},
    }
    preprocess = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    config = {"model_cfg": inner, "preprocess_cfg": preprocess} if whole else inner
    (tmp_path / name).write_text(json.dumps(config))
    model = opened(tmp_path / "h14.safetensors")
    assert is_same(model, true, 56)
    assert type(part(model, "mlp.gelu")).__name__ == "GELU"
    assert getattr(model.visual, "image_mean", None) == ((0.5, 0.5, 0.5) if whole else None)


@pytest.mark.parametrize(
    "vision", [{"pool_type": "avg"}, {"no_ln_pre": True}, {"ls_init_value": 0.1}, {"head_width": 32, "mlp_ratio": 3.0}]
)
def test_another_form_is_built_as_its_configuration_says(tmp_path: Path, vision: dict[str, object]) -> None:
    true = open_clips(**vision)
    torch.save(true.state_dict(), tmp_path / "mine.pt")
    form = {"layers": 2, "width": 128, "head_width": 64, "patch_size": 16, "image_size": 64, **vision}
    config = {"embed_dim": 64, "vision_cfg": form, "text_cfg": {"width": 64, "heads": 1, "layers": 2}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    assert is_same(opened(tmp_path / "mine.pt"), true)


@pytest.mark.parametrize(
    "config",
    [
        "[" * 100_000,
        json.dumps([1]),
        json.dumps({"vision_cfg": {"width": 64}}),
        json.dumps({"model_cfg": {"vision_cfg": {"width": "wide", "layers": {}}, "text_cfg": 3}}),
        json.dumps({"model_cfg": {"embed_dim": 64, "vision_cfg": {"width": 128, "layers": 10**9, "pool_type": "avg"}}}),
        json.dumps({"model_cfg": {"vision_cfg": {"timm_model_name": "hf-hub:nobody/model"}}}),
        json.dumps({"model_type": "clip", "vision_config": {"hidden_act": [1], "num_attention_heads": -4}}),
    ],
)
def test_a_strange_configuration_is_no_harm(tmp_path: Path, config: str) -> None:
    save_file(openais().state_dict(), tmp_path / "mine.safetensors")
    (tmp_path / "open_clip_config.json").write_text(config)
    assert refusal(tmp_path / "mine.safetensors")


@pytest.mark.parametrize("other", [{"layers": 12}, {"patch_size": 32}, {"layers": [2, 2, 2, 2]}, {"layers": 10**9}])
def test_a_configuration_of_another_model_of_the_same_width_says_nothing(
    tmp_path: Path, other: dict[str, object]
) -> None:
    save_file(open_clips(pool_type="avg").state_dict(), tmp_path / "mine.safetensors")
    config = {"embed_dim": 64, "vision_cfg": {"width": 128, "head_width": 32, **other}, "text_cfg": {"heads": 1}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    said = refusal(tmp_path / "mine.safetensors")
    assert "open_clip_config.json beside it is damaged, or that of another model" in said


def test_heads_that_cannot_share_the_width_are_refused_with_the_configuration_that_says_them(tmp_path: Path) -> None:
    torch.save(openais().state_dict(), tmp_path / "mine.pt")
    vision = {"width": 128, "head_width": 40, "layers": 2, "patch_size": 16}
    config = {"embed_dim": 64, "vision_cfg": vision, "text_cfg": {"width": 64, "heads": 1, "layers": 2}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    assert "128, which the 3 heads of open_clip_config.json cannot share evenly" in refusal(tmp_path / "mine.pt")


@pytest.mark.parametrize("vision", [{"attentional_pool": True}, {"no_ln_pre": True}, {"ls_init_value": 0.1}])
def test_a_form_of_its_own_is_refused_with_what_would_open_it(tmp_path: Path, vision: dict[str, object]) -> None:
    torch.save(open_clips(**vision).state_dict(), tmp_path / "mine.pt")
    said = refusal(tmp_path / "mine.pt")
    assert said.endswith("If open_clip has trained it in a form of its own, put its open_clip_config.json beside it")


def test_an_architecture_that_fits_is_named_with_what_opens_it(tmp_path: Path) -> None:
    import open_clip

    true = open_clip.create_model("ViT-S-32-alt", load_weights=False).eval()
    save_file(true.state_dict(), tmp_path / "small.safetensors")
    text = refusal(tmp_path / "small.safetensors")
    assert f"Open it as 'open_clip:ViT-S-32-alt/[{tmp_path / 'small.safetensors'}]'" in text
    assert is_same(opened(text.split("'")[-2]), true, 224)
