"""Where the values of layers come from: the output of a module, or a part of what attention computes inside.

A new source of units needs a class with the methods of `LayerSource`; nothing else asks which source it is. Latents of
sparse autoencoders are in `latents.source`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from typing_extensions import Self

from clipdesk.network.layers import LayerInfo, Layout, by_position
from clipdesk.network.tower import attended, watch

# A unit behind a rectifier that is far below zero for the random start has no gradient; its picture would stay noise.
# Source: lucid's redirected ReLU, which follows the input's gradient where the output's is zero; there it is the whole
# gradient, in the first steps only. `RenderSettings.rectifier_gradient` says how much it is here.
_RECTIFIERS = ("QuickGELU", "GELU", "GELUTanh", "ReLU", "SiLU")
_PROJECTIONS = ("out_proj", "proj")
"""Names of the output projection in attention modules that are not PyTorch's own, such as timm's."""


class Plain:
    """A source whose values are those that are rendered and those that are measured, all of them at once."""

    def measured(self) -> Self:
        """As `LayerSource.measured`."""
        return self

    def narrowed(self, units: tuple[int, ...]) -> None:
        """As `LayerSource.narrowed`."""
        return

    def sparse(self) -> None:
        """As `LayerSource.sparse`."""
        return


@dataclass(frozen=True)
class ModuleInput(Plain):
    """The first input of a module.

    Attributes:
        module: Dotted name of the module.
    """

    module: str

    def attach(
        self, network: nn.Module, info: LayerInfo, keep: Callable[[Tensor], None], leak: float
    ) -> list[RemovableHandle]:
        """As `LayerSource.attach`."""

        def before(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
            keep(by_position(args[0], info))

        return [network.get_submodule(self.module).register_forward_pre_hook(before)]


@dataclass(frozen=True)
class ModuleOutput(Plain):
    """The output of a module; the first tensor, if it is a tuple.

    Attributes:
        module: Dotted name of the module.
    """

    module: str

    def attach(
        self, network: nn.Module, info: LayerInfo, keep: Callable[[Tensor], None], leak: float
    ) -> list[RemovableHandle]:
        """As `LayerSource.attach`."""
        layer = network.get_submodule(self.module)
        rectified: list[Tensor] = []

        def before(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            # The ReLUs of CLIP's ResNets overwrite their input.
            rectified[:] = [args[0].clone() if getattr(module, "inplace", False) else args[0]]

        def after(_module: nn.Module, _args: object, output: Tensor | tuple[Tensor, ...]) -> None:
            first = output[0] if isinstance(output, tuple) else output
            if rectified and leak and torch.is_grad_enabled():
                # The value stays; the gradient gets a way past the flat part of the function.
                first = first + leak * (rectified[0] - rectified[0].detach())
            keep(by_position(first, info))

        rectifier = _last_rectifier(layer)
        hooks = [] if rectifier is None else [rectifier.register_forward_pre_hook(before)]
        return [*hooks, layer.register_forward_hook(after)]


class Part(str, Enum):
    """What an attention module computes inside; the value is the last part of the layer's name.

    A unit of ``heads`` is the L2 norm of a head's output. A unit of ``head_channels`` is a channel of the heads'
    outputs before the output projection, head after head. A unit of the others is a channel of the queries, keys or
    values, in the same order.
    """

    HEADS = "heads"
    HEAD_CHANNELS = "head_channels"
    QUERIES = "queries"
    KEYS = "keys"
    VALUES = "values"

    @property
    def kind(self) -> str:
        """What users are shown as the layer's kind, e.g. ``HeadChannels``."""
        return self.value.title().replace("_", "")

    @property
    def unit_kind(self) -> str:
        """``head`` or ``channel``."""
        return "head" if self is Part.HEADS else "channel"


PACKED = (Part.QUERIES, Part.KEYS, Part.VALUES)
"""What PyTorch's attention computes in one product, in the order in which it lies in the result."""
OF_HEADS = (Part.HEADS, Part.HEAD_CHANNELS)
"""What can be read in front of the output projection of any attention module."""


@dataclass(frozen=True)
class AttentionPart(Plain):
    """A part of what an attention module computes inside.

    Attributes:
        module: Dotted name of the attention module.
        part: The part.
    """

    module: str
    part: Part

    def attach(
        self, network: nn.Module, info: LayerInfo, keep: Callable[[Tensor], None], leak: float
    ) -> list[RemovableHandle]:
        """As `LayerSource.attach`."""
        attention: Any = network.get_submodule(self.module)
        projection = None if isinstance(attention, nn.MultiheadAttention) else heads_projection(attention)
        if projection is not None:

            def of_heads(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
                keep(self._of_heads(by_position(args[0], info), attention.num_heads))

            return [projection.register_forward_pre_hook(of_heads)]

        seen: list[bool] = []

        def inside(packed: Tensor, outputs: Tensor) -> None:
            seen[:] = [True]
            keep(self._of(by_position(packed, info), by_position(outputs, info), attention.num_heads))

        def after(
            module: nn.MultiheadAttention, args: tuple[Tensor, ...], kwargs: dict[str, Any], _output: object
        ) -> None:
            # Where the attention was computed by PyTorch's own function, it is computed anew to see inside.
            if not seen:
                keep(self._computed(module, args[0] if args else kwargs["query"], info))
            seen.clear()

        return [watch(attention, inside), attention.register_forward_hook(after, with_kwargs=True)]

    def _computed(self, attention: nn.MultiheadAttention, tokens: Tensor, info: LayerInfo) -> Tensor:
        """The part, computed from the tokens that PyTorch's attention is given, (pictures, tokens, units)."""
        if info.layout is Layout.TOKENS_FIRST:
            tokens = tokens.transpose(0, 1)
        packed = F.linear(tokens, attention.in_proj_weight, attention.in_proj_bias)  # (n, tokens, 3 * width)
        n, count, width = tokens.shape
        of_heads = packed.view(n, count, 3, attention.num_heads, width // attention.num_heads)
        query, key, value = of_heads.permute(2, 0, 3, 1, 4)  # (n, heads, tokens, channels) each
        outputs = attended(query, key, value).transpose(1, 2)  # (n, tokens, heads, channels)
        return self._of(packed, outputs.flatten(2), attention.num_heads)

    def _of(self, packed: Tensor, outputs: Tensor, heads: int) -> Tensor:
        """The part, from queries, keys and values in one, and the heads' outputs, (n, tokens, 3 * width) and width."""
        if self.part in PACKED:
            return packed.chunk(3, dim=-1)[PACKED.index(self.part)]
        return self._of_heads(outputs, heads)

    def _of_heads(self, outputs: Tensor, heads: int) -> Tensor:
        """The heads' outputs, (pictures, tokens, channels), or the L2 norm of each, (pictures, tokens, heads)."""
        if self.part is not Part.HEADS:
            return outputs
        norms: Tensor = torch.linalg.vector_norm(outputs.reshape(*outputs.shape[:2], heads, -1), dim=-1)
        return norms


def heads_projection(module: nn.Module) -> nn.Linear | None:
    """The output projection of an attention module that is not PyTorch's own; None for any other module."""
    if not isinstance(getattr(module, "num_heads", None), int):
        return None
    projection = next((found for name in _PROJECTIONS if (found := getattr(module, name, None)) is not None), None)
    return projection if isinstance(projection, nn.Linear) else None


def _last_rectifier(layer: nn.Module) -> nn.Module | None:
    """The rectifier that a layer ends with; None if it ends with another module."""
    kind = type(layer).__name__
    if kind in _RECTIFIERS:
        return layer
    if kind == "Bottleneck":
        # OpenAI's name for it, and open_clip's.
        return layer.get_submodule("relu3" if hasattr(layer, "relu3") else "act3")
    return _last_rectifier(layer[-1]) if isinstance(layer, nn.Sequential) and len(layer) else None
