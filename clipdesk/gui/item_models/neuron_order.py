"""Which units of a layer the table shows, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from clipdesk.network.layer_names import full_layer, split_unit

if TYPE_CHECKING:
    from clipdesk.network.layers import LayerInfo

Value = float | str
"""What a unit is sorted by."""


def in_order(units: Iterable[int], values: Mapping[int, Value], *, falling: bool) -> list[int]:
    """Units sorted by their values; those without one come last, whatever the order."""
    units = list(units)
    full = sorted((unit for unit in units if unit in values), key=values.__getitem__, reverse=falling)
    return [*full, *(unit for unit in units if unit not in values)]


def found_by(words: str, layer: LayerInfo, cells: Sequence[Sequence[str]]) -> list[int]:
    """The units of a layer that a filter leaves: the one that it names, or those whose line contains it.

    Args:
        words: The filter, in lower case.
        layer: The layer.
        cells: For each column that is searched the texts of all units.
    """
    named = split_unit(words)
    if named is not None:
        # Another layer's unit is not here.
        same = full_layer(named[0], {layer.name.lower()}) == layer.name.lower()
        return [named[1]] if same and named[1] < layer.units else []
    lines = (" ".join((layer.unit_kind, *texts)).lower() for texts in zip(*cells, strict=True))
    return [unit for unit, line in enumerate(lines) if words in line]
