"""Units that are like another one, each with its top picture: a row of them to go to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage
from PySide6.QtWidgets import QFrame, QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from clipdesk.gui.images import to_pixmap
from clipdesk.gui.plain import plain_label

if TYPE_CHECKING:
    from clipdesk.gui.surveys.data import FoundUnit

_SIDE = 56
_ROLE = Qt.ItemDataRole.UserRole


class SimilarUnits(QWidget):
    """The row, hidden while there are none.

    Args:
        title: What they are.
        own: Whether they are of one layer, whose name need not be said.

    Signals:
        chosen: A `FoundUnit`.
    """

    chosen = Signal(object)

    def __init__(self, title: str, *, own: bool) -> None:
        super().__init__()
        self._own = own
        self.list = QListWidget()
        self.list.setAccessibleName(title)
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setFlow(QListView.Flow.LeftToRight)
        self.list.setWrapping(False)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setTextElideMode(Qt.TextElideMode.ElideLeft)
        self.list.setIconSize(QSize(_SIDE, _SIDE))
        lines = 2 * self.fontMetrics().height()
        self.list.setGridSize(QSize((11 if own else 19) * self.fontMetrics().averageCharWidth(), _SIDE + lines + 8))
        self.list.setFixedHeight(_SIDE + lines + 30)
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(2)
        column.addWidget(plain_label(title))
        column.addWidget(self.list)
        self.list.itemActivated.connect(self._choose)
        self.list.itemClicked.connect(self._choose)

    def show_units(self, units: Sequence[FoundUnit]) -> None:
        """Show other units."""
        self.setVisible(bool(units))
        self.list.clear()
        for found in units:
            item = QListWidgetItem(f"{found.pooled.unit if self._own else found.name}\n{found.correlation:.2f}")
            item.setData(_ROLE, found)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{found.name}, correlation {found.correlation:.2f}")
            item.setToolTip(found.whole_name)
            self.list.addItem(item)

    def pictures(self) -> list[int]:
        """The index of each unit's top picture."""
        return [picture for item in self._items() for picture in item.data(_ROLE).pictures[:1]]

    def add_images(self, images: Mapping[int, QImage]) -> None:
        """Take images by the index of the picture."""
        for item in self._items():
            for picture in item.data(_ROLE).pictures[:1]:
                if picture in images and not images[picture].isNull():
                    item.setIcon(QIcon(to_pixmap(images[picture])))

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    def _choose(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(_ROLE))
