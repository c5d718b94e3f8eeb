"""The units of a layer as a Qt model."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QMimeData, QModelIndex, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QIcon, QImage
from typing_extensions import override

from clipdesk.gui.item_models.conditions import Filter
from clipdesk.gui.item_models.neuron_order import found_by, in_order
from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.item_models.unit_columns import (
    COLUMNS,
    THUMBNAIL,
    Column,
    Known,
    UnitState,
    column_of,
    picture_icon,
)
from clipdesk.gui.plain import plain_tip
from clipdesk.render.targets import Target, Unit

if TYPE_CHECKING:
    from clipdesk.gui.surveys.data import LayerFacts
    from clipdesk.marks.mark import Mark
    from clipdesk.network.layers import LayerInfo

TARGETS_MIME = "application/x-clipdesk-targets+json"
_NOTHING = UnitState("")
_PHOTOS = 600
"""Photos that stay in memory: 4 kB each."""


class NeuronTableModel(QAbstractTableModel):
    """Units of the chosen layer with their states; the states of other layers are kept.

    Sorts and filters by itself: a proxy model, which asks for every cell, takes seconds for 50,000 units.

    Signals:
        outdated: States have changed so that other units may be shown, or in another order; `rearrange` sees to it.
        noted: A `Unit`, and its state in this session.
        photos_wanted: Indices of the survey's pictures whose thumbnails are shown where nothing was rendered: all that
            have not come, those that were seen last first.
    """

    outdated = Signal()
    noted = Signal(object, object)
    photos_wanted = Signal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layer: LayerInfo | None = None
        # By layer, of the units that have a state.
        self._states: defaultdict[str, dict[int, UnitState]] = defaultdict(dict)
        # The status of units now, by layer, where it differs from that in their state.
        self._now: defaultdict[str, dict[int, str]] = defaultdict(dict)
        self._units: list[int] = []
        self._rows: dict[int, int] = {}
        self._filter = Filter("")
        self._facts: LayerFacts | None = None
        self._marks: Mapping[int, Mark] = {}
        # Of the survey's pictures that are seen; None where there is none, or none yet.
        self._photos: dict[int, QIcon | None] = {}
        # Those that have not come: still to be asked for, and asked for.
        self._missing: list[int] = []
        self._awaited: list[int] = []
        self._asker = QTimer(self, interval=0, singleShot=True)
        self._asker.timeout.connect(self._ask_photos)
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
        self._facts, self._marks = None, {}
        self._forget_photos()
        self._arrange()
        self.endResetModel()

    def set_filter(self, text: str) -> None:
        """Show only units whose number, word or status contains a text, or the one unit that it names.

        Conditions such as ``density<1%``, ``dead`` or ``starred`` hold beside the text.
        """
        self.beginResetModel()
        self._filter = Filter.read(text)
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

    def rearrange(self) -> None:
        """Show the units that are to be shown by now, in their order."""
        if self._layer is not None and self._arranged(self._layer) != self._units:
            self.beginResetModel()
            self._arrange()
            self.endResetModel()

    def _arrange(self) -> None:
        """Find out which units are shown, and in which order."""
        self._units = [] if self._layer is None else self._arranged(self._layer)
        self._rows = {unit: row for row, unit in enumerate(self._units)}

    def _arranged(self, layer: LayerInfo) -> list[int]:
        # Lists of all units' values, not a call for each row: with 50,000 of them that is a stall.
        place, order = self._sorted_by
        values, backwards = COLUMNS[place].values, order is Qt.SortOrder.DescendingOrder
        known, asked = self._known(layer), self._filter
        all_shown = not asked.words and self._wanted is None
        states = {} if all_shown and values is None else self._current(layer)
        units: Iterable[int] = self._found(layer, known) if asked.words else range(layer.units)
        if asked.conditions or asked.kinds:
            left = set(asked.left(known))
            units = [unit for unit in units if unit in left]
        if self._wanted is not None:
            units = [unit for unit in units if self._is_wanted(states.get(unit, _NOTHING).status)]
        if values is None:
            return sorted(units, reverse=backwards)
        return in_order(units, values(known, states), falling=backwards)

    def _known(self, layer: LayerInfo) -> Known:
        return Known(layer, lambda unit: self.state(layer.name, unit), self._facts, self._marks)

    def _is_wanted(self, status: str) -> bool:
        return status.startswith(self._wanted) if self._wanted else not status

    def _found(self, layer: LayerInfo, known: Known) -> list[int]:
        """The units that the words of the filter leave."""
        all_units = range(layer.units)
        cells = [[str(column.text(known, unit)) for unit in all_units] for column in COLUMNS if column.searched]
        if self._marks:
            cells.append([self._marks[unit].words if unit in self._marks else "" for unit in all_units])
        return found_by(self._filter.words, layer, cells)

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

    def show_facts(self, layer: str, facts: LayerFacts | None) -> None:
        """Show what a survey says of a layer's units; of another layer than the one that is shown nothing is kept."""
        if self._layer is not None and self._layer.name == layer:
            self.beginResetModel()
            fits = facts is not None and len(facts.tops) == self._layer.units
            self._facts = facts if fits else None
            self._forget_photos()
            self._arrange()
            self.endResetModel()

    @property
    def surveyed(self) -> bool:
        """Whether a survey's columns are shown."""
        return self._facts is not None

    def show_marks(self, marks: Mapping[int, Mark]) -> None:
        """Show what the user says of the layer's units."""
        self._marks = marks
        self._changed(range(0 if self._layer is None else self._layer.units))

    def add_photos(self, images: Mapping[int, QImage]) -> None:
        """Take thumbnails of a survey's pictures by index, of those that were asked for."""
        found = {picture: image for picture, image in images.items() if picture in self._photos}
        for picture, image in found.items():
            smooth = Qt.TransformationMode.SmoothTransformation
            self._photos[picture] = None if image.isNull() else picture_icon(image.scaledToWidth(THUMBNAIL, smooth))
        self._awaited = [picture for picture in self._awaited if picture not in found]
        if found and self._units:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._units) - 1, 0))

    def _photo(self, unit: int) -> QIcon | None:
        """The survey's picture that excites a unit most; asked for, where it is not there yet."""
        picture = -1 if self._facts is None else int(self._facts.tops[unit])
        if picture >= 0 and picture not in self._photos:
            if len(self._photos) > _PHOTOS:
                self._forget_photos()
            self._photos[picture] = None
            self._missing.append(picture)
            self._asker.start()
        return self._photos.get(picture)

    def _ask_photos(self) -> None:
        # Who is asked gives up what was asked for before: behind what was seen last, it is asked for again.
        self._awaited = [*self._missing, *self._awaited]
        self._missing = []
        self.photos_wanted.emit(list(self._awaited))

    def _forget_photos(self) -> None:
        self._photos, self._missing, self._awaited = {}, [], []

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
        if units and (
            COLUMNS[self._sorted_by[0]].values is not None or self._filter != Filter("") or self._wanted is not None
        ):
            self.outdated.emit()
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
        known = self._known(self._layer)
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(known, unit)
        if role == Qt.ItemDataRole.DecorationRole and column.icon is not None:
            found = column.icon(known, unit)
            return self._photo(unit) if found is None and column.key == "picture" else found
        if role == Qt.ItemDataRole.ToolTipRole:
            said = self._marks[unit].note if unit in self._marks else ""
            return plain_tip("\n".join(each for each in (known.state(unit).reason, said) if each)) or None
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
