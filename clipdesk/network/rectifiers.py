"""Layers behind a rectifier, whose units cannot go far below zero, and the layers before it. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clipdesk.network.layers import LayerInfo

_RECTIFIERS = frozenset(
    {"ReLU", "ReLU6", "GELU", "GELUTanh", "QuickGELU", "SiLU", "Swish", "Mish", "Hardswish", "Softplus", "ELU", "CELU"}
)
_BEHIND_RELU = frozenset({"Bottleneck", "BasicBlock"})
"""Blocks of ResNets, whose last step is a ReLU."""


def rectifier_of(layer: str, layers: Mapping[str, LayerInfo]) -> str | None:
    """The kind of rectifier that a layer ends in; None if it ends in none."""
    info = layers.get(layer)
    if info is None:
        return None
    if info.kind in _RECTIFIERS:
        return info.kind
    if info.unit_kind == "latent" or info.kind in _BEHIND_RELU:
        return "ReLU"
    if info.kind == "Sequential":
        inside = _children(layer, layers)
        return rectifier_of(inside[-1], layers) if inside else None
    return None


def layer_before(layer: str, layers: Mapping[str, LayerInfo]) -> str | None:
    """The layer that a rectifier gets its values from, unit for unit; None where no layer has them."""
    info = layers[layer]
    if info.kind not in _RECTIFIERS:
        return None
    block = layer.rpartition(".")[0]
    siblings = _children(block, layers)
    before, after = siblings[: siblings.index(layer)], siblings[siblings.index(layer) + 1 :]
    if layers[block].kind in _BEHIND_RELU and not any(layers[name].kind in _RECTIFIERS for name in after):
        # The block adds its input before its last rectifier.
        return None
    return before[-1] if before and layers[before[-1]].units == info.units else None


def _children(layer: str, layers: Mapping[str, LayerInfo]) -> list[str]:
    """The layers just inside a layer that can be visualised, in the order of the network."""
    return [name for name, info in layers.items() if name.rpartition(".")[0] == layer and info.reason is None]
