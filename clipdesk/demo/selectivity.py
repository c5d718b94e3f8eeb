"""Units of a model that respond to one concept, measured on scenes with known contents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from clipdesk.network.capture import LayerCapture, pooled
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.normalization import normalized
from clipdesk.render.targets import Unit
from clipdesk.scenes.captions import FACTORS
from clipdesk.scenes.dataset import Scenes


@dataclass(frozen=True)
class SelectiveUnit:
    """A unit and the concept that it tells from the rest.

    Attributes:
        unit: The unit.
        factor: ``shape``, ``color``, ``texture`` or ``background``.
        value: The concept, e.g. ``star``.
        auc: Probability that the unit is more active for a scene with the concept than for one without, in [0, 1].
        percentile99: The activation of the unit that 1 % of the scenes exceed.
    """

    unit: Unit
    factor: str
    value: str
    auc: float
    percentile99: float


CONCEPTS: tuple[tuple[str, str], ...] = tuple((factor, value) for factor, values in FACTORS.items() for value in values)
"""Every value of every factor, e.g. ``("shape", "star")``."""


def layer_groups(model: nn.Module) -> dict[str, list[str]]:
    """Names of the layers to search for selective units: hidden layers of MLPs, if any, and blocks.

    Args:
        model: A CLIP.
    """
    layers = [node.info for node in LayerInspector(model).tree.walk() if node.info.units]
    groups = {
        "MLP hidden layers": [info.name for info in layers if info.name.endswith(".mlp.gelu")],
        "residual stream": [info.name for info in layers if info.kind in ("ResidualAttentionBlock", "Bottleneck")],
    }
    return {group: names for group, names in groups.items() if names}


def unit_activations(
    model: nn.Module, layers: Sequence[str], images: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    """Activations of all units of some layers, averaged over the patches, for pictures of the model's input size.

    Args:
        model: A CLIP in float32.
        layers: Dotted names of layers.
        images: uint8, (count, side, side, 3).

    Returns:
        By layer, float32, (count, units).
    """
    inspector = LayerInspector(model)
    infos = {layer: inspector.visualizable(layer) for layer in layers}
    capture, device = LayerCapture(model, infos.values()), next(model.parameters()).device
    parts: dict[str, list[NDArray[np.float32]]] = {layer: [] for layer in layers}
    with torch.no_grad():
        for start in range(0, len(images), 250):
            pixels = (
                torch.from_numpy(np.array(images[start : start + 250])).permute(0, 3, 1, 2).to(device).float() / 255
            )
            outputs = capture.run(normalized(pixels))
            for layer, info in infos.items():
                parts[layer].append(pooled(outputs[layer], info).cpu().numpy().astype(np.float32))
    return {layer: np.concatenate(chunks) for layer, chunks in parts.items()}


def concepts_shown(factors: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The `CONCEPTS` that each scene shows, (count, concepts), from `Scenes.factors`, (count, 4)."""
    columns = [factors[:, [i]] == np.arange(len(values)) for i, values in enumerate(FACTORS.values())]
    return np.concatenate(columns, axis=1)


def areas_under_curves(activations: NDArray[np.float32], shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Area under the ROC curve of each unit for each concept; a pair of equal activations counts a half.

    Args:
        activations: Activation of each unit for each scene, (count, units).
        shown: True if the scene shows the concept, (count, concepts). Some scenes must show each concept, and some not.

    Returns:
        (concepts, units).
    """
    ranks = _mean_ranks(activations)
    wins = shown.sum(axis=0)[:, None]
    total = shown.T.astype(np.float64) @ ranks - wins * (wins + 1) / 2
    return np.asarray(total / (wins * (len(shown) - wins)), dtype=np.float64)


def _mean_ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The rank of each value in its column, from 1; equal ones share the mean of theirs.

    Sparse units are 0 for most images. In an order of chance, a category whose images stand together would stand out.
    """
    order = values.argsort(axis=0, kind="stable")
    ranked, places = np.take_along_axis(values, order, axis=0), np.arange(len(values))[:, None]
    other = ranked[1:] != ranked[:-1]
    edge = np.ones((1, values.shape[1]), dtype=np.bool_)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, other]), places, 0), axis=0)
    last = np.where(np.concatenate([other, edge]), places, len(values))
    last = np.minimum.accumulate(last[::-1], axis=0)[::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=0)
    return ranks


def selective_units(
    model: nn.Module, layers: Sequence[str], scenes: Scenes, count: int, *, per_value: int = 1
) -> list[SelectiveUnit]:
    """The most selective units of some layers, best first, at most `per_value` for each concept."""
    found: list[SelectiveUnit] = []
    shown = concepts_shown(scenes.factors)
    for layer, activations in unit_activations(model, layers, scenes.images).items():
        percentiles = np.percentile(activations, 99, axis=0)
        for (factor, value), auc in zip(CONCEPTS, areas_under_curves(activations, shown), strict=True):
            for index in np.argsort(-auc)[:per_value]:
                unit = Unit(layer=layer, index=int(index))
                found.append(SelectiveUnit(unit, factor, value, float(auc[index]), float(percentiles[index])))
    found.sort(key=lambda unit: -unit.auc)
    taken: dict[tuple[str, str], int] = {}
    units: set[Unit] = set()
    chosen = []
    for candidate in found:
        concept = (candidate.factor, candidate.value)
        if taken.get(concept, 0) < per_value and candidate.unit not in units:
            taken[concept] = taken.get(concept, 0) + 1
            units.add(candidate.unit)
            chosen.append(candidate)
    return chosen[:count]
