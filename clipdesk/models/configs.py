"""What a configuration beside the weights says of a network's form: open_clip's, or transformers'. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipdesk.errors import one_line

_MOST_BYTES = 2**20

_PLAIN_VISION = {
    "timm_model_name": None,
    "attentional_pool": False,
    "pool_type": "tok",
    "no_ln_pre": False,
    "final_ln_after_pool": False,
    "pos_embed_type": "learnable",
    "ls_init_value": None,
    "block_type": None,
    "norm_kwargs": None,
    "act_kwargs": None,
}
_PLAIN_TEXT = {
    "hf_model_name": None,
    "hf_tokenizer_name": None,
    "pool_type": "argmax",
    "no_causal_mask": False,
    "embed_cls": False,
    "proj_bias": False,
    "proj_type": "linear",
    "final_ln_after_pool": False,
    "ls_init_value": None,
    "norm_kwargs": None,
    "act_kwargs": None,
}
_HEAD_WIDTH = 64
_ACTIVATIONS = {"quick_gelu": "quickgelu", "gelu": "gelu"}


@dataclass(frozen=True)
class Config:
    """What is known of a network's form.

    Attributes:
        name: The file's name.
        width: Width of the vision tower; None where it does not say.
        heads: Attention heads of the vision tower; None where it does not say.
        text_heads: Those of the text tower, likewise.
        activation: ``gelu`` or ``quickgelu``; empty where it does not say.
        unlike: What makes it another form than OpenAI's; empty where it has OpenAI's.
        open_clip: open_clip's own description, ``embed_dim``, ``vision_cfg`` and ``text_cfg``; empty for transformers'.
        mean: What is taken off a picture's channels, likewise from open_clip's; None where it does not say.
        std: What they are divided by then.
        layers: Blocks of the vision tower, of a ResNet those of each stage; None where it does not say.
        patch: Side of a patch in pixels; None where it does not say, or there are none.
    """

    name: str
    width: int | None = None
    heads: int | None = None
    text_heads: int | None = None
    activation: str = ""
    unlike: str = ""
    open_clip: Mapping[str, Any] = field(default_factory=dict)
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    layers: int | tuple[int, ...] | None = None
    patch: int | None = None

    def is_of(self, width: int, layers: int | tuple[int, ...], patch: int | None) -> bool:
        """Whether it may be that of a network of this form, and not of another that it was once beside."""
        said = (self.width, width), (self.layers, layers), (self.patch, patch)
        return all(own is None or own == found for own, found in said)


def read_configs(files: tuple[Path, ...]) -> Iterator[Config]:
    """What the files say that are configurations of a CLIP; others are skipped."""
    for file in files:
        try:
            with file.open("rb") as opened:
                text = opened.read(_MOST_BYTES + 1)
            found = json.loads(text) if len(text) <= _MOST_BYTES else None
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            config = _of_open_clip(file.name, found) or _of_transformers(file.name, found)
            if config is not None:
                yield config


def _of_open_clip(name: str, found: dict[str, Any]) -> Config | None:
    inner = found.get("model_cfg", found)
    if not isinstance(inner, dict) or not isinstance(inner.get("vision_cfg"), dict):
        return None
    vision, text = inner["vision_cfg"], inner.get("text_cfg")
    text = text if isinstance(text, dict) else {}
    width = _number(vision.get("width", 768))
    head_width = _number(vision.get("head_width", _HEAD_WIDTH))
    resnet = isinstance(vision.get("layers"), list)
    wide = width and width * (32 if resnet else 1)
    heads = wide // head_width if wide and head_width else None
    preprocess = found.get("preprocess_cfg")
    preprocess = preprocess if isinstance(preprocess, dict) else {}
    mean, std = _three(preprocess.get("mean")), _three(preprocess.get("std"))
    return Config(
        name,
        width,
        heads,
        _number(text.get("heads", 8)),
        "quickgelu" if inner.get("quick_gelu") else "gelu",
        _unlike(inner, vision, text),
        inner,
        mean if mean and std else None,
        std if mean and std else None,
        _layers(vision.get("layers")),
        None if resnet else _number(vision.get("patch_size")),
    )


def _layers(value: object) -> int | tuple[int, ...] | None:
    """Numbers of blocks; 0 for what no network has, so that it is taken for that of another."""
    if value is None:
        return None
    if isinstance(value, list):
        return tuple(_number(each) or 0 for each in value)
    return _number(value) or 0


def _unlike(inner: dict[str, Any], vision: dict[str, Any], text: dict[str, Any]) -> str:
    for part, plain in ((vision, _PLAIN_VISION), (text, _PLAIN_TEXT)):
        for key, usual in plain.items():
            if part.get(key, usual) not in (usual, None):
                return f"{key} is {one_line(part[key], 40)}"
    if "multimodal_cfg" in inner:
        return "it has a multimodal_cfg"
    side = vision.get("image_size")
    if isinstance(side, list) and len(set(map(str, side))) > 1:
        return "its pictures are not square"
    return ""


def _of_transformers(name: str, found: dict[str, Any]) -> Config | None:
    kind = found.get("model_type")
    vision = found if kind == "clip_vision_model" else found.get("vision_config")
    if kind not in ("clip", "clip_vision_model") or not isinstance(vision, dict):
        return None
    text = found.get("text_config")
    text = text if isinstance(text, dict) else {}
    # transformers leaves out what has its default, which counts where the width beside it is said.
    given = vision.get("num_attention_heads", 12 if "hidden_size" in vision else None)
    width, heads = _number(vision.get("hidden_size")), _number(given)
    if given is not None and heads is None:
        return None
    text_heads = _number(text.get("num_attention_heads", 8 if "hidden_size" in text else None))
    said = vision.get("hidden_act", "quick_gelu")
    activation = _ACTIVATIONS.get(str(said), "")
    unlike = "" if activation else f"hidden_act is {one_line(said, 40)}"
    if text.get("hidden_act", said) != said:
        unlike = "its two towers have different activations"
    layers, patch = _layers(vision.get("num_hidden_layers")), _number(vision.get("patch_size"))
    return Config(name, width, heads, text_heads, activation, unlike, layers=layers, patch=patch)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**20 else None


def _three(value: object) -> tuple[float, ...] | None:
    if (
        isinstance(value, list)
        and len(value) == 3
        and all(isinstance(each, int | float) and 0 < each < 1000 for each in value)
    ):
        return tuple(float(each) for each in value)
    return None
