"""LayerInspector: the tree of a vision tower's layers, which of them can be visualised, and how many units each has."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor, nn

from clipdesk.errors import UsageError, nearest
from clipdesk.models.texts import tokenize

ROOT = "visual"
ATTENTION_PARTS = {
    "heads": "Heads",
    "head_channels": "HeadChannels",
    "queries": "Queries",
    "keys": "Keys",
    "values": "Values",
}
"""What an attention module computes inside, by the last part of its name, e.g. ``visual.[...].attn.heads``: its kind.

A unit of ``heads`` is the L2 norm of a head's output; one of ``head_channels`` a channel of the heads' outputs before
they are mixed, head after head; one of the others a channel of what is compared and passed on, in the same order.
"""
_OF_HEADS = ("heads", "head_channels")
_PROJECTIONS = ("out_proj", "proj")
"""What mixes the heads' outputs is called so in attention modules that are none of PyTorch's, as timm's."""


class Layout(str, Enum):
    """The order of a layer's output axes."""

    VECTOR = "batch, units"
    TOKENS_FIRST = "tokens, batch, units"
    BATCH_FIRST = "batch, tokens, units"
    CHANNELS_FIRST = "batch, channels, rows, columns"
    CHANNELS_LAST = "batch, rows, columns, channels"

    @property
    def is_map(self) -> bool:
        """Whether its units are channels with rows and columns."""
        return self in (Layout.CHANNELS_FIRST, Layout.CHANNELS_LAST)


@dataclass(frozen=True)
class LayerInfo:
    """What is known of one layer.

    Attributes:
        name: Dotted name from the model's root, e.g. ``visual.transformer.resblocks.5.mlp``.
        kind: Class of the module, or one of `ATTENTION_PARTS`.
        shape: Shape of its output for one picture, without the batch axis; empty where it has none.
        layout: Order of the output's axes; None where the layer cannot be visualised.
        units: How many units it has; 0 where it cannot be visualised.
        unit_kind: ``neuron``, ``channel`` or ``head``.
        class_token: Whether the first of its tokens is the class token.
        reason: Why it cannot be visualised; None where it can.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    layout: Layout | None = None
    units: int = 0
    unit_kind: str = "neuron"
    class_token: bool = False
    reason: str | None = None

    @property
    def positions(self) -> int:
        """How many positions its units have: tokens, the class token among them, or pixels; 1 for a vector."""
        if self.layout is not None and self.layout.is_map:
            return math.prod(self.shape) // self.units
        return self.shape[0] if len(self.shape) == 2 else 1

    @property
    def label(self) -> str:
        """The last part of the name."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class LayerNode:
    """A layer and the layers inside it."""

    info: LayerInfo
    children: tuple[LayerNode, ...] = ()

    def walk(self) -> Iterator[LayerNode]:
        """This node and all below it, each parent before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


def _layer_info(layers: Mapping[str, LayerInfo], layer: str) -> LayerInfo:
    if layer not in layers:
        names = [name for name, info in layers.items() if info.reason is None]
        raise UsageError(f"There is no layer '{layer}'. {nearest(layer, names)}")
    return layers[layer]


def visualizable(layers: Mapping[str, LayerInfo], layer: str) -> LayerInfo:
    """`LayerInspector.visualizable`, for who knows a model's layers and has not the model."""
    info = _layer_info(layers, layer)
    if info.reason is not None:
        raise UsageError(f"Layer '{layer}' cannot be visualised: {info.reason}")
    return info


def check_unit(layers: Mapping[str, LayerInfo], layer: str, index: int) -> LayerInfo:
    """`LayerInspector.check_unit`, for who knows a model's layers and has not the model."""
    info = visualizable(layers, layer)
    if not 0 <= index < info.units:
        plural = f"{info.unit_kind}s"
        raise UsageError(
            f"Layer '{layer}' has no {info.unit_kind} {index}: its {info.units} {plural} are 0 to {info.units - 1}"
        )
    return info


class LayerInspector:
    """Learns a vision tower's layers from one traced forward pass of a batch.

    Args:
        model: A CLIP with a vision tower `visual`, as `load_model`, `clip.load` and `open_clip.create_model` return it.
            Left as it was.

    Raises:
        UsageError: it takes pictures that are not square.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        tower = model.get_submodule(ROOT)
        self.tree = _node(ROOT, tower, _trace(tower), _patch_count(tower), parent=None)
        self._layers = {node.info.name: node.info for node in self.tree.walk()}

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
        """What is known of a layer, also of one that cannot be visualised.

        Raises:
            UsageError: there is no such layer; offers the nearest names.
        """
        return _layer_info(self._layers, layer)

    def visualizable(self, layer: str) -> LayerInfo:
        """`get_layer_info`, for layers that can be visualised only.

        Raises:
            UsageError: there is no such layer, or it cannot be visualised; says why.
        """
        return visualizable(self._layers, layer)

    def check_unit(self, layer: str, index: int) -> LayerInfo:
        """`visualizable`, for a unit that the layer has.

        Raises:
            UsageError: as `visualizable`, or the index is out of range.
        """
        return check_unit(self._layers, layer, index)

    def check_text(self, text: str) -> None:
        """Check that the model's text tower can read a text.

        Raises:
            UsageError, ClipDeskError: it cannot; see `tokenize`.
        """
        tokenize([text], self._model)


def input_side(model: nn.Module) -> int:
    """Side in pixels of the pictures that the model takes.

    Raises:
        UsageError: they are not square.
    """
    return _resolution(model.get_submodule(ROOT))


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
    """What one forward pass has shown.

    Attributes:
        outputs: For each module that was called: its output's shape as a meta tensor, or why it cannot be used.
        comparing: Those of PyTorch's attention modules that compare something with something else than itself.
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

    # The first convolution says which number format the tower takes; CLIP's float16 towers keep others in float32.
    first = next(module.weight for module in tower.modules() if isinstance(module, nn.Conv2d))
    side, batch = _resolution(tower), _batch(_patch_count(tower))
    hooks = [module.register_forward_hook(note) for module in tower.modules()]
    training = tower.training
    try:
        tower.eval()
        with torch.no_grad():
            tower(torch.zeros(batch, 3, side, side, device=first.device, dtype=first.dtype))
    finally:
        tower.train(training)
        for hook in hooks:
            hook.remove()
    return _Trace(seen, comparing)


def _batch(patches: int | None) -> int:
    """How many pictures are traced: two, or three where two is how many tokens there are."""
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


def _info(
    name: str, module: nn.Module, output: Tensor | str | None, patches: int | None, parent: nn.Module | None
) -> LayerInfo:
    info = LayerInfo(name, type(module).__name__)
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
    """The layout of an output, by where the batch is."""
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
        parts, like, width = tuple(ATTENTION_PARTS), attention, int(module.embed_dim)
    else:
        mixing = heads_projection(module)
        found = next((child.info for child in children if mixing is getattr(module, child.info.label, None)), None)
        if mixing is None or found is None or found.reason is not None:
            return
        parts, like, width = _OF_HEADS, found, int(mixing.in_features)
    for part in parts:
        kind = ATTENTION_PARTS[part]
        units = int(heads) if kind == "Heads" and isinstance(heads, int) else width
        yield replace(
            like,
            name=f"{attention.name}.{part}",
            kind=kind,
            shape=(*like.shape[:-1], units),
            units=units,
            unit_kind="head" if kind == "Heads" else "channel",
        )


def heads_projection(module: nn.Module) -> nn.Linear | None:
    """What mixes the heads' outputs in an attention module that is none of PyTorch's; None for another module."""
    if not isinstance(getattr(module, "num_heads", None), int):
        return None
    mixing = next((found for name in _PROJECTIONS if (found := getattr(module, name, None)) is not None), None)
    return mixing if isinstance(mixing, nn.Linear) else None
