"""What attention heads look at in a picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image
from torch import Tensor

from clipdesk.activations.heatmaps import HeatMaps, grid_of, on_one_scale, read_layers
from clipdesk.errors import UsageError
from clipdesk.given import checked
from clipdesk.network.layer_sources import AttentionPart, Part
from clipdesk.network.layers import LayerInfo
from clipdesk.network.opened import OpenModel


@checked
def attention_maps(opened: OpenModel, layer: str, head: int, pictures: Sequence[Image.Image]) -> HeatMaps:
    """How much a head attends to each patch of some pictures: the weights of the class token's query.

    In towers without a class token they are the mean over all queries.

    Args:
        opened: The model.
        layer: Name of a layer of heads, such as ``5.attn.heads``.
        head: Index of the head.
        pictures: The pictures.

    Returns:
        Attention weights, which add up to 1 less what the class token gets.

    Raises:
        UsageError: there is no such head, or its attention cannot be read.
        RenderError: the device has too little memory.
    """
    info = check_head(opened, layer, head)
    queries, keys = (part_beside(opened, info, part) for part in (Part.QUERIES, Part.KEYS))
    grid = grid_of(info)
    if grid is None:
        raise UsageError(f"The positions of layer '{info.name}' are not places in the picture")
    found = []
    for outputs in read_layers(opened, [queries, keys], pictures):
        query, key = (_of_head(outputs[each.name], info.units, head) for each in (queries, keys))
        weights = (query @ key.transpose(1, 2) * query.shape[-1] ** -0.5).softmax(dim=-1)  # (n, queries, keys)
        rows = weights[:, 0, 1:] if info.class_token else weights.mean(dim=1)
        found.append(rows.reshape(-1, *grid).cpu().numpy())
    return on_one_scale(found, grid)


def is_of_heads(info: LayerInfo) -> bool:
    """Whether the units of a layer are attention heads."""
    return isinstance(info.source, AttentionPart) and info.source.part is Part.HEADS


def check_head(opened: OpenModel, layer: str, head: int) -> LayerInfo:
    """Check that a layer has heads, and this one.

    Raises:
        UsageError: it does not.
    """
    info = opened.inspector.check_unit(layer, head)
    if not is_of_heads(info):
        raise UsageError(f"The units of layer '{info.name}' are not attention heads. Those are in layers named heads")
    return info


def part_beside(opened: OpenModel, info: LayerInfo, part: Part) -> LayerInfo:
    """Another part of the attention that a layer of heads belongs to.

    Raises:
        UsageError: it cannot be read, as in attention that is not PyTorch's own.
    """
    assert isinstance(info.source, AttentionPart)
    name = f"{info.source.module}.{part.value}"
    if name not in opened.inspector.layers:
        raise UsageError(
            f"The attention of layer '{info.name}' is not PyTorch's own, so its {part.value} are not known"
        )
    return opened.inspector.visualizable(name)


def _of_head(values: Tensor, heads: int, head: int) -> Tensor:
    """The channels of one head, (pictures, tokens, channels)."""
    side = values.shape[-1] // heads
    return values[..., head * side : (head + 1) * side].float()
