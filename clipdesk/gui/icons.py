"""Icons: glyphs of the Material Design icon font, drawn in the palette's own colours, so that they suit any theme."""

from __future__ import annotations

from functools import cache

from fonticon_mdi7 import MDI7
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from typing_extensions import override


class _GlyphEngine(QIconEngine):
    """Draws a glyph at whatever size is asked for, and another one of what is checked."""

    def __init__(self, glyph: str, checked: str) -> None:
        super().__init__()
        self._glyph, self._checked = glyph, checked

    @override
    def clone(self) -> QIconEngine:
        return _GlyphEngine(self._glyph, self._checked)

    @override
    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        font = QFont(_family())
        font.setPixelSize(max(1, round(rect.height() * 0.95)))
        painter.save()
        painter.setFont(font)
        painter.setPen(QGuiApplication.palette().color(*_role(mode, state)))
        glyph = self._checked if state is QIcon.State.On else self._glyph
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, glyph)
        painter.restore()

    @override
    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap


def icon(name: str, checked: str | None = None) -> QIcon:
    """The icon of a name of Material Design Icons 7, e.g. ``play`` or ``content_save``.

    Args:
        name: The name.
        checked: The name of the icon of what is checked; by default the same one, in another colour.
    """
    return QIcon(_GlyphEngine(_glyph(name), _glyph(checked or name)))


def _glyph(name: str) -> str:
    return str(getattr(MDI7, name)).rpartition(".")[2]


def _role(mode: QIcon.Mode, state: QIcon.State) -> tuple[QPalette.ColorGroup, QPalette.ColorRole]:
    if mode is QIcon.Mode.Disabled:
        return QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText
    if mode is QIcon.Mode.Selected:
        return QPalette.ColorGroup.Active, QPalette.ColorRole.HighlightedText
    role = QPalette.ColorRole.Highlight if state is QIcon.State.On else QPalette.ColorRole.ButtonText
    return QPalette.ColorGroup.Active, role


@cache
def _family() -> str:
    number = QFontDatabase.addApplicationFont(MDI7.__font_file__)
    families = QFontDatabase.applicationFontFamilies(number)
    return families[0] if families else QFont().family()
