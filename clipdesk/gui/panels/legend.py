"""The legend of the curves: a line for each, to show or hide it, and to point at."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy
from typing_extensions import override

from clipdesk.gui.plain import plain_tip

_WIDTHS = 16, 36
"""The least and the greatest width, in letters."""
_SHARE = 0.35
"""The most of the room that it may take: the curves need the rest."""
_SWATCH = 10


class Legend(QListWidget):
    """Labels with their colours. It is narrower than they are where the curves need the room.

    Signals:
        pointed: The line that the mouse or the keyboard has come to; -1 for none.
    """

    pointed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._wanted = 0
        self.setAccessibleName("Legend")
        self.setToolTip("Show or hide each curve")
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.itemEntered.connect(self._point_at)
        self.currentItemChanged.connect(self._point_at)

    def add(self, label: str, color: QColor) -> None:
        """Add a line."""
        pixmap = QPixmap(_SWATCH, _SWATCH)
        pixmap.fill(color)
        item = QListWidgetItem(QIcon(pixmap), label)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked)
        item.setToolTip(plain_tip(label))
        self.addItem(item)

    def fit(self, room: int) -> None:
        """Make it as wide as its labels, but leave most of this room to the curves."""
        letter = self.fontMetrics().averageCharWidth()
        wanted = self.sizeHintForColumn(0) + self.verticalScrollBar().sizeHint().width() + letter
        within = min(max(wanted, _WIDTHS[0] * letter), _WIDTHS[1] * letter)
        self._wanted = min(within, round(_SHARE * room))
        self.setMaximumWidth(self._wanted)
        self.updateGeometry()

    def stress(self, row: int, stressed: bool) -> None:
        """Make a line stand out, or not."""
        font = self.font()
        font.setBold(stressed)
        self.item(row).setFont(font)

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._wanted, super().sizeHint().height())

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    @override
    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.pointed.emit(-1)
        return super().viewportEvent(event)

    def _point_at(self, item: QListWidgetItem | None) -> None:
        # The current line also changes when lines come and go.
        if item is not None and (self.hasFocus() or self.underMouse()):
            self.pointed.emit(self.row(item))
