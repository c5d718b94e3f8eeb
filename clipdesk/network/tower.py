"""Run a vision tower with a faster gradient for its input; the outputs are unchanged.

Measured on two cores of an AMD EPYC, ViT-B/32 up to its middle (`python -m benchmarks.speed`): the gradient of a
convolution of patches took a quarter of a step in float32, a product of matrices takes a twentieth;
and weights that are cast once need not be cast in each step. For attention see `attended`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from clip.model import Transformer
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.hooks import RemovableHandle

from clipdesk.network.kernels import quick_gelu

_MOST_TOKENS = 600
"""Largest number of tokens for attention by matrix products, whose memory grows with its square: ViT-L/14 at 336 px
has 577."""
_SMALL = 20_480
"""Numbers in the input of a convolution up to which torch computes a batch of one by other code on a CPU."""
_CAST = (nn.Linear, nn.Conv2d, nn.MultiheadAttention)
"""Modules that compute in low precision under torch's autocast."""

Forward = Callable[..., Any]
"""A function that computes a part of the tower."""

Look = Callable[[Tensor, Tensor], None]
"""Told what an attention computes inside: queries, keys and values in one, and the heads' outputs before the output
projection, both in the layout of its input."""
_watchers: WeakKeyDictionary[nn.Module, OrderedDict[int, Look]] = WeakKeyDictionary()


def watch(attention: nn.MultiheadAttention, look: Look) -> RemovableHandle:
    """See what an attention computes inside, whenever a `Tower` computes it in its own way, until it is removed."""
    looks = _watchers.setdefault(attention, OrderedDict())
    handle = RemovableHandle(looks)
    looks[handle.id] = look
    return handle


class Tower:
    """A vision tower, ready to be run many times.

    Args:
        module: The tower; left as it was.
        half: Whether to compute in bfloat16 as torch's autocast does; the residual stream stays in float32. The weights
            are cast once, into a copy.
    """

    def __init__(self, module: nn.Module, *, half: bool = False) -> None:
        self._module, self._half = module, half
        self._device = next(module.parameters()).device.type
        self._patches = _patch_convolution(module)
        self._faster = dict(_faster(module, self._patches))
        self._weights = _copied_weights(module, half=half, channels_last=self._patches is None)

    def __call__(self, inputs: Tensor) -> None:
        """Run it on normalised pictures, (n, 3, side, side); hooks see its layers' outputs."""
        with torch.autocast(self._device, dtype=torch.bfloat16, enabled=self._half), _computed_by(self._faster):
            if self._patches is None:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            functional_call(self._module, self._weights, (inputs,))


def _patch_convolution(module: nn.Module) -> nn.Conv2d | None:
    """The convolution that embeds a transformer's patches; None if the tower does not begin with one."""
    first = getattr(module, "conv1", None)
    if not isinstance(first, nn.Conv2d) or first.padding != (0, 0) or first.groups != 1:
        return None
    return first if first.stride == first.kernel_size and first.kernel_size[0] == first.kernel_size[1] else None


def _faster(module: nn.Module, patches: nn.Conv2d | None) -> Iterator[tuple[nn.Module, Forward]]:
    """The parts of a tower that can be computed faster, each with the function that does so."""
    if patches is not None:
        yield patches, partial(_product, patches)
    for part in module.modules():
        if isinstance(part, Transformer):
            yield part, partial(_in_one_piece, part)
        # Not tried on Apple's GPUs.
        if type(part).__name__ == "QuickGELU" and next(module.parameters()).device.type in ("cpu", "cuda"):
            yield part, quick_gelu
        if type(part).__name__ == "AttentionPool2d":
            yield part, partial(_one_by_one, part)
        if isinstance(part, nn.Conv2d) and patches is None:
            yield part, partial(_as_in_a_batch, part)
        if type(part) is nn.MultiheadAttention and part.in_proj_weight is not None and part.bias_k is None:
            yield part, partial(_self_attention, part)


@contextmanager
def _computed_by(faster: Mapping[nn.Module, Forward]) -> Iterator[None]:
    """Compute parts by other functions than their own while entered; hooks see their outputs as usual."""
    try:
        for part, forward in faster.items():
            vars(part)["forward"] = forward
        yield
    finally:
        for part in faster:
            vars(part).pop("forward", None)


def _product(convolution: nn.Conv2d, pixels: Tensor) -> Tensor:
    """Convolve patches that do not overlap, by a matrix product; (n, channels, rows, columns) in and out."""
    n, channels, rows, columns = pixels.shape
    side = convolution.kernel_size[0]
    down, across = rows // side, columns // side
    whole = pixels[:, :, : down * side, : across * side]
    patches = whole.reshape(n, channels, down, side, across, side).permute(0, 2, 4, 1, 3, 5)
    embedded = F.linear(patches.reshape(n, down * across, -1), convolution.weight.flatten(1), convolution.bias)
    return embedded.transpose(1, 2).reshape(n, -1, down, across)


def _as_in_a_batch(convolution: nn.Conv2d, pixels: Tensor) -> Tensor:
    """Convolve a single small picture beside a copy of itself, so that it is rounded as it would be in a batch.

    torch computes a batch of one by other code than larger ones (its `use_mkldnn`). The difference is in the last bit,
    but the ascent of a ResNet makes another picture of it within forty steps.
    """
    alike = convolution.groups > 1 or (convolution.kernel_size == (1, 1) and torch.get_num_threads() == 1)
    if alike or len(pixels) != 1 or pixels.device.type != "cpu" or pixels.numel() > _SMALL:
        return nn.Conv2d.forward(convolution, pixels)
    twice = pixels.expand(2, -1, -1, -1).contiguous(memory_format=torch.channels_last)
    return nn.Conv2d.forward(convolution, twice)[:1]


def _one_by_one(pool: nn.Module, maps: Tensor, **options: object) -> Tensor:
    """Pool pictures one by one on a CPU, so that each is rounded alike in every batch.

    The products of matrices inside are rounded differently for other numbers of rows; `_as_in_a_batch` says what comes
    of it. OpenAI's ResNets and open_clip's end in such a pool, which takes little of the time.
    """
    # timm's pool of that name has an option.
    forward = partial(type(pool).forward, pool, **options)
    if maps.device.type != "cpu" or len(maps) == 1:
        return cast("Tensor", forward(maps))
    return torch.cat([cast("Tensor", forward(maps[i : i + 1])) for i in range(len(maps))])


def _in_one_piece(transformer: Transformer, tokens: Tensor) -> Tensor:
    """Run OpenAI's blocks on tokens that are contiguous in memory; otherwise each part of a block copies its input."""
    blocks: Tensor = transformer.resblocks(tokens.contiguous())
    return blocks


def _self_attention(
    attention: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Self-attention whose gradient does not fill memory with zeros first.

    PyTorch's own slices query, key and value out of one tensor; the gradient of that is three tensors of its size.
    """
    masked = key_padding_mask is not None or attn_mask is not None
    if need_weights or masked or not (query is key is value) or query.ndim != 3:
        return nn.MultiheadAttention.forward(attention, query, key, value, key_padding_mask, need_weights, attn_mask)
    first, second, width = query.shape
    order = (0, 2, 1, 3) if attention.batch_first else (1, 2, 0, 3)
    packed = F.linear(query, attention.in_proj_weight, attention.in_proj_bias)
    of_heads = [part.view(first, second, attention.num_heads, -1).permute(order) for part in packed.chunk(3, dim=-1)]
    mixed = attended(*of_heads)
    back = mixed.permute((0, 2, 1, 3) if attention.batch_first else (2, 0, 1, 3)).reshape(first, second, width)
    for look in list(_watchers.get(attention, {}).values()):
        look(packed, back)
    return F.linear(back, attention.out_proj.weight, attention.out_proj.bias), None


def attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention; inputs and output are (n, heads, tokens, channels).

    In bfloat16 on a CPU, torch computes it in float32 or by a slow fused kernel: 9 and 21 ms with the gradient, while
    two matrix products take 4 ms (8 pictures of ViT-B/32, one core).
    """
    n, heads, tokens, channels = query.shape
    if query.device.type != "cpu" or query.dtype != torch.bfloat16 or tokens > _MOST_TOKENS:
        return F.scaled_dot_product_attention(query, key, value)
    query, key, value = (part.reshape(n * heads, tokens, channels) for part in (query, key, value))
    weights = torch.bmm(query * channels**-0.5, key.transpose(1, 2)).softmax(dim=-1)  # (n * heads, tokens, tokens)
    return torch.bmm(weights, value).view(n, heads, tokens, channels)


def _copied_weights(module: nn.Module, *, half: bool, channels_last: bool) -> dict[str, Tensor]:
    """Copies of the weights that are needed in another number format or memory layout."""
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
