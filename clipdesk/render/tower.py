"""Run a vision tower so that the gradient for its input is soon there; the outputs are what they always are.

Measured on two cores of an AMD EPYC, ViT-B/32 up to its middle (`python -m benchmarks.speed`): the gradient of a
convolution of patches took a quarter of a step in float32, a product of matrices takes a twentieth; plain attention is
faster than the fused one for few tokens; and weights that are cast once need not be cast in each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

_FEW_TOKENS = 128
"""So many at most are attended to faster by plain attention than by the fused one, on a CPU."""
_CAST = (nn.Linear, nn.Conv2d, nn.MultiheadAttention)
"""What computes in low precision under torch's autocast."""


class Tower:
    """A vision tower, ready to be run many times.

    Args:
        module: The tower; left as it was.
        half: Whether to compute in bfloat16 what torch's autocast does; the residual stream stays as it is. The
            weights that this needs are copied once.
    """

    def __init__(self, module: nn.Module, *, half: bool = False) -> None:
        self._module, self._half = module, half
        self._device = next(module.parameters()).device.type
        self._patches = _patch_convolution(module)
        self._weights = _copied_weights(module, half=half, channels_last=self._patches is None)

    def __call__(self, inputs: Tensor) -> None:
        """Run it on normalised pictures, (n, 3, side, side); hooks see its layers' outputs."""
        with (
            torch.autocast(self._device, dtype=torch.bfloat16, enabled=self._half),
            self._attention(inputs),
            nullcontext() if self._patches is None else _as_product(self._patches),
        ):
            if self._patches is None:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            functional_call(self._module, self._weights, (inputs,))

    def _attention(self, inputs: Tensor) -> AbstractContextManager[None]:
        if self._device != "cpu" or self._patches is None:
            return nullcontext()
        tokens = (inputs.shape[-1] // self._patches.kernel_size[0]) ** 2 + 1
        return sdpa_kernel([SDPBackend.MATH]) if tokens <= _FEW_TOKENS else nullcontext()


def _patch_convolution(module: nn.Module) -> nn.Conv2d | None:
    """The convolution that embeds a transformer's patches; None where the tower does not begin with one."""
    first = getattr(module, "conv1", None)
    if not isinstance(first, nn.Conv2d) or first.padding != (0, 0) or first.groups != 1:
        return None
    return first if first.stride == first.kernel_size and first.kernel_size[0] == first.kernel_size[1] else None


@contextmanager
def _as_product(convolution: nn.Conv2d) -> Iterator[None]:
    """The convolution computed as a product of matrices."""

    def forward(pixels: Tensor) -> Tensor:
        n, channels, rows, columns = pixels.shape
        side = convolution.kernel_size[0]
        down, across = rows // side, columns // side
        whole = pixels[:, :, : down * side, : across * side]
        patches = whole.reshape(n, channels, down, side, across, side).permute(0, 2, 4, 1, 3, 5)
        embedded = F.linear(patches.reshape(n, down * across, -1), convolution.weight.flatten(1), convolution.bias)
        return embedded.transpose(1, 2).reshape(n, -1, down, across)

    vars(convolution)["forward"] = forward
    try:
        yield
    finally:
        del vars(convolution)["forward"]


def _copied_weights(module: nn.Module, *, half: bool, channels_last: bool) -> dict[str, Tensor]:
    """Copies of the weights that are wanted in another form than they are."""
    weights = {}
    for name, part in module.named_modules():
        for own, weight in part.named_parameters(recurse=False):
            copied = weight.detach()
            if half and isinstance(part, _CAST):
                copied = copied.to(torch.bfloat16)
            if channels_last and isinstance(part, nn.Conv2d) and copied.ndim == 4:
                copied = copied.contiguous(memory_format=torch.channels_last)
            if copied is not weight and (half or channels_last):
                weights[f"{name}.{own}".removeprefix(".")] = copied
    return weights
