"""The command palette: type a few letters of any command, press Enter."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget
from typing_extensions import override


class CommandPalette(QDialog):
    """A box over the window with the commands that match it.

    Args:
        actions: The commands; disabled ones are left out.
        parent: The window.

    Attributes:
        matches: The commands that are listed, in the list's order.
    """

    def __init__(self, actions: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self.setWindowTitle("Command palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._actions = [action for action in actions if action.isEnabled() and action.text()]
        self.matches: list[QAction] = []
        self.box = QLineEdit(placeholderText="Type a command")
        self.box.setAccessibleName("Command")
        self.box.textChanged.connect(self._search)
        self.box.returnPressed.connect(self._run)
        self.box.installEventFilter(self)
        self.list = QTreeWidget(columnCount=2)
        self.list.setRootIsDecorated(False)
        self.list.setHeaderHidden(True)
        self.list.setAccessibleName("Commands")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.clicked.connect(self._run)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(self.box)
        column.addWidget(self.list)
        self.resize(70 * self.fontMetrics().averageCharWidth(), 16 * self.fontMetrics().height())
        self._search("")

    def open_over(self, window: QWidget) -> None:
        """Show it at the top of a window."""
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - self.width()) // 2, corner.y() + window.height() // 8)
        self.show()
        self.box.setFocus()

    def _search(self, text: str) -> None:
        words = text.lower().split()
        self.matches = [action for action in self._actions if all(word in _name(action).lower() for word in words)]
        self.list.clear()
        self.list.addTopLevelItems([QTreeWidgetItem([_name(action), _keys(action)]) for action in self.matches])
        self._select(0)

    def _select(self, row: int) -> None:
        item = self.list.topLevelItem(row % len(self.matches)) if self.matches else None
        if item is not None:
            self.list.setCurrentItem(item)

    def _run(self) -> None:
        row = self.list.currentIndex().row()
        self.close()
        if 0 <= row < len(self.matches):
            self.matches[row].trigger()

    @override
    def changeEvent(self, event: QEvent) -> None:
        """Close when the user turns to something else."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isVisible() and not self.isActiveWindow():
            self.close()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                self._select(self.list.currentIndex().row() + step)
                return True
        return super().eventFilter(watched, event)


def _name(action: QAction) -> str:
    return action.text().replace("&", "")


def _keys(action: QAction) -> str:
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
