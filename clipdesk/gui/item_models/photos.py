"""Pictures of a survey as a list: how active a unit is in each, and headings between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QObject, Qt
from PySide6.QtGui import QImage
from typing_extensions import override

from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.plain import plain_tip
from clipdesk.gui.surveys.data import Heading, Photo

if TYPE_CHECKING:
    from clipdesk.gui.surveys.data import Heat

PHOTO_ROLE = Qt.ItemDataRole.UserRole


class PhotosModel(QAbstractListModel):
    """Tiles; their images come later."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.items: list[Photo | Heading] = []
        self._images: dict[int, QImage] = {}
        self._heat: Mapping[int, Heat] = {}
        self._warm = False

    def show(self, items: Sequence[Photo | Heading]) -> None:
        """Show other tiles; images that are known stay."""
        self.beginResetModel()
        self.items = list(items)
        wanted = set(self.pictures())
        self._images = {picture: image for picture, image in self._images.items() if picture in wanted}
        self._heat = {}
        self.endResetModel()

    def pictures(self) -> list[int]:
        """The indices of the pictures, each once."""
        return list(dict.fromkeys(item.picture for item in self.items if isinstance(item, Photo)))

    def missing(self) -> list[int]:
        """The indices of the pictures whose images are not known."""
        return [picture for picture in self.pictures() if picture not in self._images]

    def add_images(self, images: Mapping[int, QImage]) -> None:
        """Take images by the index of the picture."""
        self._images.update(images)
        self._tell()

    def show_heat(self, heat: Mapping[int, Heat]) -> None:
        """Take pictures of where the unit fires."""
        self._heat = heat
        self._tell()

    def warm(self, warm: bool) -> None:
        """Show where the unit fires, or the pictures as they are."""
        self._warm = warm
        self._tell()

    def heat_of(self, picture: int) -> Heat | None:
        """Where the unit fires in a picture; None as long as it is not known."""
        return self._heat.get(picture)

    def image_of(self, picture: int) -> QImage | None:
        """The image of a picture; None as long as it is not known."""
        return self._images.get(picture)

    def _tell(self) -> None:
        if self.items:
            self.dataChanged.emit(self.index(0), self.index(len(self.items) - 1))

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.items)

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid() or isinstance(self.items[index.row()], Heading):
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.items):
            return None
        item = self.items[index.row()]
        if role == PHOTO_ROLE:
            return item
        if isinstance(item, Heading):
            return item.words if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{item.value:.3g}"
        if role == Qt.ItemDataRole.DecorationRole:
            heat = self._heat.get(item.picture) if self._warm else None
            return self._images.get(item.picture) if heat is None else heat.over
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return item.words.replace("\n", ", ")
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(item.words)
        return None
