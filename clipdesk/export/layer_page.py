"""A layer's page: one HTML file with all of its units, their numbers and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from clipdesk.activations.questions.layer import COLUMNS, UnitTable
from clipdesk.activations.questions.overview import Overview
from clipdesk.activations.questions.unit import histogram_of
from clipdesk.activations.questions.words import LayerWords
from clipdesk.activations.statistics import NONE, UnitStatistics
from clipdesk.export.histogram import small_histogram
from clipdesk.export.page_parts import answers_page, escaped, picture, section, table, webp
from clipdesk.export.rendered import Rendered
from clipdesk.export.unit_page import Origin, in_words, number
from clipdesk.network.layer_names import short_layer

_SIDE, _QUALITY = 64, 70
_WORDS = 3


@dataclass(frozen=True, eq=False)
class LayerAnswers:
    """What a survey says of a layer.

    Attributes:
        statistics: The layer's.
        table: Its units in numbers.
        overview: How many are what.
        words: The words of all units; None for none.
        order: Indices of the units as they are listed.
    """

    statistics: UnitStatistics
    table: UnitTable
    overview: Overview
    words: LayerWords | None
    order: tuple[int, ...]


def layer_page(
    origin: Origin,
    answers: LayerAnswers,
    rendered: Mapping[int, Rendered],
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> bytes:
    """A layer's page as HTML.

    Args:
        origin: Where the answers are from.
        answers: What the survey says.
        rendered: The units' rendered pictures, as far as there are any.
        progress: Told how many units are written, and of how many.
    """
    rows = []
    for done, unit in enumerate(answers.order, 1):
        rows.append(_row(origin, answers, unit, rendered.get(unit)))
        progress(done, len(answers.order))
    headings = ("unit", "rendered", "top", "words", "histogram", *COLUMNS, "")
    kept = [place for place, name in enumerate(headings) if name in ("unit", "") or any(row[place] for row in rows)]
    body = table([headings[place] for place in kept], [[row[place] for place in kept] for row in rows], "units")
    layer = answers.statistics.layer
    unseen = "" if origin.previews.allowed else "<p>The photos are not in this page.</p>"
    header = (
        f"<p>{origin.about} · {answers.statistics.pooling} · {escaped(layer)}</p>{unseen}"
        f'<p class="links"><a href="{origin.link(layer)}">Open in ClipDesk</a></p>'
    )
    parts = [_overview(answers.overview), section("Units", f'<div class="wide">{body}</div>')]
    return answers_page(short_layer(layer), header, "\n".join(parts), "units.js")


def _overview(found: Overview) -> str:
    facts = [("units", f"{found.units:,}")]
    facts += [
        (kind, f'{int(which.sum()):,} <span class="soft">{which.mean():.0%}</span>') for kind, which in found.kinds()
    ]
    listed = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return section("Overview", f'<dl class="facts">{listed}</dl>')


def _row(origin: Origin, answers: LayerAnswers, unit: int, rendered: Rendered | None) -> list[str]:
    layer, numbers = answers.statistics.layer, answers.table
    top = NONE if numbers.dead[unit] else int(answers.statistics.top.pictures[unit, 0])
    photo = None if top == NONE else origin.previews.read(top, _SIDE)
    labels = () if answers.words is None else answers.words.units[unit].labels[:_WORDS]
    return [
        f'<a href="{origin.link(layer, unit)}">{unit}</a>',
        "" if rendered is None else picture(webp(rendered.image, _SIDE, _QUALITY), f"{unit}, rendered"),
        picture(photo, f"{unit}, top picture"),
        f'<span class="said">{in_words(labels)}</span>' if labels else "",
        small_histogram(histogram_of(answers.statistics.only(np.array([unit])))),
        *(number(float(getattr(numbers, column)[unit])) for column in COLUMNS),
        ", ".join(answers.overview.notes(unit)),
    ]
