"""The layers of a model that a survey looks at unless it is told which."""

from __future__ import annotations

from collections.abc import Iterator

from clipdesk.network.inspector import ROOT, LayerInspector
from clipdesk.network.layers import LayerNode
from clipdesk.network.rectifiers import rectifier_of

_RESNET_BLOCKS = ("Bottleneck", "BasicBlock", "ConvNeXtBlock")


def usual_layers(inspector: LayerInspector) -> list[str]:
    """The layers that a person would look at, each value once.

    Of a transformer's blocks: what they add up to (the residual stream), attention's output and its heads, the MLP's
    hidden layer and its output. Of a ResNet: its stages. Of every model: the image embedding, which is the tower's own
    output, and the latents of its sparse autoencoders. Of a tower with none of these: all that lies directly in it.
    """
    nodes = list(inspector.tree.walk())
    found = [name for node in nodes for name in (*_of_block(node, inspector), *_of_stage(node))]
    found += [node.info.name for node in nodes if node.info.unit_kind == "latent"]
    inside = [child.info.name for child in inspector.tree.children if child.info.reason is None]
    return [ROOT, *dict.fromkeys(found or inside)]


def _of_block(node: LayerNode, inspector: LayerInspector) -> Iterator[str]:
    attention = next((child for child in node.children if _heads_of(child)), None)
    if attention is None or node.info.reason is not None:
        return
    if node.info.positions > 1:
        yield node.info.name
    if attention.info.reason is None and attention.info.positions > 1:
        yield attention.info.name
    yield from _heads_of(attention)
    mlp = next((child for child in node.children if child.info.label == "mlp" and child.info.reason is None), None)
    if mlp is not None:
        yield from (
            part.info.name
            for part in mlp.children
            if part.info.reason is None and rectifier_of(part.info.name, inspector.layers)
        )
        yield mlp.info.name


def _of_stage(node: LayerNode) -> Iterator[str]:
    blocks = [child for child in node.children if child.info.kind in _RESNET_BLOCKS]
    if blocks and node.info.reason is None:
        yield node.info.name


def _heads_of(node: LayerNode) -> list[str]:
    return [child.info.name for child in node.children if child.info.kind == "Heads"]
