"""Latents as a layer of a network: read where the sparse autoencoder reads, without a change to the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from clipdesk.network.latents.activations import Entries
from clipdesk.network.latents.algebra import Latents, Tokens
from clipdesk.network.latents.screening import finding
from clipdesk.network.layers import LayerInfo, Layout
from clipdesk.network.sparse import Sparse

KIND, UNIT = "Latents", "latent"


@dataclass(frozen=True)
class LatentsOf:
    """Latents of a layer: pre-activations, which have a gradient everywhere; or what becomes of them, to be measured.

    Attributes:
        latents: The sparse autoencoder, on the network's device.
        base: The layer that it reads.
        tokens: The tokens of that layer that it was trained on; there are no values at others.
        active: Whether ReLU, top-k or threshold are applied.
        turning: Whether the gradient of pre-activations is that which turns the activations; see `Latents.turning`.
        decoder: Whether the values are how far the layer goes along what each latent writes.
    """

    latents: Latents
    base: LayerInfo
    tokens: Tokens
    active: bool = False
    turning: bool = False
    decoder: bool = False

    def attach(
        self, network: nn.Module, info: LayerInfo, keep: Callable[[Tensor], None], leak: float
    ) -> list[RemovableHandle]:
        """As `LayerSource.attach`."""

        def read(values: Tensor) -> None:
            # The network may compute in low precision here, and thresholds are close to values.
            with torch.autocast(values.device.type, enabled=False):
                keep(self._of(chosen(values, self.base, self.tokens)))

        return self.base.source.attach(network, self.base, read, leak)

    def measured(self) -> LatentsOf:
        """As `LayerSource.measured`: the latents after their activation."""
        return self if self.active else replace(self, active=True)

    def narrowed(self, units: tuple[int, ...]) -> LatentsOf | None:
        """As `LayerSource.narrowed`: an encoder has as many columns as latents, and most of them are not asked for."""
        return None if self.active else replace(self, latents=self.latents.only(units))

    def sparse(self) -> SparseLatents | None:
        """As `LayerSource.sparse`: behind the activation, nearly all latents are zero at a token."""
        return SparseLatents(self) if self.active else None

    def _of(self, values: Tensor) -> Tensor:
        if self.decoder:
            return self.latents.written(values)
        if self.turning and torch.is_grad_enabled():
            return self.latents.turning(values)
        return self.latents.encode(values) if self.active else self.latents.pre(values)


class SparseLatents:
    """Latents of a layer behind their activation, as entries.

    Args:
        of: The latents.
    """

    def __init__(self, of: LatentsOf) -> None:
        self._of = of

    @cached_property
    def _find(self) -> Callable[[Tensor], Entries]:
        return finding(self._of.latents)

    def attach(self, network: nn.Module, keep: Callable[[Sparse], None]) -> list[RemovableHandle]:
        """As `SparseSource.attach`."""
        of = self._of

        def read(values: Tensor) -> None:
            with torch.autocast(values.device.type, enabled=False):
                keep(of.latents.sparse(chosen(values, of.base, of.tokens), self._find))

        return of.base.source.attach(network, of.base, read, 0.0)


def chosen(values: Tensor, base: LayerInfo, tokens: Tokens) -> Tensor:
    """A layer's values, (pictures, positions, units), at the tokens that a sparse autoencoder was trained on."""
    if not base.class_token or tokens is Tokens.ALL:
        return values
    return values[:, :1] if tokens is Tokens.CLASS else values[:, 1:]


def written(info: LayerInfo) -> LayerInfo | None:
    """What latents write, as a layer, `Latents.written`; None for a layer of other units."""
    source = info.source
    if not isinstance(source, LatentsOf):
        return None
    return replace(info, name=f"{info.name} decoder", source=replace(source, decoder=True))


def turned(info: LayerInfo) -> LayerInfo:
    """Latents with the gradient that turns the activations that they read; other layers as they are."""
    return replace(info, source=replace(info.source, turning=True)) if isinstance(info.source, LatentsOf) else info


def layer_of(latents: Latents, base: LayerInfo, tokens: Tokens, name: str) -> LayerInfo:
    """Latents as a layer.

    Args:
        latents: The sparse autoencoder, on the network's device.
        base: The layer that it reads.
        tokens: The tokens that it was trained on.
        name: The new layer's name.
    """
    layout, positions = Layout.BATCH_FIRST, base.shape[:-1]
    if base.layout is Layout.VECTOR or (base.class_token and tokens is Tokens.CLASS):
        layout, positions = Layout.VECTOR, ()
    elif base.layout is not None and base.layout.is_map:
        layout = Layout.CHANNELS_LAST
        positions = base.shape[1:] if base.layout is Layout.CHANNELS_FIRST else base.shape[:2]
    elif base.class_token and tokens is Tokens.PATCHES:
        positions = (base.positions - 1,)
    return LayerInfo(
        name,
        KIND,
        shape=(*positions, latents.count),
        layout=layout,
        units=latents.count,
        unit_kind=UNIT,
        class_token=base.class_token and tokens is Tokens.ALL,
        source=LatentsOf(latents, base, tokens),
    )
