"""The models that can be opened, as rows of a table, and the filter over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QSortFilterProxyModel, Qt
from typing_extensions import override

from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.plain import plain_tip
from clipdesk.models.listing import Listed
from clipdesk.models.names import parse_name, short_name

SORT_ROLE = Qt.ItemDataRole.UserRole + 1
COLUMNS = ("Model", "From", "Size", "Input", "Licence", "On this disk")

_HOME = Path.home()
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NUMBERS = (COLUMNS.index("Size"), COLUMNS.index("Input"))


class Choice(NamedTuple):
    """A model to choose.

    Attributes:
        model: The model.
        recent: Whether it stands on top because it was used lately.
    """

    model: Listed
    recent: bool = False

    @property
    def gone(self) -> bool:
        """Whether it was a file that is no longer there."""
        return self.model.family == "file" and self.model.place is None

    @property
    def where(self) -> str:
        """Where its file is, or that it will be downloaded or is gone, in words."""
        if self.gone:
            return "gone"
        place = self.model.place
        if place is None:
            return "will be downloaded"
        return f"~/{place.relative_to(_HOME).as_posix()}" if place.is_relative_to(_HOME) else str(place)


class ModelsModel(QAbstractTableModel):
    """A row for each choice; a file that is gone cannot be chosen."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.choices: list[Choice] = []

    def show_choices(self, choices: Sequence[Choice]) -> None:
        """Show other choices."""
        self.beginResetModel()
        self.choices = list(choices)
        self.endResetModel()

    def add(self, choices: Sequence[Choice]) -> None:
        """Show more choices, below."""
        first = len(self.choices)
        self.beginInsertRows(QModelIndex(), first, first + len(choices) - 1)
        self.choices += choices
        self.endInsertRows()

    def replace(self, row: int, choice: Choice) -> None:
        """Show a choice of which more is known now."""
        self.choices[row] = choice
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.choices)

    @override
    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags & ~Qt.ItemFlag.ItemIsEnabled if self.choices[index.row()].gone else flags

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        choice, column = self.choices[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _cells(choice)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip("\n".join(filter(None, (choice.model.name, choice.model.description, choice.where))))
        if role == Qt.ItemDataRole.TextAlignmentRole and column in _NUMBERS:
            return _RIGHT
        if role == SORT_ROLE:
            sizes = {_NUMBERS[0]: choice.model.megabytes, _NUMBERS[1]: choice.model.input_size}
            return (sizes[column] or 0) if column in sizes else _cells(choice)[column].casefold()
        return None

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section in _NUMBERS else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None


def _cells(choice: Choice) -> tuple[str, ...]:
    model = choice.model
    about = "" if model.exact else "about "
    return (
        short_name(parse_name(model.name)),
        f"{model.family}, recently used" if choice.recent else model.family,
        "" if model.megabytes is None else f"{about}{model.megabytes:,} MB",
        "" if model.input_size is None else f"{model.input_size} px",
        model.licence or ("see its page" if model.page else ""),
        choice.where,
    )


class ModelsFilter(QSortFilterProxyModel):
    """Shows only the choices that contain all words of the filter."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self.setSortRole(SORT_ROLE)

    def look_for(self, text: str) -> None:
        """Filter by words, in any order."""
        self._words = text.casefold().split()
        self.invalidate()

    @override
    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        source = self.sourceModel()
        if not self._words or not isinstance(source, ModelsModel):
            return True
        choice = source.choices[source_row]
        text = " ".join((*_cells(choice), choice.model.description)).casefold()
        return all(word in text for word in self._words)
