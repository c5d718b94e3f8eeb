"""Names of layers as people read and type them: without what all of them begin with. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Container

from clipdesk.errors import UsageError, nearest, one_line
from clipdesk.given import check_given

_TOWER = "visual"
_BEGINNINGS = ("", "visual.", "visual.transformer.", "visual.transformer.resblocks.")
_IN_LABELS = re.compile(r"\"[^\"]*\"|\[[^\]]*\]|\bvisual\.(?:transformer\.)?(?:resblocks\.)?(?=[\w.]+:)")
_UNIT = re.compile(r"[-+]?\s*([\w.]+):(\d{1,9})")
_RANGE = re.compile(r"[-+]?\s*([\w.]*[A-Za-z_][\w.]*):(.*)")

_LAYER = re.compile(r"[\w.]+")

Place = tuple[str, int | None]
"""A layer, full or short, and a unit of it; None for the layer as a whole."""


def short_layer(name: str) -> str:
    """A layer's dotted name without what all of them begin with: ``3.mlp.gelu``, ``layer4.0``."""
    return name.removeprefix("visual.").removeprefix("transformer.").removeprefix("resblocks.")


def short_label(label: str) -> str:
    """A target's label with short names of layers; texts and files in it stay as they are."""
    return _IN_LABELS.sub(lambda found: found[0] if found[0][0] in '"[' else "", label)


def full_layer(name: str, layers: Container[str]) -> str:
    """The dotted name that `short_layer` was given, if the model has such a layer; else the name as it is.

    Raises:
        UsageError: it is no text, whatever the types say.
    """
    check_given("layer", name, str)
    return next((full for each in _BEGINNINGS if (full := f"{each}{name}") in layers), name)


def split_unit(text: str) -> tuple[str, int] | None:
    """The layer and the index of a unit's name, full or short, signed or not; None if the text is not one."""
    found = _UNIT.fullmatch(text.strip())
    return None if found is None else (found[1], int(found[2]))


def place_of(text: str) -> Place:
    """The layer, and the unit if there is one, that a person typed.

    Raises:
        UsageError: it is neither.
    """
    unit = split_unit(text)
    if unit is None and not _LAYER.fullmatch(text.strip()):
        raise UsageError(f"'{one_line(text)}' is not a unit. Write LAYER:UNIT, such as 3.mlp.gelu:5, or LAYER")
    return unit or (text.strip(), None)


def split_range(text: str, layer: str) -> str:
    """A range of units without the name of its layer, full or short, before it.

    Raises:
        UsageError: the range is of another layer.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return text
    if full_layer(found[1], {layer}) != layer:
        raise UsageError(f"{found[1]} is another layer. These are the units of {short_layer(layer)}")
    return found[2]


def suggestion(name: str, layers: list[str]) -> str:
    """A sentence that offers the layers closest to a wrong name, in its own form, short or full."""
    return nearest(name, layers if name.startswith(_TOWER) else list(map(short_layer, layers)))
