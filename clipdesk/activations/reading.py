"""Read layers of a model, pooled at once, so that no layer's values at all positions outlive its hook."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from clipdesk.activations.pooling import Pooled, PooledEntries, Scratch, pool, poolings_of
from clipdesk.activations.statistics import Key, Pooling
from clipdesk.network.frozen import alone_with, frozen
from clipdesk.network.inspector import ROOT
from clipdesk.network.layers import LayerInfo
from clipdesk.network.normalization import constants
from clipdesk.network.opened import OpenModel
from clipdesk.network.precision import Precision
from clipdesk.network.sparse import Sparse
from clipdesk.network.tower import Tower


class PooledReader:
    """Reads a model's layers for pictures of its size.

    Args:
        opened: The model.
        layers: Which layers; the image embedding is read besides.
        precision: What to compute in.
        pooling: The only one to read, where a layer has it; of other layers, the mean. By default all are read.
    """

    def __init__(
        self, opened: OpenModel, layers: Sequence[str], precision: Precision, pooling: Pooling | None = None
    ) -> None:
        self._opened, self._pooling = opened, pooling
        self.layers: dict[str, LayerInfo] = {name: opened.inspector.visualizable(name).measured() for name in layers}
        self._entries = {name: info.source.sparse() for name, info in self.layers.items()}
        self._root = opened.inspector.get_layer_info(ROOT)
        self._scratch = Scratch()
        self._mean, self._std = constants(opened.normalization, opened.device)
        with alone_with(opened.network):
            self._tower = Tower(opened.network.get_submodule(ROOT), half=precision == "bfloat16")

    @property
    def width(self) -> int:
        """Width of the image embedding."""
        return self._root.units

    def units(self) -> dict[Key, int]:
        """How many units there are, by layer and pooling."""
        return {(name, each): info.units for name, info in self.layers.items() for each in self._poolings(info)}

    def read(self, pictures: Tensor) -> tuple[dict[Key, Pooled], Tensor]:
        """Read pictures, uint8, (pictures, 3, side, side).

        Returns:
            The layers' values, and the image embeddings of length 1, float32, (pictures, width).
        """
        found, embeddings = self.read_entries(pictures)
        return {key: each.dense() for key, each in found.items()}, embeddings

    @torch.no_grad()
    def read_entries(self, pictures: Tensor) -> tuple[dict[Key, Pooled | PooledEntries], Tensor]:
        """As `read`, but latents stay entries where they are not below zero."""
        found: dict[Key, Pooled | PooledEntries] = {}
        embeddings: list[Tensor] = []

        def keep(info: LayerInfo, output: Tensor | Sparse) -> None:
            for pooling in self._poolings(info):
                found[info.name, pooling] = pool(output, info, pooling, self._scratch)

        inputs = (pictures.to(self._opened.device).float() / 255 - self._mean) / self._std
        network, hooks = self._opened.network, list[RemovableHandle]()
        with frozen(network):
            try:
                for name, info in self.layers.items():
                    entries = self._entries[name]
                    if entries is None:
                        hooks += info.source.attach(network, info, partial(keep, info), 0.0)
                    else:
                        hooks += entries.attach(network, partial(keep, info))
                hooks += self._root.source.attach(
                    network, self._root, lambda output: embeddings.append(output[:, 0]), 0.0
                )
                self._tower(inputs)
            finally:
                for hook in hooks:
                    hook.remove()
        return found, torch.nn.functional.normalize(embeddings[-1].float(), dim=-1)

    def _poolings(self, info: LayerInfo) -> tuple[Pooling, ...]:
        there = poolings_of(info)
        if self._pooling is None:
            return there
        return (self._pooling,) if self._pooling in there else ("mean",)
