"""What differs between two models, as plain data for JSON and as rows for CSV. What is not defined is null or empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from clipdesk.activations.comparing.comparison import TOP, Comparison, Drifted, LayerComparison
from clipdesk.activations.comparing.partners import ALONE
from clipdesk.activations.questions.words import Label
from clipdesk.activations.statistics import NONE, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.export.answers_json import plain
from clipdesk.network.layer_names import short_layer

CHANGED = 0.1
"""A unit whose drift is larger has changed: its correlation is below 0.9."""
_NUMBERS = ("drift", "moved", "weights", "density", "top")
_COLUMNS = ("layer", "unit", "other_layer", "other", *_NUMBERS, "note")

Words = Mapping[tuple[str, int], tuple[Sequence[Label], Sequence[Label]]]
"""The words of units in the first model and in the second, by layer and index in the first."""


def comparison_as_json(found: Comparison, units: Sequence[Drifted], words: Words) -> dict[str, Any]:
    """A comparison as plain data: the models, the layers and the units that are listed."""
    return {
        "first": _model(found.first),
        "second": _model(found.second),
        "images": found.first.source,
        "pictures": len(found.first.pictures),
        "left_out": [{"place": each.place, "reason": each.reason} for each in found.left_out],
        "notes": list(found.notes),
        "cka": {
            "first": list(found.rows),
            "second": list(found.columns),
            "values": [[plain(value) for value in row] for row in found.cka.tolist()],
        },
        "layers": [layer_numbers(found, each) for each in found.layers],
        "units": [_unit(found, each, words) for each in units],
    }


def layer_numbers(found: Comparison, layer: LayerComparison) -> dict[str, Any]:
    """The numbers of a layer as a whole."""
    drift = layer.drift[np.isfinite(layer.drift)]
    numbers = {
        "layer": layer.pair.first,
        "other_layer": layer.pair.second,
        "pooling": layer.first.pooling,
        "cka": plain(found.similarity(layer.pair)),
        "median_drift": plain(float(np.median(drift))) if len(drift) else None,
        "changed": int((drift > CHANGED).sum()),
        "units": layer.first.units,
        "other_units": layer.second.units,
    }
    if layer.partners is None:
        return numbers
    own = layer.partners.own_correlations
    return {
        **numbers,
        "alone": int(layer.partners.alone.sum()),
        "other_alone": int((layer.partners.back < ALONE).sum()),
        "mean_best": plain(layer.partners.mean),
        "mean_one_to_one": plain(float(np.nanmean(own))) if np.isfinite(own).any() else None,
    }


def comparison_as_csv(found: Comparison) -> bytes:
    """All units of all layers, one in a line, the most changed first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in found.drifted(sum(layer.first.units for layer in found.layers)):
        numbers = (plain(getattr(each, name)) for name in _NUMBERS)
        other = "" if each.other == NONE else each.other
        writer.writerow((each.layer.first, each.unit, each.layer.second, other, *numbers, each.note))
    return text.getvalue().encode()


def _model(survey: Survey) -> dict[str, Any]:
    return {"model": survey.model, "weights": survey.weights}


def _unit(found: Comparison, each: Drifted, words: Words) -> dict[str, Any]:
    layer = found.layer(each.layer.first)
    sides = words.get((each.layer.first, each.unit), ((), ()))
    numbers = {name: plain(getattr(each, name)) for name in _NUMBERS}
    return {
        "unit": f"{short_layer(each.layer.first)}:{each.unit}",
        "layer": each.layer.first,
        "other": None if each.other == NONE else f"{short_layer(each.layer.second)}:{each.other}",
        **numbers,
        "note": each.note,
        "first": _side(found.first, layer.first, each.unit, sides[0]),
        "second": None if each.other == NONE else _side(found.second, layer.second, each.other, sides[1]),
    }


def _side(survey: Survey, statistics: UnitStatistics, unit: int, labels: Sequence[Label]) -> dict[str, Any]:
    top = [
        {"place": survey.pictures[picture].place, "value": plain(value)}
        for picture, value in top_pictures(statistics, unit, TOP)
    ]
    words = [{"word": each.concept, "pearson": plain(each.pearson), "weak": each.weak} for each in labels]
    return {"density": plain(float(statistics.densities[unit])), "words": words, "top": top}


def top_pictures(statistics: UnitStatistics, unit: int, count: int) -> Iterator[tuple[int, float]]:
    """The pictures that excite a unit most, with its values."""
    pictures, values = statistics.top.pictures[unit, :count], statistics.top.values[unit, :count]
    yield from (
        (picture, value) for picture, value in zip(pictures.tolist(), values.tolist(), strict=True) if picture != NONE
    )
