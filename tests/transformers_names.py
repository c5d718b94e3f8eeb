"""Weights of small CLIPs under the names that the package transformers gives them."""

from __future__ import annotations

import torch
from torch import Tensor

State = dict[str, Tensor]

_BLOCK = (
    ("attn.out_proj", "self_attn.out_proj"),
    ("ln_1", "layer_norm1"),
    ("ln_2", "layer_norm2"),
    ("mlp.c_fc", "mlp.fc1"),
    ("mlp.c_proj", "mlp.fc2"),
)


def as_transformers(state: State) -> State:
    """As CLIPModel has them."""
    found: State = {}
    for tower, source in (("vision_model", "visual.transformer"), ("text_model", "transformer")):
        _add_blocks(found, state, source, tower)
    for part in ("weight", "bias"):
        found[f"vision_model.pre_layrnorm.{part}"] = state[f"visual.ln_pre.{part}"]
        found[f"vision_model.post_layernorm.{part}"] = state[f"visual.ln_post.{part}"]
        found[f"text_model.final_layer_norm.{part}"] = state[f"ln_final.{part}"]
    found["vision_model.embeddings.class_embedding"] = state["visual.class_embedding"]
    found["vision_model.embeddings.patch_embedding.weight"] = state["visual.conv1.weight"]
    found["vision_model.embeddings.position_embedding.weight"] = state["visual.positional_embedding"]
    found["text_model.embeddings.token_embedding.weight"] = state["token_embedding.weight"]
    found["text_model.embeddings.position_embedding.weight"] = state["positional_embedding"]
    found["visual_projection.weight"] = state["visual.proj"].T
    found["text_projection.weight"] = state["text_projection"].T
    found["logit_scale"] = state["logit_scale"]
    return found


def _add_blocks(found: State, state: State, source: str, tower: str) -> None:
    count = len({name.split(".")[source.count(".") + 2] for name in state if name.startswith(f"{source}.resblocks.")})
    for number in range(count):
        old, new = f"{source}.resblocks.{number}.", f"{tower}.encoder.layers.{number}."
        for part in ("weight", "bias"):
            for letter, value in zip("qkv", state[f"{old}attn.in_proj_{part}"].chunk(3), strict=True):
                found[f"{new}self_attn.{letter}_proj.{part}"] = value
            for theirs, ours in _BLOCK:
                found[f"{new}{ours}.{part}"] = state[f"{old}{theirs}.{part}"]


def as_transformers_siglip(state: State) -> State:
    """As SiglipModel has those of open_clip's SigLIP."""
    found: State = {"logit_scale": state["logit_scale"].reshape(1), "logit_bias": state["logit_bias"].reshape(1)}
    _add_blocks(found, state, "text.transformer", "text_model")
    trunk, head = "visual.trunk.", "vision_model.head."
    for number in range(sum(name.endswith("attn.qkv.weight") for name in state)):
        old, new = f"{trunk}blocks.{number}.", f"vision_model.encoder.layers.{number}."
        for part in ("weight", "bias"):
            for letter, value in zip("qkv", state[f"{old}attn.qkv.{part}"].chunk(3), strict=True):
                found[f"{new}self_attn.{letter}_proj.{part}"] = value
            for theirs, ours in (
                *(("attn.proj", "self_attn.out_proj"), ("norm1", "layer_norm1"), ("norm2", "layer_norm2")),
                *(("mlp.fc1", "mlp.fc1"), ("mlp.fc2", "mlp.fc2")),
            ):
                found[f"{new}{ours}.{part}"] = state[f"{old}{theirs}.{part}"]
    for part in ("weight", "bias"):
        pool = f"{trunk}attn_pool."
        found[f"vision_model.embeddings.patch_embedding.{part}"] = state[f"{trunk}patch_embed.proj.{part}"]
        found[f"vision_model.post_layernorm.{part}"] = state[f"{trunk}norm.{part}"]
        found[f"text_model.final_layer_norm.{part}"] = state[f"text.ln_final.{part}"]
        found[f"text_model.head.{part}"] = state[f"text.text_projection.{part}"]
        found[f"{head}attention.out_proj.{part}"] = state[f"{pool}proj.{part}"]
        found[f"{head}layernorm.{part}"] = state[f"{pool}norm.{part}"]
        found[f"{head}mlp.fc1.{part}"] = state[f"{pool}mlp.fc1.{part}"]
        found[f"{head}mlp.fc2.{part}"] = state[f"{pool}mlp.fc2.{part}"]
        found[f"{head}attention.in_proj_{part}"] = torch.cat([state[f"{pool}q.{part}"], state[f"{pool}kv.{part}"]])
    found[f"{head}probe"] = state[f"{trunk}attn_pool.latent"]
    found["vision_model.embeddings.position_embedding.weight"] = state[f"{trunk}pos_embed"][0]
    found["text_model.embeddings.token_embedding.weight"] = state["text.token_embedding.weight"]
    found["text_model.embeddings.position_embedding.weight"] = state["text.positional_embedding"]
    return found
