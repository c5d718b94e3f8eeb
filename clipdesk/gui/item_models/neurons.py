"""The units of a layer as a Qt model."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QAbstractTableModel, QMimeData, QModelIndex, QObject, QSize, Qt
from PySide6.QtGui import QIcon, QPixmap
from typing_extensions import override

from clipdesk.gui.images import unpacked
from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.render.targets import Target, Unit

if TYPE_CHECKING:
    from clipdesk.network.layers import LayerInfo

T = TypeVar("T")


COLUMNS = ("", "Index", "Name", "Activation", "Status", "Steps")
PICTURE, INDEX, NAME, ACTIVATION, STATUS, STEPS = range(len(COLUMNS))
TARGETS_MIME = "application/x-clipdesk-targets+json"
THUMBNAIL = 32


@dataclass(frozen=True)
class UnitState:
    """What has become of a unit: a word, the activation reached, the steps done, and a small picture.

    Attributes:
        thumbnail: The small picture as `clipdesk.gui.images.packed` makes it: there may be thousands.
    """

    status: str
    activation: float | None = None
    steps: int | None = None
    reason: str = ""
    thumbnail: bytes = b""


_NOTHING = UnitState("")


class NeuronTableModel(QAbstractTableModel):
    """Units of the chosen layer with what was reached; that is kept for every layer.

    Sorts and filters by itself: a proxy model, which asks for every cell, takes seconds for 50,000 units.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layer: LayerInfo | None = None
        # By layer, of units that something was reached of.
        self._states: defaultdict[str, dict[int, UnitState]] = defaultdict(dict)
        # What units are at now, by layer, where it is other than their states say.
        self._now: defaultdict[str, dict[int, str]] = defaultdict(dict)
        self._units: list[int] = []
        self._rows: dict[int, int] = {}
        self._words = ""
        self._sorted_by = INDEX, Qt.SortOrder.AscendingOrder

    @property
    def layer(self) -> LayerInfo | None:
        """The layer whose units are shown."""
        return self._layer

    def set_layer(self, layer: LayerInfo | None) -> None:
        """Show a layer's units, or none."""
        self.beginResetModel()
        self._layer = layer
        self._arrange()
        self.endResetModel()

    def set_filter(self, text: str) -> None:
        """Show only units whose number, name or status contains a text."""
        self.beginResetModel()
        self._words = text.strip().lower()
        self._arrange()
        self.endResetModel()

    def unit_at(self, row: int) -> int:
        """The unit in a row."""
        return self._units[row]

    def row_of(self, unit: int) -> int | None:
        """The row of a unit; None where it is filtered out."""
        return self._rows.get(unit)

    def _arrange(self) -> None:
        """Work out which units are shown, and in which order."""
        self._units = [] if self._layer is None else self._arranged(self._layer)
        self._rows = {unit: row for row, unit in enumerate(self._units)}

    def _arranged(self, layer: LayerInfo) -> list[int]:
        # A list of all rows' values, not a call for each row: with 50,000 of them that is a stall.
        units: Iterable[int] = range(layer.units)
        if self._words:
            words, kind, statuses = self._words, layer.unit_kind.lower(), self._statuses(layer)
            units = [unit for unit in units if words in f"{kind} {unit} {statuses[unit].lower()}"]
        column, order = self._sorted_by
        backwards = order is Qt.SortOrder.DescendingOrder
        if column == STATUS:
            return sorted(units, key=self._statuses(layer).__getitem__, reverse=backwards)
        if column in (PICTURE, ACTIVATION, STEPS):
            return sorted(units, key=self._values(layer, column).__getitem__, reverse=backwards)
        return sorted(units, reverse=backwards)

    def _statuses(self, layer: LayerInfo) -> list[str]:
        """What each unit is at."""
        words = [""] * layer.units
        _fill(words, {unit: state.status for unit, state in self._states[layer.name].items()})
        _fill(words, self._now[layer.name])
        return words

    def _values(self, layer: LayerInfo, column: int) -> list[float]:
        """What each unit's number in a column is sorted by; those without one are below all others."""
        values = [-math.inf] * layer.units
        found = {unit: _value(state, column) for unit, state in self._states[layer.name].items()}
        _fill(values, {unit: value for unit, value in found.items() if value is not None})
        return values

    @override
    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        # A reset, not a change of layout: for that Qt remembers every single selected cell, which takes seconds.
        self.beginResetModel()
        self._sorted_by = column, order
        self._arrange()
        self.endResetModel()

    def forget(self) -> None:
        """Forget all states, as when another model was opened."""
        self.beginResetModel()
        self._states.clear()
        self._now.clear()
        self.endResetModel()

    def state(self, layer: str, unit: int) -> UnitState:
        """What has become of a unit."""
        state = self._states[layer].get(unit, _NOTHING)
        now = self._now[layer].get(unit)
        return state if now is None else replace(state, status=now, reason="")

    def set_status(self, units: Iterable[Unit], status: str) -> None:
        """Note what units are at now; what was reached before stays."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for unit in units:
            found[unit.layer].append(unit.index)
        for layer, indices in found.items():
            self._now[layer].update(dict.fromkeys(indices, status))
        if self._layer is not None:
            self._changed(found[self._layer.name])

    def set_state(self, unit: Unit, state: UnitState) -> None:
        """Note what has become of a unit."""
        self._states[unit.layer][unit.index] = state
        self._now[unit.layer].pop(unit.index, None)
        if self._layer is not None and self._layer.name == unit.layer:
            self._changed([unit.index])

    def set_found(self, layer: str, found: Mapping[int, UnitState]) -> None:
        """Note what was reached earlier of a layer's units; what is known of them already stays."""
        self._states[layer] = {**found, **self._states[layer]}
        if self._layer is not None and self._layer.name == layer:
            self._changed(list(found))

    def _changed(self, units: Sequence[int]) -> None:
        """Say that units of the layer that is shown have changed."""
        rows = [row for unit in units if (row := self._rows.get(unit)) is not None]
        if rows:
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), len(COLUMNS) - 1))

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._units)

    @override
    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return "Click to sort"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._layer is None or not index.isValid():
            return None
        unit, column = self._units[index.row()], index.column()
        state = self.state(self._layer.name, unit)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(unit, column, state)
        if role == Qt.ItemDataRole.DecorationRole and column == PICTURE:
            # An icon is drawn as large as the view's icons are to be, a picture as large as it is.
            return QIcon(QPixmap.fromImage(unpacked(state.thumbnail))) if state.thumbnail else None
        if role == Qt.ItemDataRole.ToolTipRole and state.reason:
            return state.reason
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.SizeHintRole and column == PICTURE:
            return QSize(THUMBNAIL + 6, THUMBNAIL + 2)
        return None

    def _text(self, unit: int, column: int, state: UnitState) -> object:
        if column == INDEX:
            return unit
        if column == NAME and self._layer is not None:
            return f"{self._layer.unit_kind} {unit}"
        if column == ACTIVATION:
            return "" if state.activation is None else f"{state.activation:.3f}"
        if column == STATUS:
            return state.status
        return str(state.steps) if column == STEPS and state.steps is not None else ""

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return (
            Qt.ItemFlag.ItemIsEnabled
            | Qt.ItemFlag.ItemIsSelectable
            | Qt.ItemFlag.ItemIsDragEnabled
            | Qt.ItemFlag.ItemNeverHasChildren
        )

    @override
    def mimeTypes(self) -> list[str]:
        return [TARGETS_MIME, "text/plain"]

    @override
    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        if self._layer is None:
            return data
        units = [
            Unit(layer=self._layer.name, index=unit) for unit in sorted({self._units[index.row()] for index in indexes})
        ]
        data.setData(TARGETS_MIME, json.dumps([unit.model_dump() for unit in units]).encode())
        data.setText("\n".join(unit.label for unit in units))
        return data


def targets_from(data: QMimeData) -> tuple[Target, ...]:
    """The targets that were dragged."""
    return tuple(Unit.model_validate(unit) for unit in json.loads(bytes(data.data(TARGETS_MIME).data())))


def _alignment(column: int) -> int:
    """Numbers to the right, the status in the middle, so that it stands clear of the number before it."""
    sideways = {NAME: Qt.AlignmentFlag.AlignLeft, STATUS: Qt.AlignmentFlag.AlignHCenter}
    return int(sideways.get(column, Qt.AlignmentFlag.AlignRight) | Qt.AlignmentFlag.AlignVCenter)


def _value(state: UnitState, column: int) -> float | None:
    """The number that a column of numbers is sorted by; None where there is none."""
    if column == PICTURE:
        return 1.0 if state.thumbnail else None
    return state.activation if column == ACTIVATION else state.steps


def _fill(values: list[T], found: Mapping[int, T]) -> None:
    """Put in what was found of units; another model's layer of the same name may have had more of them."""
    for unit, value in found.items():
        if unit < len(values):
            values[unit] = value
