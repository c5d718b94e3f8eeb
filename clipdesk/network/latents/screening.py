"""Latents that are active, found by a product in bfloat16: what it cannot rule out is computed in float32.

Of ten thousands of latents a few are active at a token, and in float32 the product with the encoder takes far longer
than all else. The error of the product in bfloat16 is bounded here for each token, so none that is active is missed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from clipdesk.network.latents.activations import Entries
from clipdesk.network.latents.algebra import Latents, Memory
from clipdesk.network.precision import fast_in_bfloat16

log = logging.getLogger(__name__)

_LEAST = 2**23
"""With fewer weights in the encoder, the product in float32 is as quick."""
_GROUP = 64
"""Of so many latents the largest is found first."""
_GROUPS = 4
"""So many times the `k` of top-k groups at least, or the `k` largest groups rule out too little."""
_MOST = 1 / 64
"""Where more of the latents than this cannot be ruled out, the product in float32 is as quick."""
_COLUMNS = 32
"""The product is quickest where its inner length is a multiple of this."""
_ROUNDING, _SINGLE = 2.0**-8, 2.0**-23
"""More than a number changes when it is rounded to bfloat16, and to float32."""
_AT_ONCE = 4_096
_BELOW_ALL = -3e38


def finding(latents: Latents) -> Callable[[Tensor], Entries]:
    """What finds the latents of tokens, (tokens, width of the layer), as `Screen.entries`, as quickly as it can be."""
    return Screen(latents).entries if Screen.helps(latents) else partial(latents.entries, memory=Memory())


class Screen:
    """Computes the latents of tokens as entries; see the module.

    It holds a copy of the encoder in bfloat16; and one in float32, where the weights of a latent do not lie together.

    Args:
        latents: The sparse autoencoder; see `helps`.
    """

    def __init__(self, latents: Latents) -> None:
        self._latents = latents
        self._memory, self._exact = Memory(), Memory()
        self._rows = latents.encoder.T.contiguous()
        floor = latents.activation.floor
        # Activations have a large mean, which the decoder bias is close to; without it the bound is narrower.
        shifted = latents.bias + latents.decoder_bias @ latents.encoder
        bias = shifted if floor is None else shifted - floor
        high = bias.bfloat16()
        low = (bias - high.float()).bfloat16()
        self._groups = -(-latents.count // _GROUP)
        columns = -(-(latents.width + 2) // _COLUMNS) * _COLUMNS
        self._half: Tensor | None = torch.zeros(self._groups * _GROUP, columns, dtype=torch.bfloat16)
        self._half[: latents.count, : latents.width] = self._rows
        self._half[: latents.count, latents.width] = high
        self._half[: latents.count, latents.width + 1] = low
        self._half[latents.count :, latents.width] = _BELOW_ALL
        self._longest, self._rounded_off = self._lengths()
        self._bias_off = float((bias - high.float() - low.float()).abs().max())
        self._largest_bias = float(bias.abs().max())

    @staticmethod
    def helps(latents: Latents) -> bool:
        """Whether it is quicker than the product in float32: with many latents, on a CPU that is fast in bfloat16."""
        encoder, k = latents.encoder, latents.activation.at_most
        return (
            encoder.device.type == "cpu"
            and encoder.dtype is torch.float32
            and encoder.numel() >= _LEAST
            and (k is None or k * _GROUPS * _GROUP <= latents.count)
            and fast_in_bfloat16(encoder.device)
        )

    def entries(self, rows: Tensor) -> Entries:
        """The latents that may differ from zero, as `Activation.entries` finds them among all pre-activations.

        Args:
            rows: Activations as the encoder takes them, float32, (tokens, width of the layer).
        """
        found = None if self._half is None else self._candidates(rows, self._half)
        if found is None:
            return self._latents.entries(rows, self._exact)
        tokens, places = found
        latents, counts = self._latents, torch.bincount(tokens, minlength=len(rows)).tolist()
        parts = zip(rows, torch.split(places, counts), strict=True)
        pre = torch.cat([self._rows.index_select(0, mine) @ row for row, mine in parts]) + latents.bias[places]
        return latents.activation.among(pre, tokens, places, latents.count)

    def _candidates(self, rows: Tensor, half: Tensor) -> tuple[Tensor, Tensor] | None:
        """Token and number of the latents that cannot be ruled out, by token; None where it is not worth it."""
        width, columns = self._latents.width, half.shape[1]
        inputs = torch.zeros(len(rows), columns, dtype=torch.bfloat16)
        shifted = rows - self._latents.decoder_bias
        inputs[:, :width], inputs[:, width : width + 2] = shifted, 1
        found = torch.mm(inputs, half.T, out=self._memory.of(len(rows), len(half), half))
        # Member i of group j is latent i * groups + j.
        grouped = found.view(len(rows), _GROUP, self._groups)
        largest = grouped.amax(dim=1)
        least = self._least(largest, self._error(rows, shifted, inputs[:, :width].float()))
        if not bool(least.isfinite().all()):
            return None
        cut = least.bfloat16()
        token, group = (largest >= cut[:, None]).nonzero().unbind(1)
        inside, member = (grouped[token, :, group] >= cut[token, None]).nonzero().unbind(1)
        if len(inside) > _MOST * len(rows) * self._latents.count:
            log.info("%s: bfloat16 rules out too few latents", self._latents.name)
            self._half = None
            return None
        return token[inside], member * self._groups + group[inside]

    def _least(self, largest: Tensor, error: Tensor) -> Tensor:
        """What the product in bfloat16 has at least where a latent may be active, (tokens,)."""
        k = self._latents.activation.at_most
        if k is None:
            known = torch.zeros_like(error)
        else:
            # So many latents have at least this in bfloat16, and so the k-th largest has at least this less the error.
            reached = largest.float().topk(k, dim=-1, sorted=False).values.amin(dim=-1)
            known = reached - _ROUNDING * reached.abs() - error
        least = known - error
        return least - _ROUNDING * least.abs()

    def _error(self, rows: Tensor, shifted: Tensor, rounded: Tensor) -> Tensor:
        """How far the product in bfloat16 may be from the true one, before it is rounded itself, (tokens,)."""
        length = torch.linalg.vector_norm
        off = length(shifted - rounded, dim=1) * self._longest + length(rounded, dim=1) * self._rounded_off
        # Float32 adds up a product's terms one by one: as many roundings as there are, of at most their sizes' sum.
        sizes = (length(rows, dim=1) + length(self._latents.decoder_bias)) * self._longest + self._largest_bias
        error: Tensor = off + self._bias_off + (self._latents.width + 4) * _SINGLE * sizes + 1e-30
        return error

    def _lengths(self) -> tuple[float, float]:
        """L2 norm of the longest row of the encoder, and of the largest difference of a row from its bfloat16."""
        longest = rounded_off = 0.0
        for rows in torch.split(self._rows, _AT_ONCE):
            longest = max(longest, float(rows.norm(dim=1).max()))
            rounded_off = max(rounded_off, float((rows - rows.bfloat16().float()).norm(dim=1).max()))
        return longest, rounded_off
