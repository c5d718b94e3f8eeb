"""What all HTML pages have in common: their styles, what their browser may load, and text and pictures in them."""

from __future__ import annotations

import base64
import hashlib
import html
import io
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from string import Template

from PIL import Image

from clipdesk.errors import one_line
from clipdesk.paths import resource

_LONGEST = 200
_STYLES = ("page.css", "answers.css")


def part(name: str) -> str:
    """One of the pages' parts in `resources/page`."""
    return resource(f"page/{name}").read_text(encoding="utf-8")


def allowed(source: str) -> str:
    """The content-security source that allows exactly this script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def webp(image: Image.Image, side: int, quality: int) -> str:
    """A picture of at most this side, as base64 of a WebP."""
    small = image.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    small.save(data, format="WEBP", quality=quality, method=3)
    return base64.b64encode(data.getvalue()).decode()


def escaped(text: object, most: int = _LONGEST) -> str:
    """Untrusted text as HTML: on one line, without control characters, and cut to `most` characters."""
    return html.escape(one_line(text, most))


def short_names(names: Sequence[str]) -> list[str]:
    """Names of models or image sets, paths without the folders that do not tell them apart.

    A page may be given away, and should say nothing of its maker's folders.
    """
    parts = [_parts(each) for each in names]
    for count in range(1, max(map(len, parts), default=1) + 1):
        short = ["/".join(each[-count:]) for each in parts]
        if len(set(short)) == len(set(names)):
            return short
    return list(names)


def _parts(name: str) -> list[str]:
    """The parts of a path; names such as ViT-B/32 have one."""
    is_path = PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()
    return name.replace("\\", "/").rstrip("/").split("/") if is_path else [name]


def picture(data: str | None, alt: object) -> str:
    """A picture as HTML, from what `webp` gives; nothing for None."""
    return "" if data is None else f'<img src="data:image/webp;base64,{data}" alt="{escaped(alt)}" loading="lazy">'


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table as HTML, of cells that are HTML already; the first of each row is its heading.

    Args:
        headings: Of the columns.
        rows: The cells.
        kind: Class of the table.
    """
    head = "".join(f'<th scope="col">{escaped(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for first, *cells in rows
    )
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def section(title: str, body: str, *, note: str = "") -> str:
    """A part of a page as HTML.

    Args:
        title: Its heading.
        body: HTML.
        note: A sentence below the heading, as HTML.
    """
    below = f'<p class="note">{note}</p>' if note else ""
    return f"<section><h2>{escaped(title)}</h2>{below}{body}</section>"


def answers_page(title: str, header: str, body: str, script: str = "") -> bytes:
    """A page of answers in the look of a batch's page, that loads nothing.

    Args:
        title: Untrusted text.
        header: HTML below the title.
        body: HTML.
        script: One of the parts; it can be done without.
    """
    run = f"(() => {{\n'use strict';\n{part(script)}}})();\n" if script else ""
    style = "\n".join(map(part, _STYLES))
    scripts = f"script-src {allowed(run)}; " if run else ""
    policy = (
        f"default-src 'none'; {scripts}style-src {allowed(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    text = Template(part("answers.html")).substitute(
        policy=policy,
        title=escaped(title),
        style=style,
        header=header,
        body=body,
        script=f"<script>{run}</script>" if run else "",
    )
    return text.encode("utf-8", "xmlcharrefreplace")
