"""The units that have changed, as a table that can be sorted."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt
from typing_extensions import override

from clipdesk.gui.comparisons.data import Changed
from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.plain import plain_tip

_COLUMNS = {
    "Unit": "Layer and index; after = the unit of B that it is compared with, where that is another",
    "Drift": "1 - correlation of its activations in A and in B",
    "Moved": "Standard deviation of the difference, in the layer's median standard deviations",
    "Weights": "Length of the change of its weights, as a share of A's",
    "Density": "By how much the share of pictures has grown in which it is above zero",
    "Top": "Share of A's 20 top pictures that are not among B's",
    "": "What is to be said of it",
}

_NUMBERS = ("Drift", "Moved", "Weights", "Density", "Top")


class ChangedModel(QAbstractTableModel):
    """Rows of `Changed`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Changed] = []

    def show(self, rows: Sequence[Changed]) -> None:
        """Show other units."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    @override
    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(_COLUMNS)

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        name, tip = list(_COLUMNS.items())[section]
        return {Qt.ItemDataRole.DisplayRole: name, Qt.ItemDataRole.ToolTipRole: tip}.get(Qt.ItemDataRole(role))

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        value = self.rows[index.row()][1 + index.column()]
        if role == Qt.ItemDataRole.ToolTipRole and isinstance(value, str):
            return plain_tip(value)
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if isinstance(value, str):
            return value
        return f"{value:.3f}" if math.isfinite(value) else ""

    @override
    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; what is not known comes last. A negative column brings the first order back."""
        self.layoutAboutToBeChanged.emit()
        down = order is Qt.SortOrder.DescendingOrder
        rows = sorted(self.rows, key=lambda row: row.place)
        known: list[Changed] = []
        rest: list[Changed] = []
        for row in rows:
            (known if column >= 0 and self._says(row, column) else rest).append(row)
        self.rows = [*sorted(known, key=lambda row: row[1 + column], reverse=down), *rest]
        self.layoutChanged.emit()

    @staticmethod
    def numbers() -> dict[int, str]:
        """The columns of numbers, by their place."""
        return {at: name for at, name in enumerate(_COLUMNS) if name in _NUMBERS}

    def empty(self, column: int) -> bool:
        """Whether a column says nothing of any unit."""
        return not any(self._says(row, column) for row in self.rows)

    @staticmethod
    def _says(row: Changed, column: int) -> bool:
        value = row[1 + column]
        return bool(value) if isinstance(value, str) else math.isfinite(value)
