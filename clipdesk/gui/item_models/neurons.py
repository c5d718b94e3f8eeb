"""The units of a layer as a Qt model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from typing_extensions import override

if TYPE_CHECKING:
    from clipdesk.inspector import LayerInfo

Index = QModelIndex | QPersistentModelIndex

_NO_PARENT = QModelIndex()

COLUMNS = ("Index", "Name", "Activation", "Status")


@dataclass(frozen=True)
class UnitState:
    """What has become of a unit: a word, and the activation reached."""

    status: str
    activation: float | None = None
    reason: str = ""


class NeuronTableModel(QAbstractTableModel):
    """Units of the chosen layer: index, name, activation reached, status. What was reached is kept for every layer."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layer: LayerInfo | None = None
        self._states: dict[tuple[str, int], UnitState] = {}

    @property
    def layer(self) -> LayerInfo | None:
        """The layer whose units are shown."""
        return self._layer

    def set_layer(self, layer: LayerInfo | None) -> None:
        """Show a layer's units, or none."""
        self.beginResetModel()
        self._layer = layer
        self.endResetModel()

    def forget(self) -> None:
        """Forget all states, as when another model was opened."""
        self.beginResetModel()
        self._states.clear()
        self.endResetModel()

    def set_state(self, layer: str, unit: int, state: UnitState) -> None:
        """Note what has become of a unit."""
        self._states[layer, unit] = state
        if self._layer is not None and self._layer.name == layer:
            self.dataChanged.emit(self.index(unit, 2), self.index(unit, 3))

    @override
    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        return 0 if parent.isValid() or self._layer is None else self._layer.units

    @override
    def columnCount(self, parent: Index = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return COLUMNS[section]
        return None

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._layer is None or not index.isValid():
            return None
        row, column = index.row(), index.column()
        state = self._states.get((self._layer.name, row))
        if role == Qt.ItemDataRole.DisplayRole:
            activation = "" if state is None or state.activation is None else f"{state.activation:.3f}"
            status = "" if state is None else state.status
            return (row, f"{self._layer.unit_kind} {row}", activation, status)[column]
        if role == Qt.ItemDataRole.ToolTipRole and state is not None and state.reason:
            return state.reason
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (0, 2):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None
