"""A vision tower's structure in familiar terms: embedding, blocks with attention and MLP, stages, pooling, output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clipdesk.network.layers import LayerInfo, LayerNode


@dataclass(frozen=True)
class Part:
    """A layer, or a heading over several.

    Attributes:
        label: Its name for people.
        info: The layer; None for a heading.
        parts: What it consists of, in the order in which a picture passes through.
    """

    label: str
    info: LayerInfo | None
    parts: tuple[Part, ...] = ()

    def walk(self) -> Iterator[Part]:
        """This part and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


_LABELS = {
    "attn": "Attention",
    "heads": "Heads",
    "head_channels": "Channels of heads",
    "queries": "Queries",
    "keys": "Keys",
    "values": "Values",
    "out_proj": "Output projection",
    "mlp": "MLP",
    "latents": "Latents",
    "c_fc": "MLP before GELU",
    "gelu": "MLP hidden",
    "c_proj": "MLP out",
    "ln_pre": "Norm before blocks",
    "ln_post": "Norm of class token",
    "ln_1": "Norm 1",
    "ln_2": "Norm 2",
    "transformer": "Transformer",
    "attnpool": "Attention pooling",
    "avgpool": "Average pooling",
    "downsample": "Shortcut",
    "k_proj": "Keys",
    "q_proj": "Queries",
    "v_proj": "Values",
}
_NUMBERED = (
    (re.compile(r"layer(\d+)"), "Stage {}"),
    (re.compile(r"conv(\d+)"), "Convolution {}"),
    (re.compile(r"bn(\d+)"), "Norm {}"),
    (re.compile(r"relu(\d+)"), "ReLU {}"),
    (re.compile(r"(\d+)"), "Block {}"),
)
# Modules are declared in another order than a picture passes through them.
_ORDER = ("conv1", "ln_pre", "transformer", "ln_post", "ln_1", "attn", "ln_2", "mlp")


def structure(tree: LayerNode) -> tuple[Part, ...]:
    """The parts of a vision tower, top down."""
    children = list(tree.children)
    stem: list[Part] = []
    # A ResNet has several convolutions before its first stage, a vision transformer one: the patch embedding.
    stage = next((i for i, node in enumerate(children) if node.info.label == "layer1"), None)
    if stage is not None:
        stem = [Part("Stem", None, tuple(_part(node) for node in children[:stage]))]
        children = children[stage:]
    parts = [_part(node, top=True) for node in _sorted(children)]
    return (*stem, *parts, Part("Output embedding", tree.info))


def _part(node: LayerNode, top: bool = False) -> Part:
    name = node.info.label
    label = "Patch embedding" if top and name == "conv1" else _label(name, node.info.name)
    children = node.children
    if name == "transformer" and len(children) == 1:
        # Its only child, the sequence of blocks, has the very same output.
        children = children[0].children
    return Part(label, node.info, tuple(_part(child) for child in _sorted(children)))


def _sorted(nodes: tuple[LayerNode, ...] | list[LayerNode]) -> list[LayerNode]:
    places = {name: i for i, name in enumerate(_ORDER)}
    return sorted(nodes, key=lambda node: places.get(node.info.label, len(_ORDER)))


def _label(name: str, dotted: str) -> str:
    if ".downsample." in dotted:
        return {"-1": "Pooling", "0": "Convolution", "1": "Norm"}.get(name, name)
    if name in _LABELS:
        return _LABELS[name]
    for pattern, words in _NUMBERED:
        if match := pattern.fullmatch(name):
            return words.format(match[1])
    return name
