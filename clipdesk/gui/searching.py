"""F3: the search of the panel in use."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget


class Searching(QObject):
    """Goes to a search box.

    Args:
        action: What the user asks with.
        boxes: For each panel its search; where the panel in use has none, the first box that can be seen is taken.
    """

    def __init__(self, action: QAction, boxes: Mapping[QWidget, QLineEdit]) -> None:
        super().__init__(action)
        self._boxes = boxes
        action.triggered.connect(self._go)

    @Slot()
    def _go(self) -> None:
        used = QApplication.focusWidget()
        seen = {panel: box for panel, box in self._boxes.items() if box.isVisible()}
        own = [box for panel, box in seen.items() if used is not None and panel.isAncestorOf(used)]
        box = next(iter((*own, *seen.values())), None)
        if box is not None:
            box.setFocus(Qt.FocusReason.ShortcutFocusReason)
            box.selectAll()
