"""Which units of a model answer to one concept: measured on scenes, whose contents are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from clipdesk.demo.captions import FACTORS
from clipdesk.demo.dataset import Scenes
from clipdesk.inspector import LayerInspector
from clipdesk.render.capture import LayerCapture, pooled
from clipdesk.render.targets import Unit
from clipdesk.render.transforms import normalized


@dataclass(frozen=True)
class SelectiveUnit:
    """A unit and the concept that it tells from the rest.

    Attributes:
        unit: The unit.
        factor: ``shape``, ``color``, ``texture`` or ``background``.
        value: The concept, e.g. ``star``.
        auc: Probability that the unit is more active for a scene with the concept than for one without, in [0, 1].
        percentile99: The unit's activation that 1 % of the scenes exceed.
    """

    unit: Unit
    factor: str
    value: str
    auc: float
    percentile99: float


def unit_activations(model: nn.Module, layer: str, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Activations of all units of a layer, mean over the patches, for pictures of the model's input size.

    Args:
        model: A CLIP in float32.
        layer: Dotted name of a layer.
        images: uint8, (count, side, side, 3).

    Returns:
        float32, (count, units).
    """
    info = LayerInspector(model).visualizable(layer)
    capture, device = LayerCapture(model, [info]), next(model.parameters()).device
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), 250):
            pixels = (
                torch.from_numpy(np.array(images[start : start + 250])).permute(0, 3, 1, 2).to(device).float() / 255
            )
            parts.append(pooled(capture.run(normalized(pixels))[layer], info).cpu().numpy())
    return np.concatenate(parts).astype(np.float32)


def area_under_curve(activations: NDArray[np.float32], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Area under the ROC curve of each unit: (count, units) and (count,) give (units,)."""
    return _area(_ranks(activations), positive)


def _ranks(activations: NDArray[np.float32]) -> NDArray[np.int64]:
    return activations.argsort(axis=0).argsort(axis=0) + 1


def _area(ranks: NDArray[np.int64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    wins = positive.sum()
    total = ranks[positive].sum(axis=0) - wins * (wins + 1) / 2
    return np.asarray(total / (wins * (len(positive) - wins)), dtype=np.float64)


def selective_units(
    model: nn.Module, layers: Sequence[str], scenes: Scenes, count: int, *, per_value: int = 1
) -> list[SelectiveUnit]:
    """The most selective units of some layers, best first, at most `per_value` for each concept."""
    found: list[SelectiveUnit] = []
    for layer in layers:
        activations = unit_activations(model, layer, scenes.images)
        ranks = _ranks(activations)
        percentiles = np.percentile(activations, 99, axis=0)
        for column, (factor, values) in enumerate(FACTORS.items()):
            for number, value in enumerate(values):
                auc = _area(ranks, scenes.factors[:, column] == number)
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
