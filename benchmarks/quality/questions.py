"""The questions: targets, and what pictures of them should show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from clip.model import CLIP
from numpy.typing import NDArray

from clipdesk.demo.selectivity import (
    areas_under_curves,
    concepts_shown,
    layer_groups,
    selective_units,
    unit_activations,
)
from clipdesk.render.targets import Target, Text
from clipdesk.scenes.captions import FACTORS, prompt, with_article
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes

NAMED = ("shape", "color", "texture")
"""The factors of a thing; only units ask for a background."""
COMBINATIONS = 60
PER_CONCEPT = 3
"""Largest number of units per concept, so that a hundred units do not share one concept."""
SCENES, SCENES_SEED, HELD_OUT_SEED = 5_000, 11, 12
KINDS = (*NAMED, "combination", "unit")


@dataclass(frozen=True)
class Question:
    """A target, and what a picture of it should show.

    Attributes:
        target: The target to render.
        kind: One of `KINDS`.
        values: By factor, the index of the correct value in `FACTORS`.
        auc: AUC of a unit on scenes of other shape x colour pairs than it was chosen on; 0 for texts.
    """

    target: Target
    kind: str
    values: Mapping[str, int]
    auc: float = 0.0

    def shown(self, seen: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True where `seen`, (..., 4) in the order of `FACTORS`, has all the correct values."""
        columns = list(FACTORS)
        right = [seen[..., columns.index(factor)] == value for factor, value in self.values.items()]
        everything: NDArray[np.bool_] = np.logical_and.reduce(right)
        return everything

    @property
    def chance(self) -> float:
        """Probability that a blind guess is right."""
        return 1 / float(np.prod([len(FACTORS[factor]) for factor in self.values]))


def text_questions(combinations: int = COMBINATIONS) -> list[Question]:
    """The prompts of all shapes, colours and textures, and of random combinations of two of them."""
    asked = [
        Question(Text(text=prompt(factor, value)), factor, {factor: place})
        for factor in NAMED
        for place, value in enumerate(FACTORS[factor])
    ]
    pairs = [(one, shape) for one in ("color", "texture") for shape in product(FACTORS[one], FACTORS["shape"])]
    for i in sorted(np.random.default_rng(0).choice(len(pairs), combinations, replace=False)):
        factor, (adjective, shape) = pairs[i]
        values = {factor: FACTORS[factor].index(adjective), "shape": FACTORS["shape"].index(shape)}
        asked.append(Question(Text(text=with_article(f"{adjective} {shape}")), "combination", values))
    return asked


def unit_questions(model: CLIP, scenes: Scenes, count: int) -> list[Question]:
    """The units most selective for one concept on `scenes`; their AUC is measured on other scenes."""
    layers = [layer for group in layer_groups(model).values() for layer in group]
    chosen = selective_units(model, layers, scenes, count, per_value=PER_CONCEPT)
    others = draw_scenes(2_000, HELD_OUT_SEED, Kind.HELD_OUT)
    shown = concepts_shown(others.factors)
    activations = unit_activations(model, sorted({unit.unit.layer for unit in chosen}), others.images)
    concepts = [(factor, value) for factor, values in FACTORS.items() for value in values]
    asked = []
    for unit in chosen:
        concept = concepts.index((unit.factor, unit.value))
        column = activations[unit.unit.layer][:, [unit.unit.index]]
        auc = float(areas_under_curves(column, shown[:, [concept]])[0, 0])
        asked.append(Question(unit.unit, "unit", {unit.factor: FACTORS[unit.factor].index(unit.value)}, auc))
    return asked
