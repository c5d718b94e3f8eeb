"""The units that have changed, as a table that can be sorted. Words and photos of the rows that are seen come later."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from PySide6.QtCore import QAbstractTableModel, QObject, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QImage, QPalette
from typing_extensions import override

from clipdesk.gui.comparisons.data import Changed
from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.plain import plain_tip
from clipdesk.gui.surveys.data import Word

Words = tuple[Word | None, Word | None]
"""The first word of a unit in A and in B."""
Photos = tuple[QImage, QImage]
"""The image that excites a unit most in A and in B, small; an empty one for none."""


class _Column(NamedTuple):
    tip: str
    value: Callable[[Changed], float | str] | None


_COLUMNS: dict[str, _Column] = {
    "Unit": _Column(
        "Layer and index; after = the unit of B that it is compared with, where that is another", lambda row: row.name
    ),
    "Drift": _Column("1 - correlation of its activations in A and in B", lambda row: row.drift),
    "Moved": _Column(
        "Standard deviation of the difference, in the layer's median standard deviations", lambda row: row.moved
    ),
    "In A": _Column("The image that excites it most in A, and its first word there; grey ones are weak", None),
    "In B": _Column("The same in B; bold where the word is another", None),
    "Weights": _Column("Length of the change of its weights, as a share of A's", lambda row: row.weights),
    "Density": _Column(
        "By how much the share of pictures has grown in which it is above zero", lambda row: row.density
    ),
    "Top": _Column("Share of A's 20 top pictures that are not among B's", lambda row: row.top),
    "": _Column("What is to be said of it", lambda row: row.note),
}
_NAMES = tuple(_COLUMNS)
SIDES = (_NAMES.index("In A"), _NAMES.index("In B"))
"""The columns with a word and a photo."""
_ORDERS = {
    **{name: name.lower() for name in ("Drift", "Moved", "Weights", "Density", "Top")},
    "In A": "word in A",
    "In B": "word in B",
}
_Role = Qt.ItemDataRole


class ChangedModel(QAbstractTableModel):
    """Rows of `Changed`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Changed] = []
        self._words: dict[int, Words] = {}
        self._photos: dict[int, Photos] = {}
        self._bold = QFont()
        self._bold.setBold(True)

    def show(self, rows: Sequence[Changed]) -> None:
        """Show other units."""
        self.beginResetModel()
        self.rows = list(rows)
        self._words, self._photos = {}, {}
        self.endResetModel()

    def add_words(self, words: Mapping[int, Words]) -> None:
        """Take first words, by the places of their units."""
        self._words.update(words)
        self._changed(words)

    def add_photos(self, photos: Mapping[int, Photos]) -> None:
        """Take photos, by the places of their units."""
        self._photos.update(photos)
        self._changed(photos)

    def words_of(self, place: int) -> Words | None:
        """The first words of a unit; None where they are not known yet."""
        return self._words.get(place)

    def without_words(self, count: int) -> list[int]:
        """The places of the first units of the table whose words are not known yet."""
        lacking = (row.place for row in self.rows if row.place not in self._words)
        return [place for place, _ in zip(lacking, range(count), strict=False)]

    def without_photos(self, places: Sequence[int]) -> list[int]:
        """Those of some units whose photos are not known yet."""
        return [place for place in places if place not in self._photos]

    def _changed(self, places: Mapping[int, object]) -> None:
        rows = [at for at, row in enumerate(self.rows) if row.place in places]
        if rows:
            self.dataChanged.emit(self.index(rows[0], SIDES[0]), self.index(rows[-1], SIDES[1]))

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    @override
    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(_COLUMNS)

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        name = _NAMES[section]
        return {_Role.DisplayRole: name, _Role.ToolTipRole: _COLUMNS[name].tip}.get(_Role(role))

    @override
    def data(self, index: Index, role: int = _Role.DisplayRole) -> object:
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        if index.column() in SIDES:
            return self._of_side(row.place, SIDES.index(index.column()), _Role(role))
        value = self._value(row, index.column())
        if role == _Role.ToolTipRole and isinstance(value, str):
            return plain_tip(value)
        if role == _Role.TextAlignmentRole and not isinstance(value, str):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != _Role.DisplayRole:
            return None
        if isinstance(value, str):
            return value
        return f"{value:.3f}" if math.isfinite(value) else ""

    def _of_side(self, place: int, side: int, role: Qt.ItemDataRole) -> object:
        """A unit's word and photo in one of the models."""
        if role is _Role.DecorationRole:
            photos = self._photos.get(place)
            return None if photos is None or photos[side].isNull() else photos[side]
        words = self._words.get(place)
        word = None if words is None else words[side]
        if words is None or word is None:
            return None
        other = side == 1 and has_changed(words)
        if role is _Role.DisplayRole:
            return word.concept
        if role is _Role.FontRole and other:
            return self._bold
        if role is _Role.ForegroundRole and word.weak:
            return _faint()
        if role in (_Role.ToolTipRole, _Role.AccessibleTextRole):
            said = f"{word.concept} {word.score}" + (", weak" if word.weak else "") + (", another" if other else "")
            return plain_tip(said) if role is _Role.ToolTipRole else said
        return None

    def _value(self, row: Changed, column: int) -> float | str:
        """What a row is sorted by in a column."""
        found = _COLUMNS[_NAMES[column]].value
        if found is not None:
            return found(row)
        words = self._words.get(row.place)
        word = None if words is None else words[SIDES.index(column)]
        return "" if word is None else word.concept

    @override
    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; what is not known comes last. A negative column brings the first order back."""
        self.layoutAboutToBeChanged.emit()
        down = order is Qt.SortOrder.DescendingOrder
        rows = sorted(self.rows, key=lambda row: row.place)
        known: list[tuple[float | str, Changed]] = []
        rest: list[Changed] = []
        for row in rows:
            value = self._value(row, column) if column >= 0 else ""
            if _says(value):
                known.append((value, row))
            else:
                rest.append(row)
        known.sort(key=lambda each: each[0], reverse=down)
        self.rows = [*(row for _, row in known), *rest]
        self.layoutChanged.emit()

    def orders(self) -> dict[int, str]:
        """What units can be sorted by, by the place of its column."""
        return {_NAMES.index(name): said for name, said in _ORDERS.items() if not self.empty(_NAMES.index(name))}

    def empty(self, column: int) -> bool:
        """Whether a column says nothing of any unit, and will not."""
        return column not in SIDES and not any(_says(self._value(row, column)) for row in self.rows)


def has_changed(words: Words) -> bool:
    """Whether a unit answers to another word in B, and not by chance in both."""
    first, second = words
    if first is None or second is None or (first.weak and second.weak):
        return False
    return first.concept != second.concept


def _says(value: float | str) -> bool:
    return bool(value) if isinstance(value, str) else math.isfinite(value)


def _faint() -> QColor:
    return QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText)
