"""The layer that another library's name of it means in a network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from clipdesk.network.layer_names import full_layer
from clipdesk.network.layer_sources import ModuleInput
from clipdesk.network.layers import LayerInfo

_BLOCK = re.compile(r"(.+\.(?:resblocks|blocks|layers|layer))\.(\d+)")
# TransformerLens' and Prisma's: blocks.5.hook_resid_post; Hugging Face's: vision_model.encoder.layers.5.mlp.
_NAMED = re.compile(r"(?:[\w.]+\.)?(?:blocks|layers|resblocks|h)\.(-?\d{1,3})(?:\.(.+))?")
_MLP, _ATTENTION, _HIDDEN = ("mlp",), ("attn", "self_attn"), ("mlp.gelu", "mlp.act", "mlp.activation_fn")
_HEADS = ("attn.head_channels", "self_attn.head_channels")
_SECOND_NORM = ("ln_2", "norm2", "layer_norm2")
_BEFORE_BLOCKS = ("visual.ln_pre", "visual.trunk.norm_pre", "visual.trunk.pos_drop")
_PARTS: dict[str, tuple[str, ...]] = {
    "hook_mlp_out": _MLP,
    "mlp": _MLP,
    "hook_attn_out": _ATTENTION,
    "attn.hook_z": _HEADS,
    "mlp.hook_post": _HIDDEN,
    "mlp.fc1": ("mlp.c_fc", "mlp.fc1"),
    "mlp.fc2": ("mlp.c_proj", "mlp.fc2"),
}
_OUTPUTS = ("", "hook_resid_post", "post_mlp_residual")
_EMBEDDINGS = ("post_projection", "image_embeds", "visual")


def blocks_of(layers: Mapping[str, LayerInfo]) -> list[LayerInfo]:
    """The residual blocks of a transformer, in order; empty for other networks."""
    found: dict[str, dict[int, LayerInfo]] = {}
    for name, info in layers.items():
        part = _BLOCK.fullmatch(name)
        if part is not None and info.reason is None and info.positions > 1 and not info.kind.startswith("Bottleneck"):
            found.setdefault(part[1], {})[int(part[2])] = info
    # A tower may have other numbered parts, of fewer members.
    largest = max(found.values(), key=len, default={})
    return [largest[number] for number in sorted(largest)]


def layer_named(hook: str, layers: Mapping[str, LayerInfo]) -> LayerInfo | None:
    """The layer that a name means; None where the network has none.

    Args:
        hook: ClipDesk's own name, full or short, or another library's.
        layers: The network's layers.
    """
    own = layers.get(full_layer(hook, layers))
    if own is not None:
        return own if own.reason is None else None
    if hook.rpartition(".")[2] in _EMBEDDINGS:
        return layers.get("visual")
    part = _NAMED.fullmatch(hook)
    blocks = blocks_of(layers)
    if part is None or not -len(blocks) <= int(part[1]) < len(blocks):
        return None
    number, inside = int(part[1]) % len(blocks), part[2] or ""
    block = blocks[number]
    if inside in _OUTPUTS:
        return block
    if inside == "hook_resid_pre":
        return blocks[number - 1] if number else _first(layers, _BEFORE_BLOCKS) or _input_of(block)
    if inside == "hook_resid_mid":
        norm = _first(layers, [f"{block.name}.{name}" for name in _SECOND_NORM])
        return None if norm is None else _input_of(norm)
    return _first(layers, [f"{block.name}.{name}" for name in _PARTS.get(inside, (inside,))])


def _first(layers: Mapping[str, LayerInfo], names: tuple[str, ...] | list[str]) -> LayerInfo | None:
    return next((found for name in names if (found := layers.get(name)) is not None and found.reason is None), None)


def _input_of(info: LayerInfo) -> LayerInfo:
    """What goes into a layer that changes no shape."""
    return replace(info, source=ModuleInput(info.name))
