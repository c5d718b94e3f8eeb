"""A unit over the checkpoints of a training, as plain data, as CSV and as a page."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from PIL import Image

from clipdesk.activations.comparing.timeline import Moment
from clipdesk.export.answers_json import plain
from clipdesk.export.page_parts import answers_page, escaped, picture, section, short_names, table, webp
from clipdesk.export.unit_page import number

_SIDE, _QUALITY = 224, 84
_NOTE = (
    "One picture for each checkpoint, with the same seed and settings. Drift is 1 - correlation of the unit's "
    "activations in two checkpoints, over all images; density the share of the images in which it is above zero."
)
NUMBERS = tuple(each.name for each in fields(Moment))[1:]
"""The numbers of a `Moment`."""
_TITLES = {
    "deviation": "standard deviation",
    "most": "largest",
    "from_first": "drift from the first",
    "from_last": "drift from the last",
}
_WIDE, _HIGH, _DOT = 160, 32, 3


def timeline_as_json(unit: str, images: str, moments: Sequence[Moment]) -> dict[str, Any]:
    """As plain data; what is not defined is null."""
    listed = [{"model": each.model, **{name: plain(getattr(each, name)) for name in NUMBERS}} for each in moments]
    return {"unit": unit, "images": images, "checkpoints": listed}


def timeline_as_csv(moments: Sequence[Moment]) -> bytes:
    """A line for each checkpoint; what is not defined is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("model", *NUMBERS))
    for each in moments:
        writer.writerow((each.model, *(plain(getattr(each, name)) for name in NUMBERS)))
    return text.getvalue().encode()


def timeline_page(unit: str, images: str, moments: Sequence[Moment], pictures: Sequence[Image.Image]) -> bytes:
    """The page: a strip of pictures, each over its numbers."""
    shown = [picture(webp(each, _SIDE, _QUALITY), f"checkpoint {at}") for at, each in enumerate(pictures, 1)]
    rows = [["picture", *shown, ""]] if shown else []
    for name in NUMBERS:
        values = [getattr(each, name) for each in moments]
        rows.append([_TITLES.get(name, name), *map(number, values), line(values)])
    headings = ["", *map(escaped, short_names([each.model for each in moments])), "over the checkpoints"]
    body = f'<div class="wide">{table(headings, rows)}</div>'
    (name,) = short_names([images])
    header = f"<p>{escaped(unit)}</p><p>Images: {escaped(name)}</p>"
    return answers_page("Timeline", header, section("Checkpoints", body, note=_NOTE))


def line(values: Sequence[float]) -> str:
    """Numbers as a line, in SVG, from their least to their largest; empty for fewer than two that are defined."""
    known = [(at, value) for at, value in enumerate(values) if math.isfinite(value)]
    if len(known) < 2:
        return ""
    least, most = (end(value for _, value in known) for end in (min, max))
    across = (_WIDE - 2 * _DOT) / (len(values) - 1)
    down = (_HIGH - 2 * _DOT) / ((most - least) or 1)
    points = [(_DOT + at * across, _HIGH - _DOT - (value - least) * down) for at, value in known]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle class="bars" cx="{x:.1f}" cy="{y:.1f}" r="{_DOT}"/>' for x, y in points)
    return (
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" width="{_WIDE}" height="{_HIGH}" role="img" '
        f'aria-label="from {number(known[0][1])} to {number(known[-1][1])}">'
        f'<polyline points="{drawn}" fill="none" stroke="currentColor" stroke-opacity="0.4"/>{dots}</svg>'
    )
