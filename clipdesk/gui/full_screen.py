"""Full screen: the canvas without the panels around it, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QToolBar, QWidget
from typing_extensions import override

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from clipdesk.gui.panels.picture_view import PictureView

_ANY_HEIGHT = 16_777_215
"""What Qt takes for no limit."""
_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly
"""The canvas and the panels have tool bars of their own."""


class FullScreen(QObject):
    """Hides everything around the canvas while its action is checked; Escape unchecks it.

    Args:
        window: The window.
        view: Its pictures, which get the keyboard.
        action: The command.
    """

    def __init__(self, window: QMainWindow, view: PictureView, action: QAction) -> None:
        super().__init__(window)
        self._window = window
        self._view = view
        self._action = action
        self._layout = QByteArray()
        self._maximized = False
        view.installEventFilter(self)
        action.toggled.connect(self._toggle)

    def leave(self) -> None:
        """Bring back what was around the canvas, as before the window closes, which keeps its layout."""
        self._action.setChecked(False)

    def _toggle(self, full: bool) -> None:
        window = self._window
        if full:
            self._layout = window.saveState()
            self._maximized = window.isMaximized()
            around: list[QWidget] = [*window.findChildren(QDockWidget), *window.findChildren(QToolBar, options=_DIRECT)]
            for widget in around:
                widget.hide()
            window.showFullScreen()
            self._view.setFocus()
        elif self._maximized:
            window.showMaximized()
        else:
            window.showNormal()
        window.statusBar().setVisible(not full)
        # Hidden, it would take the keys of its commands away, this one's too.
        window.menuBar().setMaximumHeight(0 if full else _ANY_HEIGHT)
        if not full:
            window.restoreState(self._layout)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape leaves, once it has nothing else to go back from."""
        if self._action.isChecked() and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            nothing_else = self._view.solo < 0 and self._view.zoom is None
            if event.key() == Qt.Key.Key_Escape and nothing_else:
                self.leave()
                return True
        return super().eventFilter(watched, event)
