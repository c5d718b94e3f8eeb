"""A folder's pictures as one HTML page that works without other files, a server or a network."""

from __future__ import annotations

import base64
import html
import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
from PIL import Image

from clipdesk.errors import ClipDeskError
from clipdesk.export.files import write_bytes
from clipdesk.export.folder import check_is_folder, from_pictures
from clipdesk.export.page_parts import allowed, part, webp
from clipdesk.export.png import Curve, SavedPicture, pixels_of, read_png
from clipdesk.export.recipe import Outcome, Recipe
from clipdesk.render.settings import RenderSettings, knob
from clipdesk.render.targets import Combined

MEGABYTES = 30
"""Default limit of a page's size."""

_STYLES = ("page.css", "detail.css", "screens.css")
_SCRIPTS = ("find.js", "grid.js", "curve.js", "detail.js", "page.js")
_SHARE = 0.72
"""Share of the page for pictures; the rest is for about 2,500 bytes of recipe and curve per picture."""
_SAMPLE = 24
_SAMPLE_PIXELS = 100_000_000
"""Fewer of large pictures, which take seconds each."""
_POINTS = 512
"""A longer curve keeps the lowest and the highest value of each stretch, which is all that a screen can show."""


class _Form(NamedTuple):
    """Encoding of the pictures in the page: WebP with at most this side in pixels, and this quality."""

    side: int
    quality: int


_SIDES = (320, 256, 224, 192, 160, 128, 96, 64)
_LARGEST = 2048
"""A larger picture is shown as its file; in the page it would take more time and memory than a screen can show."""
_FORMS = [*(_Form(_LARGEST, quality) for quality in (92, 84, 75)), *(_Form(side, 72) for side in _SIDES)]


def save_page(
    folder: Path,
    path: Path,
    *,
    megabytes: float = MEGABYTES,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> int:
    """Write the page of a folder's pictures; returns their number.

    The page contains each picture, compressed with some loss and, in a large folder, made smaller to limit the size of
    the page. If the PNG is still at the same path relative to the page, the page shows it in full size.

    Args:
        folder: Folder with the pictures.
        path: The page.
        megabytes: Limit of the page's size; more than about 10,000 pictures exceed it.
        progress: Called after each file with the number of files read, and of all files.

    Raises:
        UsageError: the folder does not exist, or does not contain a picture that ClipDesk wrote.
        ClipDeskError: the page cannot be written.
    """
    check_is_folder(folder)
    form = _form_for(folder, megabytes * 1e6 * _SHARE)

    def entry(file: Path, picture: SavedPicture) -> str:
        return _as_data(_entry(file, picture, form, path))

    entries = from_pictures(folder, entry, progress)
    write_bytes(path, _assembled(folder.resolve().name, entries))
    return len(entries)


def _form_for(folder: Path, most: float) -> _Form:
    """The best form in which a folder's pictures fit into `most` bytes, estimated from a sample."""
    paths = sorted(folder.glob("*.png"))
    sample: list[Image.Image] = []
    left = _SAMPLE_PIXELS
    for path in paths[:: max(1, len(paths) // _SAMPLE)]:
        try:
            left -= pixels_of(path)
            if left < 0 and sample:
                continue
            image = read_png(path).image
            # At once, so that a sample of large pictures does not fill the memory.
            image.thumbnail((_LARGEST, _LARGEST))
            sample.append(image)
        except ClipDeskError:
            continue
    for form in _FORMS:
        taken = sum(len(webp(image, form.side, form.quality)) for image in sample) / max(1, len(sample)) * len(paths)
        if taken <= most:
            return form
    return _FORMS[-1]


def _entry(file: Path, picture: SavedPicture, form: _Form, page: Path) -> dict[str, Any]:
    image, recipe, curve = picture.image, picture.recipe, picture.curve
    width, height = image.size
    image.thumbnail((_LARGEST, _LARGEST))
    return {
        "recipe": _shown(recipe),
        "label": recipe.target.label,
        "name": recipe.target.name,
        "outcome": "" if recipe.outcome is Outcome.DONE else recipe.outcome_in_words,
        "useful": recipe.outcome.useful,
        "command": f"clipdesk render --from {shlex.quote(file.name)}",
        "href": _link(file, page),
        "width": width,
        "height": height,
        "side": min(width, form.side),
        "curve": None if curve is None else _packed(curve),
        "check": None if picture.check is None else picture.check.model_dump(include={"verdict", "why"}),
        "image": webp(image, form.side, form.quality),
    }


def _shown(recipe: Recipe) -> dict[str, Any]:
    """A recipe as the page shows and copies it: without the numbers of directions, which the PNG has."""
    terms = {"terms": {"__all__": {"what": {"vector"}}}}
    return recipe.model_dump(exclude={"target": terms} if isinstance(recipe.target, Combined) else None)


def _packed(curve: Curve) -> dict[str, Any]:
    """Pack a curve for the page: 16-bit numbers between its extremes and, if steps are left out, the steps."""
    steps = np.arange(len(curve))
    if len(curve) > _POINTS:
        stretches = np.array_split(steps, _POINTS // 2)
        ends = [int(part[i]) for part in stretches for i in (curve[part].argmin(), curve[part].argmax())]
        steps = np.unique([0, *ends, len(curve) - 1])
    exact = curve.astype(np.float64)
    low, high = float(exact.min()), float(exact.max())
    values = np.round((exact[steps] - low) / ((high - low) or 1) * 65535)
    packed = {"low": low, "high": high, "values": _numbers(values)}
    return packed if len(steps) == len(curve) else {**packed, "steps": _numbers(steps + 1)}


def _numbers(values: np.ndarray[Any, np.dtype[Any]]) -> str:
    return base64.b64encode(values.astype("<u2").tobytes()).decode()


def _link(file: Path, page: Path) -> str | None:
    """The relative link from the page to a picture's file; None if they are on different drives."""
    try:
        way = Path(os.path.relpath(file, page.parent))
    except ValueError:
        return None
    # The dot prevents a name such as `javascript:` from acting as a scheme.
    return "./" + quote(os.fsencode(way.as_posix()))


def _as_data(value: object) -> str:
    """JSON for a script element; untrusted text in it cannot end the element."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _assembled(title: str, entries: list[str]) -> bytes:
    knobs = [{"name": name, "label": knob(name).label, "unit": knob(name).unit} for name in RenderSettings.model_fields]
    style = "\n".join(map(part, _STYLES))
    script = "(() => {\n'use strict';\n" + "\n".join(map(part, _SCRIPTS)) + "})();\n"
    policy = (
        f"default-src 'none'; script-src {allowed(script)}; style-src {allowed(style)}; "
        "img-src data: file:; base-uri 'none'; form-action 'none'"
    )
    text = Template(part("page.html")).substitute(
        policy=policy,
        title=html.escape(title),
        style=style,
        script=script,
        data=f'{{"knobs":{_as_data(knobs)},"pictures":[{",".join(entries)}]}}',
    )
    return text.encode("utf-8", "xmlcharrefreplace")
