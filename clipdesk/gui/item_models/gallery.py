"""Finished pictures as a Qt model, filtered by model, layer and preset."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, QUrl
from PySide6.QtGui import QImage
from typing_extensions import override

from clipdesk.gui.library import Entry
from clipdesk.render.presets import preset_of

Index = QModelIndex | QPersistentModelIndex

ENTRY_ROLE = Qt.ItemDataRole.UserRole
OTHER = "other settings"
_NO_PARENT = QModelIndex()
_UNPACKED = 256
"""Thumbnails ready to be drawn: more than fit on a screen."""


class GalleryModel(QAbstractListModel):
    """Entries, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: list[tuple[Entry, str]] = []
        self._shown: list[Entry] = []
        self._wanted: tuple[str, str, str] = ("", "", "")

    def add(self, entries: Sequence[Entry]) -> None:
        """Add entries that are not there yet."""
        known = {entry.path for entry, _ in self._all}
        new = [(entry, preset_name(entry)) for entry in entries if entry.path not in known]
        if not new:
            return
        self.beginResetModel()
        self._all = sorted([*new, *self._all], key=lambda pair: pair[0].recipe.date, reverse=True)
        self._filter()
        self.endResetModel()

    def remove(self, entry: Entry) -> None:
        """Take out an entry."""
        self.beginResetModel()
        self._all = [pair for pair in self._all if pair[0].path != entry.path]
        self._filter()
        self.endResetModel()

    def clear(self) -> None:
        """Take out everything, as when another folder is shown."""
        self.beginResetModel()
        self._all, self._shown = [], []
        self.endResetModel()

    def set_filter(self, model: str, layer: str, preset: str) -> None:
        """Show only pictures of a model, layer and preset; empty texts stand for any."""
        self.beginResetModel()
        self._wanted = model, layer, preset
        self._filter()
        self.endResetModel()

    def _filter(self) -> None:
        model, layer, preset = self._wanted
        self._shown = [
            entry
            for entry, name in self._all
            if model in ("", entry.recipe.model) and layer in ("", entry.layer) and preset in ("", name)
        ]

    def choices(self) -> tuple[list[str], list[str], list[str]]:
        """The models, layers and presets that there are."""
        return (
            sorted({entry.recipe.model for entry, _ in self._all}),
            sorted({entry.layer for entry, _ in self._all}),
            sorted({name for _, name in self._all}),
        )

    @property
    def total(self) -> int:
        """How many there are, whether shown or not."""
        return len(self._all)

    @property
    def shown(self) -> list[Entry]:
        """Those that the filters leave, in their order."""
        return list(self._shown)

    def index_of(self, entry: Entry) -> QModelIndex:
        """Where an entry is shown."""
        return self.index(self._shown.index(entry)) if entry in self._shown else QModelIndex()

    @override
    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        entry = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.label
        if role == Qt.ItemDataRole.DecorationRole:
            return _unpacked(entry.thumbnail)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{entry.label}\n{entry.recipe.model}\n{entry.path.name}"
        if role == ENTRY_ROLE:
            return entry
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
        data.setUrls([QUrl.fromLocalFile(str(self._shown[index.row()].path)) for index in indexes])
        return data


@lru_cache(maxsize=_UNPACKED)
def _unpacked(thumbnail: bytes) -> QImage:
    return QImage.fromData(thumbnail)


def preset_name(entry: Entry) -> str:
    """The preset that an entry was made with."""
    return preset_of(entry.recipe.settings) or OTHER
