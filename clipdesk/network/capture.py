"""Read layers during a forward pass, and end the pass after the last layer that is needed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import TracebackType

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from typing_extensions import Self

from clipdesk.network.frozen import alone_with, frozen
from clipdesk.network.inspector import ROOT, LayerInspector
from clipdesk.network.layers import LayerInfo
from clipdesk.network.tower import Tower


class _AllCaptured(BaseException):
    """Ends a forward pass. Not an Exception, so that a model's own handlers do not catch it."""


class LayerCapture:
    """Reads layers, either with `run` or from any forward pass while it is entered as a context.

    Hooks are registered only for that time.

    Args:
        model: The model that the layers belong to.
        layers: The layers to read, as `LayerInspector` describes them.
        half: Whether `run` computes in bfloat16; see `Tower`.
        leak: Share of the gradient that also gets past the rectifier in which a layer ends, where that is flat. The
            values are the same with any.
    """

    def __init__(self, model: nn.Module, layers: Iterable[LayerInfo], *, half: bool = False, leak: float = 0.0) -> None:
        self._model = model
        with alone_with(model):
            self._tower = Tower(model.get_submodule(ROOT), half=half)
        self._layers = {info.name: info for info in layers}
        self._leak = leak
        self._hooks: list[RemovableHandle] = []
        self._stop = False
        self.outputs: dict[str, Tensor] = {}
        """By layer name: (pictures, positions, units). Positions are tokens (the class token first) or pixels."""

    def __enter__(self) -> Self:
        for info in self._layers.values():
            self._hooks += info.source.attach(self._model, info, partial(self._keep, info.name), self._leak)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def run(self, inputs: Tensor) -> dict[str, Tensor]:
        """Run the vision tower on normalised pictures, (n, 3, side, side), up to the deepest of the layers.

        The model is `frozen` meanwhile: several captures, on several threads too, may take turns on it.
        """
        self.outputs = {}
        self._stop = True
        try:
            with frozen(self._model), self:
                self._tower(inputs)
        except _AllCaptured:
            pass
        finally:
            self._stop = False
        return self.outputs

    def _keep(self, name: str, output: Tensor) -> None:
        # Cloned, because the module after it may work in place.
        self.outputs[name] = output.clone()
        if self._stop and len(self.outputs) == len(self._layers):
            raise _AllCaptured


def pooled(output: Tensor, info: LayerInfo) -> Tensor:
    """Mean over all positions but the class token; (pictures, positions, units) gives (pictures, units)."""
    return (output[:, 1:] if info.class_token else output).mean(dim=1)


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
