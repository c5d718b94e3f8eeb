"""Names of weights in the package transformers, and the same weights under the names of OpenAI and open_clip."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

VISION = "vision_model."
_TEXT = "text_model."
_IGNORED = ("position_ids",)

_BLOCK = re.compile(r"(vision_model|text_model)\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_PARTS = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_TIMM_PARTS = {
    "self_attn.out_proj": "attn.proj",
    "layer_norm1": "norm1",
    "layer_norm2": "norm2",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
_CLIP = {
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
}
_CLIP_TURNED = {"visual_projection.weight": "visual.proj", "text_projection.weight": "text_projection"}
"""Matrices that transformers keeps the other way round."""

_SIGLIP = {
    "vision_model.embeddings.patch_embedding.weight": "visual.trunk.patch_embed.proj.weight",
    "vision_model.embeddings.patch_embedding.bias": "visual.trunk.patch_embed.proj.bias",
    "vision_model.post_layernorm.weight": "visual.trunk.norm.weight",
    "vision_model.post_layernorm.bias": "visual.trunk.norm.bias",
    "vision_model.head.attention.out_proj.weight": "visual.trunk.attn_pool.proj.weight",
    "vision_model.head.attention.out_proj.bias": "visual.trunk.attn_pool.proj.bias",
    "vision_model.head.layernorm.weight": "visual.trunk.attn_pool.norm.weight",
    "vision_model.head.layernorm.bias": "visual.trunk.attn_pool.norm.bias",
    "vision_model.head.mlp.fc1.weight": "visual.trunk.attn_pool.mlp.fc1.weight",
    "vision_model.head.mlp.fc1.bias": "visual.trunk.attn_pool.mlp.fc1.bias",
    "vision_model.head.mlp.fc2.weight": "visual.trunk.attn_pool.mlp.fc2.weight",
    "vision_model.head.mlp.fc2.bias": "visual.trunk.attn_pool.mlp.fc2.bias",
    "vision_model.head.probe": "visual.trunk.attn_pool.latent",
    "text_model.embeddings.token_embedding.weight": "text.token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "text.positional_embedding",
    "text_model.final_layer_norm.weight": "text.ln_final.weight",
    "text_model.final_layer_norm.bias": "text.ln_final.bias",
    "text_model.head.weight": "text.text_projection.weight",
    "text_model.head.bias": "text.text_projection.bias",
}


def is_transformers(state: Mapping[str, Tensor]) -> bool:
    """Whether weights have transformers' names."""
    return any(name.startswith((f"{VISION}embeddings.", f"{VISION}encoder.")) for name in state)


def is_siglip(state: Mapping[str, Tensor]) -> bool:
    """Whether they are those of transformers' SiglipModel, whose vision tower has no class token."""
    return is_transformers(state) and f"{VISION}head.probe" in state


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of transformers' CLIPModel or SiglipModel under OpenAI's or open_clip's names.

    Names that neither has stay as they are. Queries, keys and values, which transformers keeps apart, are joined.

    Args:
        state: The weights.
    """
    siglip = is_siglip(state)
    towers = {"vision_model": "visual.trunk.blocks" if siglip else "visual.transformer.resblocks"}
    towers["text_model"] = "text.transformer.resblocks" if siglip else "transformer.resblocks"
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        block = _BLOCK.fullmatch(name)
        if name.endswith(_IGNORED):
            continue
        if block is not None:
            timm = siglip and block[1] == "vision_model"
            _take_block(found, state, block, f"{towers[block[1]]}.{block[2]}.", timm=timm)
        elif siglip:
            _take_siglip(found, name, value)
        elif name in _CLIP_TURNED and value.ndim == 2:
            found[_CLIP_TURNED[name]] = value.T
        else:
            found[_CLIP.get(name, name)] = value
    return found


def _take_block(
    found: dict[str, Tensor], state: Mapping[str, Tensor], block: re.Match[str], start: str, *, timm: bool
) -> None:
    part, kind = block[3], block[4]
    if part in ("self_attn.k_proj", "self_attn.v_proj"):
        return
    if part != "self_attn.q_proj":
        own = (_TIMM_PARTS if timm else _PARTS).get(part, part)
        found[f"{start}{own}.{kind}"] = state[block[0]]
        return
    three = [state.get(block[0].replace("q_proj", f"{each}_proj")) for each in "qkv"]
    whole = [each for each in three if each is not None]
    if len(whole) == 3 and len({each.shape for each in whole}) == 1:
        found[start + (f"attn.qkv.{kind}" if timm else f"attn.in_proj_{kind}")] = torch.cat(whole)


def _take_siglip(found: dict[str, Tensor], name: str, value: Tensor) -> None:
    pool = "visual.trunk.attn_pool."
    if name == "vision_model.embeddings.position_embedding.weight":
        found["visual.trunk.pos_embed"] = value[None]
    elif name.startswith("vision_model.head.attention.in_proj_"):
        kind = name.rpartition("_")[2]
        width = value.shape[0] // 3
        found[f"{pool}q.{kind}"], found[f"{pool}kv.{kind}"] = value[:width], value[width:]
    else:
        found[_SIGLIP.get(name, name)] = value
