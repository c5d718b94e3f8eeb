"""Which units of the wall are selected, and where its cursor is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import floor


class Selection:
    """Selected units, the current one, and the one that a range begins at.

    It knows units and not places, so that all three stay when the order changes.

    Attributes:
        chosen: The selected units.
        current: The unit with the cursor; None on an empty wall.
        boxed: Whether a range is a rectangle, as on a map, or goes on from row to row.
    """

    def __init__(self) -> None:
        self.chosen: set[int] = set()
        self.current: int | None = None
        self.boxed = False
        self._anchor: int | None = None
        self._order: Sequence[int] = ()
        self._places: list[int] = []
        self._columns = 1

    def reset(self, units: int) -> None:
        """Begin anew with another layer."""
        self.chosen = set()
        self.current = self._anchor = 0 if units else None

    def arrange(self, order: Sequence[int], columns: int) -> None:
        """Hear where the units are."""
        self._order, self._columns = order, columns
        self._places = [0] * len(order)
        for place, unit in enumerate(order):
            self._places[unit] = place

    @property
    def units(self) -> list[int]:
        """The selected units, in the order of their index."""
        return sorted(self.chosen)

    def place_of(self, unit: int) -> int:
        """Where a unit is."""
        return self._places[unit]

    def choose(self, unit: int, *, toggle: bool = False, extend: bool = False) -> None:
        """Go to a unit, and select it alone.

        Args:
            unit: The unit.
            toggle: Select it beside the others, or no longer.
            extend: Select all from where the range begins.
        """
        if extend and self._anchor is not None:
            if not toggle:
                self.chosen = set()
            self.chosen.update(self._between(self._anchor, unit))
        elif toggle:
            self.chosen ^= {unit}
            self._anchor = unit
        else:
            self.chosen = {unit}
            self._anchor = unit
        self.current = unit

    def go_to(self, unit: int) -> None:
        """Move the cursor alone."""
        self.current = unit

    def choose_all(self, units: Iterable[int]) -> None:
        """Select these units and no others."""
        self.chosen = {unit for unit in units if 0 <= unit < len(self._order)}

    def choose_box(self, left: float, top: float, right: float, bottom: float, beside: Iterable[int] = ()) -> None:
        """Select the units of all cells that a rectangle touches.

        Args:
            left: In cells, as the others.
            top: Its upper edge.
            right: Its right edge.
            bottom: Its lower edge.
            beside: Units that are selected as well.
        """
        self.chosen = {*beside, *self._in_box(floor(left), floor(top), floor(right), floor(bottom))}

    def _between(self, first: int, last: int) -> Iterable[int]:
        start, end = self.place_of(first), self.place_of(last)
        if not self.boxed:
            return self._order[min(start, end) : max(start, end) + 1]
        (top, left), (bottom, right) = divmod(start, self._columns), divmod(end, self._columns)
        return self._in_box(min(left, right), min(top, bottom), max(left, right), max(top, bottom))

    def _in_box(self, left: int, top: int, right: int, bottom: int) -> Iterator[int]:
        last = -(-len(self._order) // self._columns) - 1
        for row in range(max(0, top), min(bottom, last) + 1):
            start = row * self._columns
            yield from self._order[start + max(0, left) : start + max(0, min(right, self._columns - 1) + 1)]
