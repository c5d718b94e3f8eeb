"""The caption and the label of a picture, from what stands beside it: texts, JSON, rows of tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

PLACES = ("file_name", "filepath", "path", "image_path", "filename", "file", "image", "img")
"""Names of the column that says where a picture is: Hugging Face's, open_clip's, and others in use, best first."""
CAPTIONS = ("caption", "title", "text", "captions", "prompt", "alt_text")
LABELS = ("label", "class", "class_name", "category", "cls")
TEXTS = (".txt", ".json", ".cls")
"""Suffixes of the files beside a picture that hold its caption, both, or its label."""
TABLES = (".csv", ".tsv", ".jsonl", ".txt")
"""Suffixes of texts that name pictures, one in each line."""
MOST_BYTES = 1_000_000
"""A text beside a picture, or a line of a table, that is longer is not read."""
_LONGEST_CAPTION, _LONGEST_LABEL = 1_000, 200


def column(names: Iterable[str], known: Iterable[str]) -> str | None:
    """The first of the known names that is among a table's, whatever its case; None if none is."""
    found = {name.strip().casefold(): name for name in names}
    return next((found[name] for name in known if name in found), None)


def as_caption(value: object) -> str:
    """A caption as plain text in one line of at most 1,000 characters; the first of several; "" if it is not a text."""
    return _text(value, _LONGEST_CAPTION)


def as_label(value: object) -> str:
    """A label as plain text in one line, of at most 200 characters; numbers count; "" if it is neither."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    return _text(value, _LONGEST_LABEL)


def _text(value: object, longest: int) -> str:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    if not value or not isinstance(value, str):
        return ""
    text = value[: 10 * longest]
    if not text.isprintable():
        # Half of a surrogate pair, which JSON can hold, cannot be written anywhere.
        text = text.replace("\0", "").encode("utf-8", "replace").decode()
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def from_mapping(values: Mapping[str, object]) -> tuple[str, str]:
    """The label and the caption that a row or a JSON object says."""
    caption, label = column(values, CAPTIONS), column(values, LABELS)
    return as_label(values[label] if label else ""), as_caption(values[caption] if caption else "")


def from_text(suffix: str, data: bytes) -> tuple[str, str]:
    """The label and the caption that a file beside a picture holds, as ``.txt``, ``.json`` or ``.cls``; "" for none."""
    if suffix == ".txt":
        return "", as_caption(data.decode("utf-8-sig", "replace"))
    if suffix == ".cls":
        return as_label(data.decode("utf-8-sig", "replace")), ""
    values = json_of(data)
    return from_mapping(values) if isinstance(values, dict) else ("", "")


def json_of(data: bytes) -> object:
    """JSON that nobody vouches for; None if it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
