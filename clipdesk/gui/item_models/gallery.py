"""Finished pictures as a Qt model, searched and sorted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, Qt, QUrl
from PySide6.QtGui import QImage
from typing_extensions import override

from clipdesk.errors import one_line
from clipdesk.export.recipe import Outcome
from clipdesk.gui.images import badged, faded, unpacked
from clipdesk.gui.item_models.gallery_order import NEWEST, ORDERS, Search
from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.library import Entry
from clipdesk.gui.plain import plain_tip
from clipdesk.marks.keys import Key
from clipdesk.marks.mark import UNMARKED, Mark
from clipdesk.ranges import runs_of

ENTRY_ROLE = Qt.ItemDataRole.UserRole
MARK_ROLE = Qt.ItemDataRole.UserRole + 1
_MANY = 32
"""With more changes than this, views lay out everything once instead of once for each."""


class GalleryModel(QAbstractListModel):
    """Entries that a search finds, in an order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # Oldest first, and in the order's direction, as `bisect` wants them.
        self._all: list[Entry] = []
        self._shown: list[Entry] = []
        self._paths: dict[Path, Entry] = {}
        self._search = Search("")
        self._order = ORDERS[NEWEST]
        self._marks: dict[Key, Mark] = {}
        self._workers: dict[Entry, str] = {}

    def add(self, entries: Sequence[Entry]) -> None:
        """Add entries that are not there yet; one whose file has been replaced by a later picture takes its place."""
        new = sorted({e.path: e for e in entries if self._is_news(e)}.values(), key=_date)
        for entry in new:
            if entry.path in self._paths:
                self.remove(self._paths[entry.path])
        for entry in new:
            insort(self._all, entry, key=_date)
        self._paths.update((entry.path, entry) for entry in new)
        self._insert(sorted(filter(self._finds, new), key=self._order.key))

    def _is_news(self, entry: Entry) -> bool:
        known = self._paths.get(entry.path)
        return known is None or _date(entry) > _date(known)

    def _insert(self, entries: list[Entry]) -> None:
        """Show entries, in the order of their keys; neighbours are inserted together."""
        key = self._order.key
        while entries:
            place = bisect_right(self._shown, key(entries[0]), key=key)
            later = self._shown[place : place + 1]
            count = bisect_left(entries, key(later[0]), key=key) if later else len(entries)
            row = len(self._shown) - place if self._order.falling else place
            self.beginInsertRows(QModelIndex(), row, row + count - 1)
            self._shown[place:place] = entries[:count]
            self.endInsertRows()
            entries = entries[count:]

    def remove(self, entry: Entry) -> None:
        """Take out an entry."""
        self._all.remove(entry)
        del self._paths[entry.path]
        self._workers.pop(entry, None)
        self._hide(entry)

    def _hide(self, entry: Entry) -> None:
        index = self.index_of(entry)
        if index.isValid():
            self.beginRemoveRows(QModelIndex(), index.row(), index.row())
            self._shown.remove(entry)
            self.endRemoveRows()

    def clear(self) -> None:
        """Take out everything, as when another folder is shown."""
        self.beginResetModel()
        self._all, self._shown = [], []
        self._paths.clear()
        self._workers.clear()
        self.endResetModel()

    def arrange(self, search: str, order: str, starred: bool = False) -> None:
        """Show what a search finds, in an order.

        Args:
            search: Words that all have to be there; empty for everything.
            order: A name of `ORDERS`.
            starred: Whether only pictures with a star are shown.
        """
        self._search, self._order = Search(search, starred), ORDERS[order]
        self._show_anew()

    def _show_anew(self) -> None:
        self.beginResetModel()
        self._shown = sorted(filter(self._finds, self._all), key=self._order.key)
        self.endResetModel()

    def _finds(self, entry: Entry) -> bool:
        return self._search.finds(entry, [self.mark_of(key) for key in entry.marked])

    def mark_of(self, key: Key) -> Mark:
        """What a person says of a picture or a unit."""
        return self._marks.get(key, UNMARKED)

    def show_marks(self, marks: Mapping[Key, Mark]) -> None:
        """Show marks that are new; those of other pictures and units stay as they are."""
        self._marks.update(marks)
        touched = [entry for entry in self._all if any(key in marks for key in entry.marked)]
        shown = set(self._shown)
        coming = [entry for entry in touched if entry not in shown and self._finds(entry)]
        leaving = [entry for entry in touched if entry in shown and not self._finds(entry)]
        if len(coming) + len(leaving) > _MANY:
            self._show_anew()
            return
        for entry in leaving:
            self._hide(entry)
        self._insert(sorted(coming, key=self._order.key))
        for first, last in runs_of(self.rows_of(touched)):
            self.dataChanged.emit(self.index(first), self.index(last))

    def worker_of(self, entry: Entry) -> str:
        """The worker that rendered a picture, in words; empty where it is not known, or no worker did."""
        return self._workers.get(entry, "")

    def show_worker(self, entry: Entry, words: str) -> None:
        """Show which worker rendered a picture, if it is still there."""
        if self.has(entry):
            self._workers[entry] = words

    def has(self, entry: Entry) -> bool:
        """Whether an entry is there, shown or not; one whose file has been replaced or deleted is not."""
        return self._paths.get(entry.path) is entry

    @property
    def total(self) -> int:
        """How many entries there are, shown or not."""
        return len(self._all)

    @property
    def all(self) -> list[Entry]:
        """All entries, newest first."""
        return self._all[::-1]

    @property
    def shown(self) -> list[Entry]:
        """The entries that the search finds, in their order."""
        return self._shown[::-1] if self._order.falling else list(self._shown)

    def index_of(self, entry: Entry) -> QModelIndex:
        """Where an entry is shown."""
        rows = self.rows_of([entry])
        return self.index(rows[0]) if rows else QModelIndex()

    def rows_of(self, entries: Collection[Entry]) -> list[int]:
        """The rows of these entries, as far as they are shown, from above to below."""
        wanted = set(entries)
        return [row for row, entry in enumerate(self.shown) if entry in wanted]

    def between(self, runs: Iterable[tuple[int, int]]) -> list[Entry]:
        """The entries of runs of rows, each with its first and last one, from above to below."""
        shown = self.shown
        return [entry for first, last in sorted(runs) for entry in shown[first : last + 1]]

    def _entry(self, row: int) -> Entry:
        return self._shown[-1 - row if self._order.falling else row]

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        entry = self._entry(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.label
        if role == Qt.ItemDataRole.DecorationRole:
            return _marked(entry)
        if role == Qt.ItemDataRole.ToolTipRole:
            words, worker = entry.recipe.outcome_in_words, self.worker_of(entry)
            by = f"\nRendered by {worker}" if worker else ""
            said = _said(self.mark_of(entry.picture_key))
            return plain_tip(f"{entry.label}: {words}\n{entry.recipe.model}\n{entry.path.name}{by}{said}")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            starred = ", starred" if self.mark_of(entry.picture_key).starred else ""
            return f"{entry.label}, {entry.recipe.outcome_in_words}{starred}"
        if role == ENTRY_ROLE:
            return entry
        if role == MARK_ROLE:
            return self.mark_of(entry.picture_key)
        return None

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else flags

    @override
    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    @override
    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(self._entry(index.row()).path)) for index in indexes])
        return data


def _marked(entry: Entry) -> QImage:
    """The small picture; one that is not done says so, and one that shows nothing has no colours."""
    image, recipe = unpacked(entry.thumbnail), entry.recipe
    if recipe.outcome is Outcome.DONE:
        return image
    return badged(image if recipe.outcome.useful else faded(image), recipe.outcome_in_words)


def _said(mark: Mark) -> str:
    """Lines for a tool tip."""
    lines = [", ".join(mark.tags), one_line(mark.note.partition("\n")[0])]
    return "".join(f"\n{line}" for line in lines if line)


def _date(entry: Entry) -> str:
    return entry.recipe.date
