"""A unit over the checkpoints of a training, as plain data, as CSV and as a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from PIL import Image

from clipdesk.activations.comparing.timeline import Moment
from clipdesk.export.answers_json import plain
from clipdesk.export.page_parts import answers_page, escaped, picture, section, table, webp
from clipdesk.export.unit_page import number

_SIDE, _QUALITY = 224, 84
_NOTE = (
    "One picture for each checkpoint, with the same seed and settings. Drift is 1 - correlation of the unit's "
    "activations in two checkpoints, over all images; density the share of the images in which it is above zero."
)
NUMBERS = tuple(each.name for each in fields(Moment))[1:]
"""The numbers of a `Moment`."""


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
    rows = [["picture", *shown]] if shown else []
    rows += [[name.replace("_", " "), *(number(getattr(each, name)) for each in moments)] for name in NUMBERS]
    body = f'<div class="wide">{table(["", *(escaped(each.model) for each in moments)], rows)}</div>'
    header = f"<p>{escaped(unit)}</p><p>Images: {escaped(images)}</p>"
    return answers_page("Timeline", header, section("Checkpoints", body, note=_NOTE))
