"""Render several variants of a picture side by side, to show more than one thing that a unit responds to.

The variants are one picture with one recipe, since each depends on the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from clipdesk.network.inspector import LayerInspector
from clipdesk.network.layers import LayerInfo
from clipdesk.render.settings import MAX_SEED

_WHITE = 255
_APART = 235_000_003
_TINY = 1e-12


def seeds_of_variants(seeds: Sequence[int], count: int) -> list[int]:
    """A seed for each of `count` variants of each picture; the first variant has the picture's own seed.

    The other seeds lie in the half of all 32-bit numbers that users cannot choose, far apart. torch's generators use
    no more than 32 bits.
    """
    half = MAX_SEED + 1
    return [
        seed if variant == 0 else half + (seed + variant * _APART) % half for seed in seeds for variant in range(count)
    ]


def tiled(variants: NDArray[np.uint8], grid: int) -> NDArray[np.uint8]:
    """Arrange variants in pictures of `grid` rows and columns, with white lines between them.

    Args:
        variants: (pictures * grid * grid, side, side, channels), all variants of a picture together.
        grid: The number of rows, and of columns.

    Returns:
        (pictures, height, height, channels).
    """
    if grid == 1:
        return variants
    side, channels = variants.shape[1], variants.shape[-1]
    line = 2 * max(1, side // 128)  # even, as videos want their sides
    whole = grid * (side + line) - line
    pictures = np.full((len(variants) // grid**2, whole, whole, channels), _WHITE, dtype=np.uint8)
    for place in range(grid**2):
        top, left = (side + line) * (place // grid), (side + line) * (place % grid)
        pictures[:, top : top + side, left : left + side] = variants[place :: grid**2]
    return pictures


class Likeness:
    """Measures how much the variants of each picture are alike to the network.

    The likeness of two variants is the cosine similarity of their Gram matrices, which say which units of a layer are
    active together, wherever in the picture. Source: the diversity term of Olah et al. 2017, "Feature Visualization"
    (Distill).

    Args:
        own: The layer of each picture's objective. The picture is compared in that layer, or, if it has only one
            position, as the layer of a text, in the last layer that has several.
        inspector: The model's inspector.
    """

    def __init__(self, own: Sequence[LayerInfo], inspector: LayerInspector) -> None:
        self._layers = [_compared_in(info, inspector) for info in own]
        self.layers = list(dict.fromkeys(self._layers))
        """The layers that it reads."""

    def __call__(self, outputs: Mapping[str, Tensor], count: int) -> Tensor:
        """Mean likeness of each variant to the other variants of its picture, in [0, 1], (count,).

        Args:
            outputs: By layer, (views, positions, units), all views of a variant together.
            count: The number of variants of all pictures.
        """
        variants = count // len(self._layers)
        parts = []
        for picture, info in enumerate(self._layers):
            output = outputs[info.name]
            patches = output[:, 1:] if info.class_token else output
            of_variants = patches.reshape(count, -1, patches.shape[-1])
            parts.append(likeness(of_variants[picture * variants : (picture + 1) * variants]))
        return torch.cat(parts)


def likeness(outputs: Tensor) -> Tensor:
    """Mean cosine similarity of each variant's Gram matrix to the others', (variants,).

    Args:
        outputs: (variants, positions, units).
    """
    count = len(outputs)
    # <A'A, B'B> is the squared norm of AB', which is the smaller matrix if there are fewer positions than units.
    if outputs.shape[1] <= outputs.shape[2]:
        crossed = torch.einsum("ipu,jqu->ijpq", outputs, outputs)
        products = crossed.square().sum(dim=(2, 3))
        norms = products.diagonal().clamp(min=_TINY).sqrt()
        cosines = products / (norms[:, None] * norms[None, :])
    else:
        grams = F.normalize(torch.einsum("ipu,ipv->iuv", outputs, outputs).flatten(1), dim=1)
        cosines = grams @ grams.T
    mean: Tensor = (cosines.sum(dim=1) - cosines.diagonal()) / (count - 1)
    return mean


def _compared_in(own: LayerInfo, inspector: LayerInspector) -> LayerInfo:
    if own.positions > 1:
        return own
    infos = [node.info for node in inspector.tree.walk()]
    stages = [info for info in infos if info.kind == "Bottleneck"]
    if stages:
        return stages[-1]
    # Nothing in a transformer reads the patches after its last block.
    blocks = [info for info in infos if info.kind == "ResidualAttentionBlock"]
    return blocks[max(0, len(blocks) - 2)]
