"""The units of a layer as a Qt model."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QAbstractTableModel, QMimeData, QModelIndex, QObject, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from typing_extensions import override

from clipdesk.gui.images import faded, unpacked
from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.plain import plain_tip
from clipdesk.network.layer_names import full_layer, split_unit
from clipdesk.render.targets import Target, Unit

if TYPE_CHECKING:
    from pathlib import Path

    from clipdesk.export.recipe import Recipe
    from clipdesk.network.layers import LayerInfo

TARGETS_MIME = "application/x-clipdesk-targets+json"
THUMBNAIL = 32


class UnitState(NamedTuple):
    """What the table shows of a unit: a word, the activation that was reached, the steps done, and a small picture.

    Attributes:
        thumbnail: The small picture as `clipdesk.gui.images.packed` makes it: there may be thousands.
        faded: Whether the picture shows nothing of the unit, so that it is drawn without colours.
        path: The picture's file; None where it is not known.
    """

    status: str
    activation: float | None = None
    steps: int | None = None
    reason: str = ""
    thumbnail: bytes = b""
    faded: bool = False
    path: Path | None = None

    @classmethod
    def of(cls, recipe: Recipe, thumbnail: bytes, path: Path | None = None) -> UnitState:
        """The state of a unit whose picture has ended."""
        activation, faded = recipe.activation.picture, not recipe.outcome.useful
        return cls(recipe.outcome_in_words, activation, recipe.steps, "", thumbnail, faded, path)

    def at(self, status: str) -> UnitState:
        """The same picture of a unit that has another status now; the reason of the old one goes."""
        return UnitState(status, self.activation, self.steps, "", self.thumbnail)


_NOTHING = UnitState("")
_RIGHT, _LEFT, _MIDDLE = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter


@dataclass(frozen=True)
class Column:
    """A column of the table. Whoever adds one adds it to `COLUMNS`; the table and its header follow.

    Attributes:
        key: What code calls it.
        title: What the header says.
        tooltip: What it shows, for the header.
        text: What a cell says, for a layer, the index of a unit and the unit's state.
        sort: What a unit is sorted by, from its state; None to sort by the unit's index.
        icon: A small picture for a cell; None in a column of text.
        searched: Whether the filter looks into it.
        alignment: Where its text stands.
        width: The width that it should have, in letters.
        least: The width below which it cannot be read, in letters.
        takes_rest: Whether it gets the width that the others leave; one column does.
    """

    key: str
    title: str
    tooltip: str
    text: Callable[[LayerInfo, int, UnitState], str | int]
    sort: Callable[[UnitState], float | str] | None = None
    icon: Callable[[UnitState], QIcon | None] | None = None
    searched: bool = False
    alignment: Qt.AlignmentFlag = _RIGHT
    width: int = 0
    least: int = 0
    takes_rest: bool = False


def _number(value: float | None) -> float:
    """A number to sort by; units without one come below all others."""
    return -math.inf if value is None else value


def _icon(state: UnitState) -> QIcon | None:
    # An icon is drawn as large as the view's icons are to be, a picture as large as it is.
    if not state.thumbnail:
        return None
    image = unpacked(state.thumbnail)
    return QIcon(QPixmap.fromImage(faded(image) if state.faded else image))


COLUMNS = (
    Column(
        "picture",
        "",
        "The newest picture",
        text=lambda layer, unit, state: "",
        sort=lambda state: bool(state.thumbnail),
        icon=_icon,
    ),
    Column("index", "Index", "The index of the unit in its layer", lambda layer, unit, state: unit, width=9, least=6),
    Column(
        "name",
        "Name",
        "The kind of unit and its index",
        text=lambda layer, unit, state: f"{layer.unit_kind} {unit}",
        searched=True,
        alignment=_LEFT,
        width=14,
        least=6,
    ),
    Column(
        "activation",
        "Activation",
        "The activation that the picture reached",
        text=lambda layer, unit, state: "" if state.activation is None else f"{state.activation:.3f}",
        sort=lambda state: _number(state.activation),
        width=13,
        least=8,
    ),
    Column(
        "status",
        "Status",
        "Whether it is waiting, rendering or done",
        text=lambda layer, unit, state: state.status,
        sort=lambda state: state.status,
        searched=True,
        # Clear of the number before it.
        alignment=_MIDDLE,
        least=13,
        # The one that may be long; numbers stay at the width of their header.
        takes_rest=True,
    ),
    Column(
        "steps",
        "Steps",
        "The number of steps that the picture took",
        text=lambda layer, unit, state: "" if state.steps is None else str(state.steps),
        sort=lambda state: _number(state.steps),
        width=7,
        least=5,
    ),
)


def column_of(key: str) -> int:
    """Where a column stands in the table.

    Raises:
        ValueError: there is no such column.
    """
    return [column.key for column in COLUMNS].index(key)


class NeuronTableModel(QAbstractTableModel):
    """Units of the chosen layer with their states; the states of other layers are kept.

    Sorts and filters by itself: a proxy model, which asks for every cell, takes seconds for 50,000 units.

    Signals:
        noted: A `Unit`, and its state in this session.
    """

    noted = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layer: LayerInfo | None = None
        # By layer, of the units that have a state.
        self._states: defaultdict[str, dict[int, UnitState]] = defaultdict(dict)
        # The status of units now, by layer, where it differs from that in their state.
        self._now: defaultdict[str, dict[int, str]] = defaultdict(dict)
        self._units: list[int] = []
        self._rows: dict[int, int] = {}
        self._words = ""
        self._wanted: str | None = None
        self._sorted_by = column_of("index"), Qt.SortOrder.AscendingOrder

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
        """Show only units whose number, name or status contains a text; or the one unit that it names."""
        self.beginResetModel()
        self._words = text.strip().lower()
        self._arrange()
        self.endResetModel()

    def set_wanted(self, status: str | None) -> None:
        """Show only units whose status begins so; with an empty text those that have none, with None all."""
        self.beginResetModel()
        self._wanted = status
        self._arrange()
        self.endResetModel()

    def unit_at(self, row: int) -> int:
        """The unit in a row."""
        return self._units[row]

    def row_of(self, unit: int) -> int | None:
        """The row of a unit; None if it is filtered out."""
        return self._rows.get(unit)

    def _arrange(self) -> None:
        """Find out which units are shown, and in which order."""
        self._units = [] if self._layer is None else self._arranged(self._layer)
        self._rows = {unit: row for row, unit in enumerate(self._units)}

    def _arranged(self, layer: LayerInfo) -> list[int]:
        # Lists of all units' values, not a call for each row: with 50,000 of them that is a stall.
        place, order = self._sorted_by
        sort, backwards = COLUMNS[place].sort, order is Qt.SortOrder.DescendingOrder
        all_shown = not self._words and self._wanted is None
        states = {} if all_shown and sort is None else self._current(layer)
        units: Iterable[int] = self._found(layer, states) if self._words else range(layer.units)
        if self._wanted is not None:
            units = [unit for unit in units if self._is_wanted(states.get(unit, _NOTHING).status)]
        if sort is None:
            return sorted(units, reverse=backwards)
        values = [sort(_NOTHING)] * layer.units
        for unit, state in states.items():
            values[unit] = sort(state)
        return sorted(units, key=values.__getitem__, reverse=backwards)

    def _is_wanted(self, status: str) -> bool:
        return status.startswith(self._wanted) if self._wanted else not status

    def _found(self, layer: LayerInfo, states: Mapping[int, UnitState]) -> list[int]:
        """The units that the filter leaves."""
        named = split_unit(self._words)
        if named is not None:
            # Another layer's unit is not here.
            same = full_layer(named[0], {layer.name.lower()}) == layer.name.lower()
            return [named[1]] if same and named[1] < layer.units else []
        searched = [column.text for column in COLUMNS if column.searched]
        texts = [
            [str(text(layer, unit, states.get(unit, _NOTHING))) for unit in range(layer.units)] for text in searched
        ]
        return [unit for unit, cells in enumerate(zip(*texts, strict=True)) if self._words in " ".join(cells).lower()]

    def _current(self, layer: LayerInfo) -> dict[int, UnitState]:
        """The states of a layer's units as they are shown; units without one are left out."""
        states, now = self._states[layer.name], self._now[layer.name]
        blank = {status: UnitState(status) for status in set(now.values())}
        current = {unit: blank[status] for unit, status in now.items()}
        current.update({unit: state.at(now[unit]) if unit in now else state for unit, state in states.items()})
        # Another model's layer of the same name may have had more units.
        return (
            current if max(current, default=0) < layer.units else {u: s for u, s in current.items() if u < layer.units}
        )

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
        """The state of a unit."""
        state = self._states[layer].get(unit, _NOTHING)
        now = self._now[layer].get(unit)
        return state if now is None else state.at(now)

    def set_status(self, units: Iterable[Unit], status: str) -> None:
        """Note the status of units; their pictures stay."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for unit in units:
            found[unit.layer].append(unit.index)
        for layer, indices in found.items():
            self._now[layer].update(dict.fromkeys(indices, status))
        if self._layer is not None:
            self._changed(found[self._layer.name])

    def set_state(self, unit: Unit, state: UnitState) -> None:
        """Note the state of a unit."""
        self._states[unit.layer][unit.index] = state
        self._now[unit.layer].pop(unit.index, None)
        self.noted.emit(unit, state)
        if self._layer is not None and self._layer.name == unit.layer:
            self._changed([unit.index])

    def set_found(self, layer: str, found: Mapping[int, UnitState]) -> None:
        """Note states from earlier sessions; states of this session stay."""
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
            return COLUMNS[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{COLUMNS[section].tooltip}. Click to sort"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(COLUMNS[section])
        return None

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._layer is None or not index.isValid():
            return None
        unit, column = self._units[index.row()], COLUMNS[index.column()]
        state = self.state(self._layer.name, unit)
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(self._layer, unit, state)
        if role == Qt.ItemDataRole.DecorationRole and column.icon is not None:
            return column.icon(state)
        if role == Qt.ItemDataRole.ToolTipRole and state.reason:
            return plain_tip(state.reason)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.SizeHintRole and column.icon is not None:
            return QSize(THUMBNAIL + 6, THUMBNAIL + 2)
        return None

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


def _alignment(column: Column) -> int:
    return int(column.alignment | Qt.AlignmentFlag.AlignVCenter)
