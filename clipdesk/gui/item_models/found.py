"""Units that a search has found, as a list with pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QObject, Qt
from PySide6.QtGui import QImage
from typing_extensions import override

from clipdesk.gui.item_models.qt import NO_PARENT, Index

if TYPE_CHECKING:
    from clipdesk.gui.surveys.data import FoundUnit

FOUND_ROLE, IMAGES_ROLE, MAP_ROLE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2


class FoundModel(QAbstractListModel):
    """Units, best first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.units: list[FoundUnit] = []
        self._wanted: frozenset[int] = frozenset()
        self._images: dict[int, QImage] = {}
        self._maps: dict[int, QImage] = {}

    def show(self, units: Sequence[FoundUnit]) -> None:
        """Show other units."""
        self.beginResetModel()
        self.units = list(units)
        self._images, self._maps = {}, {}
        self._wanted = frozenset(self.pictures())
        self.endResetModel()

    def pictures(self) -> list[int]:
        """The indices of all pictures, each once."""
        return list(dict.fromkeys(picture for unit in self.units for picture in unit.pictures))

    def add_images(self, images: Mapping[int, QImage]) -> None:
        """Take images by the index of the picture; those that no unit here has are not kept."""
        wanted = {picture: image for picture, image in images.items() if picture in self._wanted}
        if wanted:
            self._images.update(wanted)
            self._tell()

    def add_maps(self, maps: Mapping[int, QImage]) -> None:
        """Take pictures of where units fire in the image that was searched by, by their place in the list."""
        self._maps.update(maps)
        self._tell()

    def _tell(self) -> None:
        if self.units:
            self.dataChanged.emit(self.index(0), self.index(len(self.units) - 1))

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.units)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.units):
            return None
        found = self.units[index.row()]
        if role == FOUND_ROLE:
            return found
        if role == Qt.ItemDataRole.DisplayRole:
            return found.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{found.name}, correlation {found.correlation:.2f}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return found.whole_name
        if role == IMAGES_ROLE:
            return [self._images.get(picture) for picture in found.pictures]
        if role == MAP_ROLE:
            return self._maps.get(index.row())
        return None
