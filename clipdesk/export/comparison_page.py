"""The page of a comparison: one HTML file with two models side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from clipdesk.activations.comparing.comparison import Comparison, Drifted
from clipdesk.activations.questions.unit import histogram_of
from clipdesk.activations.questions.words import Label
from clipdesk.activations.statistics import NONE, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.export.comparison_json import Words, layer_numbers, top_pictures
from clipdesk.export.histogram import small_histogram
from clipdesk.export.page_parts import answers_page, escaped, picture, section, short_names, table, webp
from clipdesk.export.unit_page import in_words, number
from clipdesk.network.layer_names import short_layer

_SIDE, _RENDERED_SIDE, _QUALITY = 72, 224, 84
_TOP, _WORDS = 6, 3
_CELL, _MARGIN = 16, 130
_MODELS = ("A", "B", "B - A")
_CKA_NOTE = (
    "Linear CKA over the sampled pictures, by the unbiased estimate: 1 where two layers say the same of the pictures, "
    "whatever the order and scale of their units, and 0 where they have nothing in common."
)
_UNITS_NOTE = (
    "Drift is 1 - correlation of a unit in A with its counterpart in B. Moved: the standard deviation of "
    "the difference between the two, in the layer's median standard deviations. Weights: the change, as a share of A's "
    "length. "
    "Density: how much larger the share of pictures is in which the unit is above zero. Top: the share of A's 20 top "
    "pictures that are not among B's."
)
_RENDERED_NOTE = "Rendered with the same seed and settings. B - A excites B's unit and leaves A's cold."

Rendered = tuple[Image.Image, Image.Image, Image.Image]
"""A unit's picture in A, in B, and what excites B's and not A's."""


@dataclass(frozen=True, eq=False)
class ComparedUnits:
    """What a page shows of units.

    Attributes:
        units: Those that are shown, in their order.
        words: Their words.
        rendered: Their pictures, by layer and index in the first model.
        photo: Gives a picture of the set by its index, for a side; None where photos may not be shown.
    """

    units: Sequence[Drifted]
    words: Words = field(default_factory=dict)
    rendered: Mapping[tuple[str, int], Rendered] = field(default_factory=dict)
    photo: Callable[[int, int], str | None] = lambda index, side: None


def comparison_page(found: Comparison, shown: ComparedUnits) -> bytes:
    """A comparison's page as HTML."""
    first, second = found.first, found.second
    one, other = short_names([first.model, second.model])
    (images,) = short_names([first.source])
    header = (
        f"<p>A: {_model(one, first)}</p><p>B: {_model(other, second)}</p>"
        f"<p>{len(first.pictures):,} pictures of {escaped(images)}, {len(found.left_out):,} left out</p>"
        + "".join(f"<p>{escaped(note, 1000)}</p>" for note in found.notes)
    )
    parts = [
        section("Layers", f'<div class="wide">{heat_map(found)}</div>', note=_CKA_NOTE),
        section("Layer by layer", f'<div class="wide">{_layers(found)}</div>'),
        _pictures(shown),
        section("Units that have changed most", f'<div class="wide">{_units(found, shown)}</div>', note=_UNITS_NOTE),
    ]
    return answers_page("Comparison", header, "\n".join(filter(None, parts)))


def heat_map(found: Comparison) -> str:
    """The CKA of each layer with each, as SVG: the darker, the more alike."""
    rows, columns = len(found.rows), len(found.columns)
    cells = "".join(
        f'<rect class="bars" x="{_MARGIN + at * _CELL}" y="{_MARGIN + row * _CELL}" width="{_CELL - 1}" '
        f'height="{_CELL - 1}" fill-opacity="{min(max(value, 0.0), 1.0):.3f}"><title>'
        f"A {escaped(short_layer(found.rows[row]))}, B {escaped(short_layer(found.columns[at]))}: {value:.3f}"
        "</title></rect>"
        for row in range(rows)
        for at in range(columns)
        if math.isfinite(value := float(found.cka[row, at]))
    )
    left = "".join(
        f'<text x="{_MARGIN - 5}" y="{_MARGIN + row * _CELL + 12}" text-anchor="end">'
        f"{escaped(short_layer(name))}</text>"
        for row, name in enumerate(found.rows)
    )
    above = "".join(
        f'<text transform="translate({_MARGIN + at * _CELL + 12} {_MARGIN - 5}) rotate(-90)">'
        f"{escaped(short_layer(name))}</text>"
        for at, name in enumerate(found.columns)
    )
    wide, high = _MARGIN + columns * _CELL, _MARGIN + rows * _CELL
    return (
        f'<svg viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img" '
        f'aria-label="CKA of the layers of A, from top to bottom, and of B, from left to right">'
        f"{cells}{left}{above}</svg>"
    )


def _model(name: str, survey: Survey) -> str:
    weights = f' <span class="soft">{escaped(survey.weights[:12])}</span>' if survey.weights else ""
    return f"{escaped(name)}{weights}"


def _layers(found: Comparison) -> str:
    matched = any(each.partners is not None for each in found.layers)
    headings = ["layer", "CKA", "median drift", "changed", "units"]
    headings += ["without a partner in B", "in A", "mean best correlation", "one to one"] if matched else []
    rows = []
    for each in found.layers:
        numbers = layer_numbers(found, each)
        row = [escaped(each.pair.short), _said(numbers["cka"]), _said(numbers["median_drift"])]
        row += [f"{numbers['changed']:,}", f"{numbers['units']:,}"]
        if matched:
            names = ("alone", "other_alone", "mean_best", "mean_one_to_one")
            row += [_said(numbers.get(name)) for name in names]
        rows.append(row)
    return table(headings, rows, "units")


def _pictures(shown: ComparedUnits) -> str:
    rows = []
    for each in shown.units:
        images = shown.rendered.get((each.layer.first, each.unit))
        if images is not None:
            named = zip(images, _MODELS, strict=True)
            rows.append([_name(each), *(picture(webp(image, _RENDERED_SIDE, _QUALITY), name) for image, name in named)])
    return section("Pictures", table(["unit", *_MODELS], rows), note=_RENDERED_NOTE) if rows else ""


def _units(found: Comparison, shown: ComparedUnits) -> str:
    headings = ["unit", "", "drift", "moved", "weights", "density", "top", "words", "histogram", "top pictures", ""]
    rows = []
    for each in shown.units:
        layer = found.layer(each.layer.first)
        words = shown.words.get((each.layer.first, each.unit), ((), ()))
        sides = [_side(layer.first, each.unit, words[0], shown)]
        sides.append(_side(layer.second, each.other, words[1], shown) if each.other != NONE else ["", "", ""])
        numbers = [number(value) for value in (each.drift, each.moved, each.weights, each.density, each.top)]
        rows.append([_name(each), "A", *numbers, *sides[0], escaped(each.note)])
        rows.append(["", "B", *[""] * len(numbers), *sides[1], ""])
    return table(headings, rows)


def _side(statistics: UnitStatistics, unit: int, labels: Sequence[Label], shown: ComparedUnits) -> list[str]:
    """A unit's words, histogram and top pictures in one of the models."""
    photos = (picture(shown.photo(each, _SIDE), f"picture {each}") for each, _ in top_pictures(statistics, unit, _TOP))
    return [
        f'<span class="said">{in_words(labels[:_WORDS])}</span>' if labels else "",
        small_histogram(histogram_of(statistics.only(np.array([unit])))),
        f'<span class="strip">{"".join(photos)}</span>',
    ]


def _name(each: Drifted) -> str:
    first, second = (f"{short_layer(name)}:" for name in (each.layer.first, each.layer.second))
    same = first == second and each.unit == each.other
    other = "" if same or each.other == NONE else f" = {second}{each.other}"
    return escaped(f"{first}{each.unit}{other}")


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
