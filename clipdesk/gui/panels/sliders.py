"""A slider that goes where it is clicked."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QSlider, QStyle, QStyleOptionSlider
from typing_extensions import override


class Slider(QSlider):
    """A horizontal slider whose handle jumps to a click, and is dragged on from there.

    Qt's own moves by a page, which is never where a person has pointed.
    """

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        style, kind, part = self.style(), QStyle.ComplexControl.CC_Slider, QStyle.SubControl
        groove = style.subControlRect(kind, option, part.SC_SliderGroove, self)
        handle = style.subControlRect(kind, option, part.SC_SliderHandle, self)
        if event.button() is Qt.MouseButton.LeftButton and not handle.contains(event.position().toPoint()):
            # The middle of the handle comes to lie under the mouse.
            at = round(event.position().x()) - groove.x() - handle.width() // 2
            room = groove.width() - handle.width()
            self.setValue(
                QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, room, upsideDown=option.upsideDown)
            )
        super().mousePressEvent(event)
