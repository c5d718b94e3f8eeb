"""LayerInspector: finds the layers of a vision tower, which of them can be visualised, and their units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from typing_extensions import Self

from clipdesk.errors import UsageError
from clipdesk.given import check_given
from clipdesk.models.texts import tokenize
from clipdesk.network.frozen import frozen
from clipdesk.network.layer_names import full_layer
from clipdesk.network.layer_sources import OF_HEADS, AttentionPart, ModuleOutput, Part, heads_projection
from clipdesk.network.layers import LayerInfo, LayerNode, Layout, check_unit, layer_info, visualizable

ROOT = "visual"


class LayerInspector:
    """Learns a vision tower's layers from one traced forward pass of a batch.

    Args:
        model: A CLIP with a vision tower `visual`, as `load_model`, `clip.load` and `open_clip.create_model` return it.
            It is not changed.

    Raises:
        UsageError: the model is not a CLIP, or takes pictures that are not square.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        tower = tower_of(model)
        with frozen(model):
            trace = _trace(tower)
        self.tree = _node(ROOT, tower, trace, _patch_count(tower), parent=None)
        self._layers = {node.info.name: node.info for node in self.tree.walk()}

    def with_layers(self, below: Mapping[str, Sequence[LayerInfo]]) -> Self:
        """The same with further layers in its tree, such as latents.

        Args:
            below: The layers, by the name of the layer that each is to be below, behind what is there already.
        """
        made = copy(self)
        made.tree = _extended(self.tree, below)
        made._layers = {node.info.name: node.info for node in made.tree.walk()}
        return made

    @property
    def layers(self) -> Mapping[str, LayerInfo]:
        """All layers by name, as in `tree`."""
        return self._layers

    @property
    def input_side(self) -> int:
        """Side in pixels of the pictures that the model takes."""
        return input_side(self._model)

    def get_layer_names(self) -> list[str]:
        """Names of all layers that can be visualised, each parent before its children."""
        return [name for name, info in self._layers.items() if info.reason is None]

    def get_neuron_names(self, layer: str) -> list[str]:
        """A name for each unit of a layer, in order: ``neuron_0``, ``channel_0`` or ``head_0`` and so on.

        Raises:
            UsageError: there is no such layer, or it cannot be visualised.
        """
        info = self.visualizable(layer)
        return [f"{info.unit_kind}_{i}" for i in range(info.units)]

    def get_layer_info(self, layer: str) -> LayerInfo:
        """The description of a layer, whether or not it can be visualised; `layer` may be its short name.

        Raises:
            UsageError: there is no such layer; offers the nearest names.
        """
        return layer_info(self._layers, full_layer(layer, self._layers))

    def visualizable(self, layer: str) -> LayerInfo:
        """As `get_layer_info`, but only for layers that can be visualised.

        Raises:
            UsageError: there is no such layer, or it cannot be visualised; says why.
        """
        return visualizable(self._layers, full_layer(layer, self._layers))

    def check_unit(self, layer: str, index: int) -> LayerInfo:
        """As `visualizable`, and check that the layer has a unit.

        Raises:
            UsageError: as `visualizable`, or the index is out of range.
        """
        return check_unit(self._layers, full_layer(layer, self._layers), index)

    def check_text(self, text: str) -> None:
        """Check that the model's text tower can read a text.

        Raises:
            UsageError, ClipDeskError: as `tokenize`.
        """
        check_given("text", text, str)
        tokenize([text], self._model)


def input_side(model: nn.Module) -> int:
    """Side in pixels of the pictures that the model takes.

    Raises:
        UsageError: they are not square.
    """
    return _resolution(tower_of(model))


def tower_of(model: nn.Module) -> nn.Module:
    """The image tower of a CLIP.

    Raises:
        UsageError: it has none, or is no network; says what to do instead.
    """
    # What a person gives, whatever the types say.
    given: object = model
    if not isinstance(given, nn.Module):
        raise UsageError(
            f"A model is a network, such as clipdesk.load_model gives, and not of type {type(given).__name__}. "
            "A name, a file or a folder is opened by clipdesk.open_model"
        )
    tower = getattr(given, ROOT, None)
    if isinstance(tower, nn.Module):
        return tower
    kind = type(given).__name__
    if hasattr(given, "vision_model") or type(given).__module__.startswith("transformers."):
        raise UsageError(
            f"{kind} is a model of transformers, whose towers are built otherwise. Open its folder or its repository: "
            "clipdesk.open_model('hf:OWNER/NAME')"
        )
    raise UsageError(
        f"{kind} is not a CLIP: it has no image tower of the name '{ROOT}'. ClipDesk reads OpenAI's CLIPs, open_clip's "
        "and checkpoints of them. Of these, give the whole model, and not its tower alone"
    )


def _resolution(tower: nn.Module) -> int:
    # OpenAI's name for it, and open_clip's.
    side = getattr(tower, "input_resolution", None) or getattr(tower, "image_size", None)
    if isinstance(side, tuple) and len(set(side)) > 1:
        raise UsageError(
            f"The model takes pictures of {' x '.join(map(str, side))} px, and only square ones can be made"
        )
    side = side[0] if isinstance(side, tuple) else side
    if not isinstance(side, int):
        raise TypeError(f"input_resolution is {side!r}, not a number")
    return side


class _Trace(NamedTuple):
    """What one forward pass shows about the modules.

    Attributes:
        outputs: For each module that was called: its output's shape as a meta tensor, or why it cannot be used.
        comparing: The attention modules of PyTorch's that do cross-attention: their query is not their key.
    """

    outputs: dict[nn.Module, Tensor | str]
    comparing: set[nn.Module]


def _trace(tower: nn.Module) -> _Trace:
    seen: dict[nn.Module, Tensor | str] = {}
    comparing: set[nn.Module] = set()

    def note(module: nn.Module, args: tuple[object, ...], output: object) -> None:
        if isinstance(module, nn.MultiheadAttention) and (len(args) < 2 or args[0] is not args[1]):
            comparing.add(module)
        first = output[0] if isinstance(output, tuple) and output else output
        if isinstance(first, Tensor):
            seen[module] = first.detach().to("meta")
        else:
            seen[module] = f"its output is a {type(first).__name__}, not a tensor"

    # The first convolution has the number format of the tower's input; float16 towers keep some weights in float32.
    first = next(module.weight for module in tower.modules() if isinstance(module, nn.Conv2d))
    side, batch = _resolution(tower), _batch(_patch_count(tower))
    hooks = [module.register_forward_hook(note) for module in tower.modules()]
    try:
        with torch.no_grad():
            tower(torch.zeros(batch, 3, side, side, device=first.device, dtype=first.dtype))
    finally:
        for hook in hooks:
            hook.remove()
    return _Trace(seen, comparing)


def _batch(patches: int | None) -> int:
    """Number of pictures to trace: two, or three if there are two tokens, so that the axes can be told apart."""
    return 3 if patches == 1 else 2


def _patch_count(tower: nn.Module) -> int | None:
    """Number of patches of a vision transformer with a class token; None for other towers."""
    embedding, convolution = getattr(tower, "class_embedding", None), getattr(tower, "conv1", None)
    if embedding is not None and isinstance(convolution, nn.Conv2d):
        return (_resolution(tower) // int(convolution.stride[0])) ** 2
    # timm's, inside open_clip's.
    trunk = getattr(tower, "trunk", None)
    patches = getattr(getattr(trunk, "patch_embed", None), "num_patches", None)
    return patches if isinstance(patches, int) and getattr(trunk, "cls_token", None) is not None else None


def _node(name: str, module: nn.Module, trace: _Trace, patches: int | None, parent: nn.Module | None) -> LayerNode:
    info = _info(name, module, trace.outputs.get(module), patches, parent)
    children = [_node(f"{name}.{n}", child, trace, patches, module) for n, child in module.named_children()]
    parts = () if info.reason is not None or module in trace.comparing else _attention_parts(info, module, children)
    return LayerNode(info, (*(LayerNode(part) for part in parts), *children))


def _extended(node: LayerNode, below: Mapping[str, Sequence[LayerInfo]]) -> LayerNode:
    children = tuple(_extended(child, below) for child in node.children)
    return LayerNode(node.info, (*children, *(LayerNode(info) for info in below.get(node.info.name, ()))))


def _info(
    name: str, module: nn.Module, output: Tensor | str | None, patches: int | None, parent: nn.Module | None
) -> LayerInfo:
    info = LayerInfo(name, type(module).__name__, source=ModuleOutput(name))
    if output is None:
        return replace(info, reason=_why_never_called(name, parent))
    if isinstance(output, str):
        return replace(info, reason=output)
    layout = _layout(tuple(output.shape), _batch(patches))
    if layout is None:
        return replace(info, reason=f"its output of shape {tuple(output.shape)} has no clear units")
    batch_axis = 1 if layout is Layout.TOKENS_FIRST else 0
    shape = tuple(n for axis, n in enumerate(output.shape) if axis != batch_axis)
    channels = layout.is_map
    return replace(
        info,
        shape=shape,
        layout=layout,
        units=shape[0] if layout is Layout.CHANNELS_FIRST else shape[-1],
        unit_kind="channel" if channels else "neuron",
        class_token=len(shape) == 2 and patches is not None and shape[0] == patches + 1,
    )


def _layout(shape: tuple[int, ...], batch: int) -> Layout | None:
    """The layout of an output, found by the position of the batch axis; None if there is no clear one."""
    if len(shape) == 2 and shape[0] == batch:
        return Layout.VECTOR
    if len(shape) == 3 and batch in shape[:2]:
        return Layout.TOKENS_FIRST if shape[1] == batch else Layout.BATCH_FIRST
    if len(shape) == 4 and shape[0] == batch:
        # The pictures are square, and so are maps.
        if shape[2] == shape[3]:
            return Layout.CHANNELS_FIRST
        return Layout.CHANNELS_LAST if shape[1] == shape[2] else None
    return None


def _why_never_called(name: str, parent: nn.Module | None) -> str:
    above = name.rpartition(".")[0]
    if isinstance(parent, nn.MultiheadAttention) or above.endswith("attnpool"):
        return f"it is never called: '{above}' uses its weights directly. Choose '{above}'"
    return "it is never called in the forward pass"


def _attention_parts(attention: LayerInfo, module: nn.Module, children: list[LayerNode]) -> Iterator[LayerInfo]:
    heads = getattr(module, "num_heads", None)
    if isinstance(module, nn.MultiheadAttention):
        parts, like, width = tuple(Part), attention, int(module.embed_dim)
    else:
        projection = heads_projection(module)
        found = next((child.info for child in children if projection is getattr(module, child.info.label, None)), None)
        if projection is None or found is None or found.reason is not None:
            return
        parts, like, width = OF_HEADS, found, int(projection.in_features)
    for part in parts:
        units = int(heads) if part is Part.HEADS and isinstance(heads, int) else width
        yield replace(
            like,
            name=f"{attention.name}.{part.value}",
            kind=part.kind,
            source=AttentionPart(attention.name, part),
            shape=(*like.shape[:-1], units),
            units=units,
            unit_kind=part.unit_kind,
        )
