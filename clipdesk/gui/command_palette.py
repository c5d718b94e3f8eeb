"""The command palette: type a few letters of any command, press Enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QHeaderView, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget
from typing_extensions import override

_MOST_RECENT = 8


class CommandPalette(QDialog):
    """A box over the window with the commands that match it.

    Args:
        menus: The commands by the title of their menu; disabled ones are left out.
        recent: The names of those that were run from here, the last one first; they stand first. One that is run is
            added.
        parent: The window.

    Attributes:
        matches: The commands that are listed, in the list's order.
    """

    def __init__(self, menus: Mapping[str, Sequence[QAction]], recent: list[str], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self.setWindowTitle("Command palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._menu_of = {action: title for title, actions in menus.items() for action in actions}
        self._recent = recent
        found = [action for action in self._menu_of if action.isEnabled() and action.isVisible() and action.text()]
        self._actions = sorted(found, key=lambda action: self._place(_name(action)))
        self.matches: list[QAction] = []
        self.box = QLineEdit(placeholderText="Type a command")
        self.box.setAccessibleName("Command")
        self.box.textChanged.connect(self._search)
        self.box.returnPressed.connect(self._run)
        self.box.installEventFilter(self)
        self.list = QTreeWidget(columnCount=3)
        self.list.setRootIsDecorated(False)
        self.list.setHeaderHidden(True)
        self.list.setAccessibleName("Commands")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for section in (1, 2):
            self.list.header().setSectionResizeMode(section, QHeaderView.ResizeMode.ResizeToContents)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.clicked.connect(self._run)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(self.box)
        column.addWidget(self.list)
        self.resize(90 * self.fontMetrics().averageCharWidth(), 16 * self.fontMetrics().height())
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
        self.list.addTopLevelItems([self._item(action) for action in self.matches])
        self._select(0)

    def _item(self, action: QAction) -> QTreeWidgetItem:
        """The icon and the name of a command, its menu, which says what a name alone does not, and its keys."""
        item = QTreeWidgetItem([_name(action), self._menu_of[action], _keys(action)])
        item.setIcon(0, action.icon())
        item.setForeground(1, self.palette().placeholderText())
        return item

    def _place(self, name: str) -> int:
        return self._recent.index(name) if name in self._recent else len(self._recent)

    def _select(self, row: int) -> None:
        item = self.list.topLevelItem(row % len(self.matches)) if self.matches else None
        if item is not None:
            self.list.setCurrentItem(item)

    def _run(self) -> None:
        row = self.list.currentIndex().row()
        self.close()
        if 0 <= row < len(self.matches):
            name = _name(self.matches[row])
            self._recent[:] = [name, *(other for other in self._recent if other != name)][:_MOST_RECENT]
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
