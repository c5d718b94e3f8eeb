"""Draws a job in a list."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from clipdesk.gui.item_models.jobs import ACTIVE, DETAIL_ROLE, SHARE_ROLE, TONE_ROLE, WRONG
from clipdesk.gui.theme import error_color

_PAD = 6
_FAINT = 0.3


class JobDelegate(QStyledItemDelegate):
    """A title, a bar, and a line that says how far it is; from the roles that the models of jobs have.

    Where nothing is said of the share that is done, there is no bar.
    """

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # type: ignore[override]
        bar = 0 if index.data(SHARE_ROLE) is None else _PAD + 4
        return QSize(120, 2 * option.fontMetrics.height() + 2 * _PAD + bar)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        detail, share, tone = str(index.data(DETAIL_ROLE)), index.data(SHARE_ROLE), index.data(TONE_ROLE)
        self.initStyleOption(option, index)
        name, option.text = option.text, ""
        style, own = option.widget.style(), option.widget.palette()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        palette, line = option.palette, option.fontMetrics.height()
        role = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text
        area = option.rect.adjusted(_PAD, _PAD, -_PAD, -_PAD)
        painter.save()
        painter.setPen(palette.color(role))
        title = QRect(area.left(), area.top(), area.width(), line)
        elided = option.fontMetrics.elidedText(name, Qt.TextElideMode.ElideLeft, title.width())
        painter.drawText(title, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)
        if share is not None:
            bar = QRect(area.left(), title.bottom() + _PAD // 2 + 1, area.width(), 4)
            # What is done is as strong in a list without the keyboard.
            self._paint_bar(painter, share, bar, *_colors_of_bar(palette if chosen else own, tone, chosen))
        below = QRect(area.left(), area.bottom() - line + 1, area.width(), line)
        if not chosen:
            painter.setPen(error_color(palette) if tone == WRONG else palette.color(QPalette.ColorRole.PlaceholderText))
        elided = option.fontMetrics.elidedText(detail, Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)
        painter.restore()

    @staticmethod
    def _paint_bar(painter: QPainter, share: float, bar: QRect, filled: QColor, empty: QColor) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.setPen(QPen(Qt.PenStyle.NoPen))
        painter.setBrush(empty)
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(filled)
        painter.drawRoundedRect(QRect(bar.topLeft(), QSize(round(bar.width() * share), bar.height())), 2, 2)
        painter.restore()


def _colors_of_bar(palette: QPalette, tone: str, chosen: bool) -> tuple[QColor, QColor]:
    """The colours of the done and of the remaining part."""
    if chosen:
        # The selection has the colour that what is done has elsewhere.
        filled = palette.color(QPalette.ColorRole.HighlightedText)
        empty = QColor(filled)
        empty.setAlphaF(_FAINT)
        return filled, empty
    filled = palette.color(QPalette.ColorRole.Highlight if tone == ACTIVE else QPalette.ColorRole.PlaceholderText)
    return error_color(palette) if tone == WRONG else filled, palette.color(QPalette.ColorRole.Mid)
