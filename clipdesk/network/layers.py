"""Layers as data: the shape of each one's output, the units it has, and where in the network its values come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from clipdesk.errors import NotInModelError, UsageError
from clipdesk.given import check_given
from clipdesk.network.layer_names import suggestion
from clipdesk.network.sparse import SparseSource


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


class LayerSource(Protocol):
    """Where a layer's values come from. Implementations are hashable and hold no part of the network."""

    def attach(
        self, network: nn.Module, info: LayerInfo, keep: Callable[[Tensor], None], leak: float
    ) -> list[RemovableHandle]:
        """Register hooks that read the layer in every forward pass.

        Args:
            network: The network that the layer belongs to.
            info: The layer.
            keep: Called in each pass with the layer's values, (pictures, positions, units). Positions are tokens, the
                class token first, or pixels.
            leak: Share of the gradient that also gets past the rectifier in which the layer ends.

        Returns:
            The hooks; the caller removes them.
        """

    def measured(self) -> LayerSource:
        """Where the values come from that surveys, tables and heat maps show; usually itself."""

    def narrowed(self, units: tuple[int, ...]) -> LayerSource | None:
        """The source of some of its units alone, in this order, where that is less work; None where it is not."""

    def sparse(self) -> SparseSource | None:
        """The source of its values as entries, where nearly all of them are zero; None for other layers."""


@dataclass(frozen=True)
class LayerInfo:
    """What is known of one layer.

    Attributes:
        name: Dotted name from the model's root, e.g. ``visual.transformer.resblocks.5.mlp``.
        kind: What users are shown as its kind: the class of the module, or the part of an attention module.
        source: Where its values come from.
        shape: Shape of its output for one picture, without the batch axis; empty if it has no output.
        layout: Order of the output's axes; None if the layer cannot be visualised.
        units: How many units it has; 0 if it cannot be visualised.
        unit_kind: ``neuron``, ``channel``, ``head`` or ``latent``.
        class_token: Whether the first of its tokens is the class token.
        reason: Why it cannot be visualised; None if it can.
        numbers: Which units of the layer these are, where it was narrowed; None for all.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    layout: Layout | None = None
    units: int = 0
    unit_kind: str = "neuron"
    class_token: bool = False
    reason: str | None = None
    numbers: tuple[int, ...] | None = None
    source: LayerSource = field(kw_only=True)

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

    def measured(self) -> LayerInfo:
        """The layer with the values that surveys, tables and heat maps show."""
        source = self.source.measured()
        return self if source is self.source else replace(self, source=source)

    def narrowed(self, units: Iterable[int]) -> LayerInfo:
        """The layer with some of its units alone, where that is less work; else the layer as it is.

        Its name is another one, so that both can be read at once.
        """
        numbers = tuple(sorted(set(units)))
        source = self.source.narrowed(numbers) if len(numbers) < self.units else None
        if source is None:
            return self
        name = f"{self.name} {numbers}"
        return replace(self, name=name, units=len(numbers), numbers=numbers, source=source)

    def column(self, unit: int) -> int:
        """Where a unit's values are in the layer's output."""
        return unit if self.numbers is None else self.numbers.index(unit)


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


def layer_info(layers: Mapping[str, LayerInfo], layer: str) -> LayerInfo:
    """As `LayerInspector.get_layer_info`, for callers that have the table of layers but not the network.

    Raises:
        UsageError: there is no such layer; offers the nearest names.
    """
    if layer not in layers:
        names = [name for name, info in layers.items() if info.reason is None]
        raise NotInModelError(f"There is no layer '{layer}'. {suggestion(layer, names)}")
    return layers[layer]


def visualizable(layers: Mapping[str, LayerInfo], layer: str) -> LayerInfo:
    """As `LayerInspector.visualizable`, for callers that have the table of layers but not the network.

    Raises:
        UsageError: there is no such layer, or it cannot be visualised; says why.
    """
    info = layer_info(layers, layer)
    if info.reason is not None:
        raise UsageError(f"Layer '{layer}' cannot be visualised: {info.reason}")
    return info


def check_unit(layers: Mapping[str, LayerInfo], layer: str, index: int) -> LayerInfo:
    """As `LayerInspector.check_unit`, for callers that have the table of layers but not the network.

    Raises:
        UsageError: as `visualizable`, or the index is out of range or no whole number.
    """
    check_given("index", index, int)
    info = visualizable(layers, layer)
    if not 0 <= index < info.units:
        plural = f"{info.unit_kind}s"
        raise NotInModelError(
            f"Layer '{layer}' has no {info.unit_kind} {index}: its {info.units} {plural} are 0 to {info.units - 1}"
        )
    return info


def by_position(output: Tensor, info: LayerInfo) -> Tensor:
    """A layer's output as (pictures, positions, units), whatever its layout."""
    if info.layout is Layout.TOKENS_FIRST:
        return output.transpose(0, 1)
    if info.layout is Layout.CHANNELS_FIRST:
        return output.flatten(2).transpose(1, 2)
    if info.layout is Layout.CHANNELS_LAST:
        return output.flatten(1, 2)
    return output[:, None] if info.layout is Layout.VECTOR else output
