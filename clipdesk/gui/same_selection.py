"""One selection for wall and table of neurons: Render and its estimate are about what is seen to be selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

if TYPE_CHECKING:
    from clipdesk.gui.panels.neurons import NeuronsPanel
    from clipdesk.gui.panels.wall import WallPanel

_PATIENCE_MS = 60
"""While the mouse draws a rectangle, what it selects changes with every move; the table follows when it rests."""


class SameSelection(QObject):
    """While the wall is in front, what is selected there is selected in the table, and the other way round.

    Args:
        wall: The wall.
        neurons: The table. Units that its filter hides stay selected on the wall.
    """

    def __init__(self, wall: WallPanel, neurons: NeuronsPanel) -> None:
        super().__init__(wall)
        self._wall = wall
        self._neurons = neurons
        self._in_front = self._from_wall = self._busy = False
        self._in_table: list[tuple[int, int]] = []
        self._timer = QTimer(self, interval=_PATIENCE_MS, singleShot=True)
        self._timer.timeout.connect(self._follow)
        wall.selection_changed.connect(self._wall_changed)
        neurons.selection_changed.connect(self._table_changed)

    def set_in_front(self, in_front: bool) -> None:
        """Hear whether the wall is seen. When it comes to the front, it follows the table."""
        if self._timer.isActive():
            self._timer.stop()
            self._follow()
        self._in_front = in_front
        if in_front:
            self._from_wall = False
            self._follow()

    @Slot()
    def _wall_changed(self) -> None:
        self._changed(from_wall=True)

    @Slot()
    def _table_changed(self) -> None:
        # The table tells of its selection, too, when it is filled anew and selects the same again.
        before, self._in_table = self._in_table, self._neurons.selected_runs()
        if self._in_table != before:
            self._changed(from_wall=False)

    def _changed(self, *, from_wall: bool) -> None:
        if self._in_front and not self._busy:
            self._from_wall = from_wall
            self._timer.start()

    def _follow(self) -> None:
        self._busy = True
        try:
            if self._from_wall:
                self._neurons.select_units(self._wall.view.selection.units, quietly=True)
            else:
                self._wall.select(
                    [unit for low, high in self._neurons.selected_runs() for unit in range(low, high + 1)]
                )
        finally:
            self._busy = False
