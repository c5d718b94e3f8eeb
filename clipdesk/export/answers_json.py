"""What a survey says of a unit or a layer, as plain data for JSON. What is not defined is null."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from clipdesk.activations.questions.examples import Example
from clipdesk.activations.questions.find import Found
from clipdesk.activations.questions.layer import COLUMNS
from clipdesk.activations.questions.unit import QUANTILES, UnitAnswers
from clipdesk.activations.questions.words import Label
from clipdesk.activations.survey import Survey
from clipdesk.export.check_record import CheckRecord
from clipdesk.export.layer_page import LayerAnswers
from clipdesk.export.rendered import Rendered
from clipdesk.export.unit_page import HeadAnswers, Origin, RankedPicture
from clipdesk.links import Link


def unit_as_json(
    origin: Origin, answers: UnitAnswers, rendered: RankedPicture | None = None, head: HeadAnswers | None = None
) -> dict[str, Any]:
    """A unit's answers as plain data."""
    survey = origin.survey
    against = answers.against
    return {
        **_origin(origin, answers.layer, answers.unit),
        "unit": f"{answers.layer}:{answers.unit}",
        "pooling": answers.pooling,
        "pictures": answers.count,
        "numbers": {
            **_numbers(asdict(answers.numbers)),
            "quantiles": {
                f"{share:g}": plain(value) for share, value in zip(QUANTILES, answers.numbers.quantiles, strict=True)
            },
        },
        "histogram": {"edges": answers.histogram.edges.tolist(), "counts": answers.histogram.counts.tolist()},
        "rendered": None if rendered is None else _rendered(rendered, origin.name),
        "top": _examples(survey, answers.examples.top),
        "bins": [
            {"low": each.low, "high": each.high, "share": each.share, "pictures": _examples(survey, each.examples)}
            for each in answers.examples.bins
        ],
        "bottom": _examples(survey, answers.examples.bottom),
        "groups": [[survey.pictures[each].place for each in group] for group in answers.clusters.groups],
        "polysemanticity": plain(answers.clusters.polysemanticity),
        "words": [_label(each) for each in answers.labels],
        "against": None
        if against is None
        else {
            "word": against.concept,
            "top_pictures_without": {"share": against.without_share, "pictures": _examples(survey, against.without)},
            "silent": {"share": against.silent_share, "pictures": _examples(survey, against.silent)},
            "opposite": [{"word": word, "correlation": plain(value)} for word, value in against.opposite],
        },
        "writes": None
        if head is None
        else [{"word": each.concept, "explained": plain(each.explained)} for each in head.words],
        "similar": {
            "within": [_found(origin, each) for each in answers.similar.within],
            "across": [_found(origin, each) for each in answers.similar.across],
        },
    }


def layer_as_json(origin: Origin, answers: LayerAnswers, rendered: Mapping[int, Rendered]) -> dict[str, Any]:
    """A layer's answers as plain data, its units in the order of the page."""
    table = answers.table
    return {
        **_origin(origin, table.layer),
        "layer": table.layer,
        "pooling": table.pooling,
        "pictures": table.count,
        "overview": {
            "units": answers.overview.units,
            **{kind: int(which.sum()) for kind, which in answers.overview.kinds()},
        },
        "units": [
            {
                "unit": unit,
                **{column: plain(float(getattr(table, column)[unit])) for column in COLUMNS},
                "nearest": None if table.nearest[unit] < 0 else int(table.nearest[unit]),
                "notes": answers.overview.notes(unit),
                "words": [] if answers.words is None else [_label(each) for each in answers.words.units[unit].labels],
                "rendered": str(rendered[unit].path) if unit in rendered else None,
            }
            for unit in answers.order
        ],
    }


def plain(value: float) -> float | None:
    """A number to six digits; None where it is not defined."""
    return float(f"{value:.6g}") + 0.0 if math.isfinite(value) else None


def _origin(origin: Origin, layer: str, unit: int | None = None) -> dict[str, Any]:
    return {
        "link": str(Link(origin.model, layer, unit)),
        "model": origin.model,
        "weights": origin.survey.weights,
        "survey": origin.name,
    }


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) if isinstance(value, float) else value for name, value in values.items()}


def _rendered(found: RankedPicture, survey: str) -> dict[str, Any]:
    rank = found.rank
    return {
        "file": str(found.rendered.path),
        "activation": plain(rank.value),
        "below": rank.below,
        "share": rank.share,
        "ratio": plain(rank.ratio),
        "check": None if found.check is None else CheckRecord.of_check(found.check, survey).model_dump(),
    }


def _examples(survey: Survey, examples: Iterable[Example]) -> list[dict[str, Any]]:
    return [
        {
            "value": plain(each.value),
            "place": survey.pictures[each.picture].place,
            "label": survey.pictures[each.picture].label,
            "caption": survey.pictures[each.picture].caption,
            "alike": len(each.alike),
        }
        for each in examples
    ]


def _label(label: Label) -> dict[str, Any]:
    return {
        "word": label.concept,
        "weight": plain(label.weight),
        "pearson": plain(label.pearson),
        "auprc": plain(label.auprc),
        "weak": label.weak,
    }


def _found(origin: Origin, found: Found) -> dict[str, Any]:
    return {
        "unit": f"{found.layer}:{found.unit}",
        "correlation": plain(found.correlation),
        "pooling": found.pooling,
        "link": str(Link(origin.model, found.layer, found.unit)),
    }
