"""The questions about a CLIP that saw photographs: targets, and the category that pictures of them should show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from clip.model import CLIP
from numpy.typing import NDArray
from PIL import Image

from benchmarks.quality.measures import fitted
from clipdesk.demo.photographs import Photographs
from clipdesk.demo.photos import WORDINGS
from clipdesk.demo.selectivity import areas_under_curves, layer_groups, unit_activations
from clipdesk.network.inspector import input_side
from clipdesk.render.targets import Target, Text, Unit

PER_CATEGORY = 3
"""Largest number of units per category, so that a hundred units do not share one."""


@dataclass(frozen=True)
class Question:
    """A target, and what a picture of it should show.

    Attributes:
        target: The target to render.
        category: Index of the category.
        auc: Probability that a unit is more active for a photograph of the category than for another, in [0, 1], on
            photographs that it was not chosen on; 0 for texts.
    """

    target: Target
    category: int
    auc: float = 0.0


def text_questions(categories: tuple[str, ...]) -> list[Question]:
    """The prompt of each category."""
    return [Question(Text(text=WORDINGS[0].format(name)), place) for place, name in enumerate(categories)]


def unit_questions(model: CLIP, photographs: Photographs, apart: Photographs, count: int) -> list[Question]:
    """The units most selective for one category, best first.

    Args:
        model: A CLIP in float32.
        photographs: Those that units are chosen on.
        apart: Others, on which their AUC is measured. Some must show each category.
        count: Number of units.
    """
    layers = [layer for group in layer_groups(model).values() for layer in group]
    shown, shown_apart = shown_categories(photographs), shown_categories(apart)
    of_layers = unit_activations(model, layers, at_size(photographs, input_side(model)))
    found: list[tuple[float, Unit, int]] = []
    for layer, activations in of_layers.items():
        areas = areas_under_curves(activations, shown)
        for category, row in enumerate(areas):
            best = np.argsort(-row)[:PER_CATEGORY]
            found += [(float(row[i]), Unit(layer=layer, index=int(i)), category) for i in best]
    chosen = _chosen(sorted(found, key=lambda each: -each[0]), count)
    others = unit_activations(model, sorted({unit.layer for unit, _ in chosen}), at_size(apart, input_side(model)))
    asked = []
    for unit, category in chosen:
        column = others[unit.layer][:, [unit.index]]
        auc = float(areas_under_curves(column, shown_apart[:, [category]])[0, 0])
        asked.append(Question(unit, category, auc))
    return asked


def _chosen(best: list[tuple[float, Unit, int]], count: int) -> list[tuple[Unit, int]]:
    taken, units, chosen = dict[int, int](), set[Unit](), list[tuple[Unit, int]]()
    for _, unit, category in best:
        if taken.get(category, 0) < PER_CATEGORY and unit not in units:
            taken[category] = taken.get(category, 0) + 1
            units.add(unit)
            chosen.append((unit, category))
    return chosen[:count]


def shown_categories(photographs: Photographs) -> NDArray[np.bool_]:
    """True where a photograph shows a category, (count, categories)."""
    return np.asarray(photographs.labels[:, None] == np.arange(len(photographs.categories)), dtype=np.bool_)


def at_size(photographs: Photographs, side: int) -> NDArray[np.uint8]:
    """The photographs at a model's input size, uint8, (count, side, side, 3)."""
    return fitted(photographs.images, side, Image.Resampling.BICUBIC)
