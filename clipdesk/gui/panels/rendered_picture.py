"""A unit's own picture on its page, or the button that renders it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QPushButton, QStackedWidget
from typing_extensions import override

from clipdesk.gui.images import to_pixmap
from clipdesk.gui.plain import plain_label


class RenderedPicture(QStackedWidget):
    """A square.

    Args:
        render: Renders the unit.
        side: Its side at first, in pixels.
    """

    def __init__(self, render: QAction, side: int) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._side = side
        self.label = plain_label(centered=True)
        self.label.setAccessibleName("Rendered picture")
        self.button = QPushButton(render.icon(), f"Render\n{render.shortcut().toString()}")
        self.button.setAccessibleName(render.text())
        self.button.setToolTip("The unit has no picture yet")
        self.button.clicked.connect(render.trigger)
        self.addWidget(self.label)
        self.addWidget(self.button)
        self.show_image(None)

    def show_image(self, image: QImage | None) -> None:
        """Show a picture; the button if there is none."""
        self._image = None if image is None or image.isNull() else image
        self.set_side(self._side)

    def set_side(self, side: int) -> None:
        """Be so large, in pixels."""
        self._side = side
        self.setFixedSize(side, side)
        if self._image is not None:
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            self.label.setPixmap(to_pixmap(self._image.scaled(QSize(side, side), keep, smooth)))
        wanted = self.button if self._image is None else self.label
        if wanted is not self.currentWidget():
            focused = self.button.hasFocus()
            self.setCurrentWidget(wanted)
            if focused:
                # Who has pressed the button goes on from here with the keyboard.
                self.setFocus()

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._side, self._side)
