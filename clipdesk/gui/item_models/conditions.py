"""Conditions in the filter of the table of neurons: ``density<1%``, ``dead``, ``starred``, and words beside them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from clipdesk.gui.item_models.unit_columns import Known

NUMBERS = ("density", "selectivity", "kurtosis", "maximum", "clarity", "monosemanticity", "redundancy")
KINDS = ("dead", "dense", "clear", "redundant")
STARRED = "starred"
_CONDITION = re.compile(rf"({'|'.join(NUMBERS)})\s*(<=|>=|<|>|=)\s*(-?\d+(?:\.\d+)?|-?\.\d+)\s*(%?)", re.IGNORECASE)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}


class Filter(NamedTuple):
    """What the filter asks for.

    Attributes:
        words: What remains beside the conditions, in lower case.
        conditions: Names of numbers, each with a comparison and a value.
        kinds: Which of `KINDS`, and `STARRED`, units must be.
    """

    words: str
    conditions: tuple[tuple[str, str, float], ...] = ()
    kinds: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Filter:
        """The filter that a person typed."""
        conditions = tuple(
            (found[1].lower(), found[2], float(found[3]) / (100 if found[4] else 1))
            for found in _CONDITION.finditer(text)
        )
        words = _CONDITION.sub(" ", text).lower().split()
        kinds = tuple(word for word in words if word in (*KINDS, STARRED))
        return cls(" ".join(word for word in words if word not in kinds), conditions, kinds)

    def left(self, known: Known) -> Iterator[int]:
        """The units for which all conditions hold; none where a condition needs a survey and there is none."""
        facts, marks = known.facts, known.marks
        keep = [True] * known.layer.units
        for name, sign, bound in self.conditions:
            compare = _COMPARE[sign]
            values = [] if facts is None else getattr(facts.table, name).tolist()
            # Comparisons with NaN are false.
            keep = [kept and compare(value, bound) for kept, value in zip(keep, values, strict=False)]
        for kind in self.kinds:
            if kind == STARRED:
                keep = [kept and unit in marks and marks[unit].starred for unit, kept in enumerate(keep)]
            else:
                which = [] if facts is None else getattr(facts.overview, kind).tolist()
                keep = [kept and own for kept, own in zip(keep, which, strict=False)]
        return (unit for unit, kept in enumerate(keep) if kept)
