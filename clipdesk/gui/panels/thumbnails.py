"""Thumbnails in rows and columns that use the whole width, as large as the user wants them."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPalette, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget
from typing_extensions import override

from clipdesk.gui.icons import icon
from clipdesk.gui.item_models.gallery import ENTRY_ROLE, MARK_ROLE
from clipdesk.gui.item_models.qt import Index
from clipdesk.gui.library import Entry
from clipdesk.gui.panels.focus import FocusList
from clipdesk.marks.mark import Mark

SMALLEST, USUAL, LARGEST = 56, 112, 224
_STEP = 8
_ENOUGH = 12
"""As many are to be seen at once, if the user has not chosen a size."""
_PAD = 4
_FRAME = 3
_STAR_SHARE, _LEAST_STAR, _MOST_STAR = 5, 16, 28
_STAR, _OUTLINE, _UNSET = QColor(255, 200, 40), QColor(32, 32, 32), QColor(255, 255, 255, 150)


class _Drawing(QStyledItemDelegate):
    """A picture over its name. A frame marks what is selected: a tint would change colours that are the result."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.side = USUAL
        self._noted = icon("tag_text_outline")

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(self.side + 2 * _PAD, self.side + option.fontMetrics.height() + 3 * _PAD)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area, palette = option.rect, option.palette
        frame = self.frame_in(area)
        image = index.data(Qt.ItemDataRole.DecorationRole)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if isinstance(image, QImage) and not image.isNull():
            size = image.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(frame.topLeft(), size)
            place.moveCenter(frame.center())
            painter.drawImage(place, image)
        self._paint_mark(painter, option, index)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        name = QRect(area.left() + _PAD, frame.bottom() + _PAD, area.width() - 2 * _PAD, option.fontMetrics.height())
        if selected:
            # As strong without the keyboard: a pale frame would not be seen beside the picture.
            painter.setPen(QPen(option.widget.palette().color(QPalette.ColorRole.Highlight), _FRAME))
            painter.drawRect(frame.adjusted(-1, -1, 1, 1))
            painter.fillRect(name, palette.color(QPalette.ColorRole.Highlight))
        elif option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Text), 1, Qt.PenStyle.DotLine))
            painter.drawRect(frame.adjusted(-1, -1, 1, 1))
        painter.setPen(palette.color(QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text))
        # Of a unit the end tells most, of a text the beginning.
        entry, elide = index.data(ENTRY_ROLE), Qt.TextElideMode
        end = isinstance(entry, Entry) and entry.recipe.target.layer is not None
        words = option.fontMetrics.elidedText(
            str(index.data()), elide.ElideLeft if end else elide.ElideRight, name.width()
        )
        painter.drawText(name, Qt.AlignmentFlag.AlignCenter, words)
        painter.restore()

    def frame_in(self, area: QRect) -> QRect:
        """The square of the picture in the area of an item."""
        return QRect(area.center().x() - self.side // 2, area.top() + _PAD, self.side, self.side)

    def star_in(self, area: QRect) -> QRect:
        """Where the star is in the area of an item: above to the right, in the picture."""
        frame, side = self.frame_in(area), min(max(self.side // _STAR_SHARE, _LEAST_STAR), _MOST_STAR)
        return QRect(frame.right() + 1 - side, frame.top(), side, side)

    def _paint_mark(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The star, or the place for one under the mouse; and whether there are tags or a note."""
        mark = index.data(MARK_ROLE)
        if not isinstance(mark, Mark):
            return
        place = self.star_in(option.rect)
        if mark.starred or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(_OUTLINE, 1.5))
            painter.setBrush(_STAR if mark.starred else _UNSET)
            painter.drawPolygon(_star(place.adjusted(2, 2, -2, -2)))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        if mark.tags or mark.note:
            badge = place.translated(self.frame_in(option.rect).left() - place.left(), 0)
            painter.fillRect(badge, option.palette.color(QPalette.ColorRole.Button))
            self._noted.paint(painter, badge.adjusted(1, 1, -1, -1))


def _star(place: QRect) -> QPolygonF:
    """A star of five points that fills a square."""
    radius, center = place.width() / 2, QPointF(place.center())
    points = []
    for i in range(10):
        length, angle = (radius if i % 2 == 0 else 0.45 * radius), math.pi * (i / 5 - 0.5)
        points.append(center + QPointF(length * math.cos(angle), length * math.sin(angle)))
    return QPolygonF(points)


class Thumbnails(FocusList):
    """The view.

    Signals:
        side_changed: How large the thumbnails are from now on.
        star_clicked: The `Entry` whose star was clicked.
    """

    side_changed = Signal(int)
    star_clicked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._drawing = _Drawing(self)
        self._chosen: int | None = None
        self.setItemDelegate(self._drawing)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setDragEnabled(True)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)
        # One that comes and goes would move the columns.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._lay_out()

    @property
    def side(self) -> int:
        """How large the thumbnails are."""
        return self._drawing.side

    def choose_side(self, side: int | None) -> None:
        """Make the thumbnails this large; None for as large as leaves a dozen in sight, and no larger than usual."""
        self._chosen = side if side is None else min(max(side, SMALLEST), LARGEST)
        self._lay_out()

    def in_sight(self) -> int:
        """How many whole thumbnails there is room for."""
        return self._count(self.side)

    def star_place(self, index: Index) -> QRect:
        """Where the star of a picture is, or would be."""
        return self._drawing.star_in(self.visualRect(index))

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a star changes it, and leaves the selection as it is."""
        if not self._click_star(event):
            super().mousePressEvent(event)

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second of two quick clicks on a star is one on the star, too."""
        if not self._click_star(event):
            super().mouseDoubleClickEvent(event)

    def _click_star(self, event: QMouseEvent) -> bool:
        place = event.position().toPoint()
        index = self.indexAt(place)
        hit = index.isValid() and event.button() is Qt.MouseButton.LeftButton and self.star_place(index).contains(place)
        if hit:
            self.star_clicked.emit(index.data(ENTRY_ROLE))
            event.accept()
        return hit

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        sizes = range(USUAL, SMALLEST, -_STEP)
        fits = next((side for side in sizes if self._count(side) >= _ENOUGH), SMALLEST)
        side = fits if self._chosen is None else self._chosen
        width, cell = self._width(), self._cell(side)
        grid = QSize(width // max(1, width // cell.width()), cell.height())
        if side != self.side or grid != self.gridSize():
            self._drawing.side = side
            self.setGridSize(grid)
            self.side_changed.emit(side)

    def _cell(self, side: int) -> QSize:
        return QSize(side + 2 * _PAD, side + self.fontMetrics().height() + 3 * _PAD)

    def _count(self, side: int) -> int:
        cell = self._cell(side)
        return (self._width() // cell.width()) * (self.viewport().height() // cell.height())

    def _width(self) -> int:
        # Qt wraps one pixel early.
        return self.viewport().width() - 1
