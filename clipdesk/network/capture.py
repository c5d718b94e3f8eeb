"""Read layers in the middle of a forward pass, which ends at the last layer that is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from typing_extensions import Self

from clipdesk.network.inspector import ATTENTION_PARTS, ROOT, LayerInfo, LayerInspector, Layout, heads_projection
from clipdesk.network.tower import Tower, attended

# A unit behind a rectifier that is far below zero for the random start has no gradient; its picture would stay noise.
# Source: lucid's redirected ReLU, which follows the input's gradient where the output's is zero.
_RECTIFIERS = ("QuickGELU", "GELU", "GELUTanh", "ReLU", "SiLU")
_LEAK = 0.1


class _AllCaptured(BaseException):
    """Ends a forward pass. Not an Exception, so that no model's own handler swallows it."""


class LayerCapture:
    """Reads some layers: by `run`, or from other forward passes while it is entered as a context.

    The hooks are there only during either.

    Args:
        model: The model whose layers these are.
        layers: What `LayerInspector` says of the layers to read.
        half: Whether `run` computes in bfloat16; see `Tower`.
    """

    def __init__(self, model: nn.Module, layers: Iterable[LayerInfo], *, half: bool = False) -> None:
        self._model = model
        self._tower = Tower(model.get_submodule(ROOT), half=half)
        self._layers = {info.name: info for info in layers}
        self._hooks: list[RemovableHandle] = []
        self._stop = False
        self.outputs: dict[str, Tensor] = {}
        """By layer name: (pictures, positions, units). Positions are tokens (the class token first) or pixels."""

    def __enter__(self) -> Self:
        for info in self._layers.values():
            if info.kind in ATTENTION_PARTS.values():
                self._hooks.append(self._attention_hook(info))
            else:
                self._hooks += self._output_hooks(self._model.get_submodule(info.name), info)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def run(self, inputs: Tensor) -> dict[str, Tensor]:
        """Run the vision tower on normalised pictures, (n, 3, side, side), as far as the layers need it."""
        self.outputs = {}
        self._stop = True
        try:
            with self:
                self._tower(inputs)
        except _AllCaptured:
            pass
        finally:
            self._stop = False
        return self.outputs

    def _keep(self, info: LayerInfo, output: Tensor) -> None:
        self.outputs[info.name] = output
        if self._stop and len(self.outputs) == len(self._layers):
            raise _AllCaptured

    def _output_hooks(self, layer: nn.Module, info: LayerInfo) -> list[RemovableHandle]:
        rectified: list[Tensor] = []

        def before(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            # The ReLUs of CLIP's ResNets overwrite what they are given.
            rectified[:] = [args[0].clone() if getattr(module, "inplace", False) else args[0]]

        def after(_module: nn.Module, _args: object, output: Tensor | tuple[Tensor, ...]) -> None:
            first = output[0] if isinstance(output, tuple) else output
            if rectified:
                # The value stays; the gradient gets a way past the flat part of the function.
                first = first + _LEAK * (rectified[0] - rectified[0].detach())
            # Cloned, because the module after it may work in place.
            self._keep(info, by_position(first.clone(), info))

        rectifier = _last_rectifier(layer)
        hooks = [] if rectifier is None else [rectifier.register_forward_pre_hook(before)]
        return [*hooks, layer.register_forward_hook(after)]

    def _attention_hook(self, info: LayerInfo) -> RemovableHandle:
        attention: Any = self._model.get_submodule(info.name.rpartition(".")[0])
        mixing = None if isinstance(attention, nn.MultiheadAttention) else heads_projection(attention)
        if mixing is not None:

            def of_heads(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
                self._keep(info, _of_heads(by_position(args[0], info), info, attention.num_heads))

            return mixing.register_forward_pre_hook(of_heads)

        def hook(module: nn.MultiheadAttention, args: tuple[Tensor, ...], kwargs: dict[str, Any]) -> None:
            self._keep(info, _attention_part(module, args[0] if args else kwargs["query"], info))

        handle: RemovableHandle = attention.register_forward_pre_hook(hook, with_kwargs=True)
        return handle


def _last_rectifier(layer: nn.Module) -> nn.Module | None:
    """The rectifier that a layer's output comes from at once; None where it comes from something else."""
    kind = type(layer).__name__
    if kind in _RECTIFIERS:
        return layer
    if kind == "Bottleneck":
        # OpenAI's name for it, and open_clip's.
        return layer.get_submodule("relu3" if hasattr(layer, "relu3") else "act3")
    return _last_rectifier(layer[-1]) if isinstance(layer, nn.Sequential) and len(layer) else None


def by_position(output: Tensor, info: LayerInfo) -> Tensor:
    """A layer's output as (pictures, positions, units), whatever its layout."""
    if info.layout is Layout.TOKENS_FIRST:
        return output.transpose(0, 1)
    if info.layout is Layout.CHANNELS_FIRST:
        return output.flatten(2).transpose(1, 2)
    if info.layout is Layout.CHANNELS_LAST:
        return output.flatten(1, 2)
    return output[:, None] if info.layout is Layout.VECTOR else output


def _attention_part(attention: nn.MultiheadAttention, tokens: Tensor, info: LayerInfo) -> Tensor:
    """One of `ATTENTION_PARTS`, (pictures, tokens, units); the norm of a head's output is its L2 norm."""
    if info.layout is Layout.TOKENS_FIRST:
        tokens = tokens.transpose(0, 1)
    packed = F.linear(tokens, attention.in_proj_weight, attention.in_proj_bias)
    compared = ("Queries", "Keys", "Values")
    if info.kind in compared:
        return packed.chunk(3, dim=-1)[compared.index(info.kind)]
    n, count, width = tokens.shape
    queries, keys, values = packed.view(n, count, 3, attention.num_heads, width // attention.num_heads).permute(
        2, 0, 3, 1, 4
    )
    outputs = attended(queries, keys, values).transpose(1, 2)
    return _of_heads(outputs.flatten(2), info, attention.num_heads)


def _of_heads(outputs: Tensor, info: LayerInfo, heads: int) -> Tensor:
    """The heads' outputs, (pictures, tokens, channels), or the L2 norm of each, (pictures, tokens, heads)."""
    if info.kind != "Heads":
        return outputs
    norms: Tensor = torch.linalg.vector_norm(outputs.reshape(*outputs.shape[:2], heads, -1), dim=-1)
    return norms


def pooled(output: Tensor, info: LayerInfo) -> Tensor:
    """Mean over the positions of (pictures, positions, units), leaving out the class token: (pictures, units)."""
    return (output[:, 1:] if info.class_token else output).mean(dim=1)


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode and without gradients for its weights; afterwards as it was."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    training = model.training
    try:
        model.eval()
        for parameter in trainable:
            parameter.requires_grad_(False)
        yield
    finally:
        model.train(training)
        for parameter in trainable:
            parameter.requires_grad_(True)


class NeuronActivationHook:
    """Captures one neuron's activation whenever the model runs.

    Example::

        with NeuronActivationHook(model, "visual.transformer.resblocks.5.attn", 32) as hook:
            model.encode_image(pictures)
        print(hook.activation)  # (pictures,), mean over the patches

    Args:
        model: A CLIP.
        layer_name: Dotted name of a layer.
        neuron_index: A unit of that layer.

    Raises:
        UsageError: there is no such layer or unit.
    """

    def __init__(self, model: nn.Module, layer_name: str, neuron_index: int) -> None:
        self._info = LayerInspector(model).check_unit(layer_name, neuron_index)
        self._index = neuron_index
        self._capture = LayerCapture(model, [self._info])

    @property
    def activation(self) -> Tensor | None:
        """Activation for each picture of the last forward pass, (pictures,); None before the first."""
        output = self._capture.outputs.get(self._info.name)
        return None if output is None else pooled(output, self._info)[:, self._index]

    def __enter__(self) -> Self:
        self._capture.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._capture.__exit__(kind, error, trace)
