"""The window's centre: canvas, gallery and the pages of units, one in front of the others, below bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QApplication, QStackedWidget, QTabBar, QVBoxLayout, QWidget

CANVAS, GALLERY, UNIT, FIND, WALL, COMPARISON = "Canvas", "Gallery", "Unit", "Find", "Wall", "Two models"
SURVEYED = (UNIT, FIND, WALL)
"""The modes that show what a survey knows."""


class Center(QWidget):
    """Modes of which one is shown, with a switch over them.

    Args:
        bars: What stands over all modes.
        modes: The modes by name; the first one is shown.
        below: What stands below the switch, over whichever mode it is.

    Signals:
        changed: Another mode is shown.
    """

    changed = Signal()

    def __init__(self, bars: Iterable[QWidget], modes: Mapping[str, QWidget], *below: QWidget) -> None:
        super().__init__()
        self.modes = dict(modes)
        self.tabs = QTabBar(documentMode=True, drawBase=False, expanding=False)
        self.tabs.setAccessibleName("What the centre shows")
        self._pages = QStackedWidget()
        for name, mode in self.modes.items():
            self.tabs.addTab(name)
            self._pages.addWidget(mode)
        self.tabs.currentChanged.connect(self._show)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for bar in bars:
            column.addWidget(bar)
        column.addWidget(self.tabs)
        for bar in below:
            column.addWidget(bar)
        column.addWidget(self._pages, 1)

    @property
    def mode(self) -> str:
        """The name of the mode that is shown."""
        return self.tabs.tabText(self.tabs.currentIndex())

    @property
    def has_keys(self) -> bool:
        """Whether the keys go to the page that is shown."""
        focused = QApplication.focusWidget()
        return focused is not None and self._pages.isAncestorOf(focused)

    def show_mode(self, name: str) -> None:
        """Show a mode."""
        self.tabs.setCurrentIndex(list(self.modes).index(name))

    @Slot()
    def show_canvas(self) -> None:
        """Show the canvas."""
        self.show_mode(CANVAS)

    @Slot(bool)
    def show_canvas_alone(self, alone: bool) -> None:
        """Show the canvas without the switch over it, or bring the switch back."""
        if alone:
            self.show_canvas()
        self.tabs.setVisible(not alone)

    def _show(self, place: int) -> None:
        self._pages.setCurrentIndex(place)
        self.changed.emit()
