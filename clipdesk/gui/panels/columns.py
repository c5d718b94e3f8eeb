"""A header that keeps a view's columns readable, however narrow the view is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QWidget
from typing_extensions import override


class SharingHeader(QHeaderView):
    """Gives one column the width that the others leave; if too little is left, the others become narrower first.

    Qt's own stretched column becomes narrower first, until it cannot be read. If there is not even room for the least
    widths of all columns, the view scrolls. A column that the user drags keeps the width that it is given.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._taker = 0
        self._wanted: list[int] = []
        self._least: list[int] = []
        self._sharing = False
        self.setStretchLastSection(False)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.sectionResized.connect(self._resized)

    def share(self, taker: int, wanted: Sequence[int], least: Sequence[int]) -> None:
        """Share the width from now on; the model must have its columns already.

        Args:
            taker: The column that takes what is left.
            wanted: Width in pixels that each column should have; the taker's does not matter.
            least: Width in pixels below which each column cannot be read.
        """
        self._taker = taker
        self._wanted = list(wanted)
        self._least = list(least)
        self.setSectionResizeMode(taker, QHeaderView.ResizeMode.Fixed)
        self._share()

    def show_columns(self, shown: Sequence[bool]) -> None:
        """Show these columns alone; the one that takes the rest should be among them."""
        for column, visible in enumerate(shown):
            self.setSectionHidden(column, not visible)
        self._share()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share()

    def _share(self) -> None:
        others = [each for each in range(len(self._wanted)) if each != self._taker and not self.isSectionHidden(each)]
        # A column that the user made narrower than its least width stays so.
        least = {column: min(self._least[column], self._wanted[column]) for column in others}
        give = {column: self._wanted[column] - least[column] for column in others}
        spare = self.viewport().width() - self._least[self._taker] - sum(least.values()) if others else 0
        part = min(1.0, max(0, spare) / max(1, sum(give.values())))
        self._sharing = True
        for column in others:
            self.resizeSection(column, least[column] + int(part * give[column]))
        self._sharing = False
        self._fill()

    def _fill(self) -> None:
        """Give the taker what is left."""
        if self._wanted:
            rest = self.viewport().width() - self.length() + self.sectionSize(self._taker)
            self.resizeSection(self._taker, max(self._least[self._taker], rest))

    def _resized(self, column: int, _before: int, width: int) -> None:
        # Without columns: the model is only being set.
        if self._wanted and column != self._taker and not self._sharing:
            self._wanted[column] = width
            self._fill()
