"""Thumbnails in rows and columns that use the whole width, as large as the user wants them."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget
from typing_extensions import override

from clipdesk.gui.item_models.gallery import ENTRY_ROLE
from clipdesk.gui.item_models.qt import Index
from clipdesk.gui.library import Entry

SMALLEST, USUAL, LARGEST = 56, 112, 224
_STEP = 8
_ENOUGH = 12
"""As many are to be seen at once, if the user has not chosen a size."""
_PAD = 4
_FRAME = 3


class _Drawing(QStyledItemDelegate):
    """A picture over its name. A frame marks what is selected: a tint would change colours that are the result."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.side = USUAL

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(self.side + 2 * _PAD, self.side + option.fontMetrics.height() + 3 * _PAD)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area, palette, side = option.rect, option.palette, self.side
        frame = QRect(area.center().x() - side // 2, area.top() + _PAD, side, side)
        image = index.data(Qt.ItemDataRole.DecorationRole)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if isinstance(image, QImage) and not image.isNull():
            size = image.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(frame.topLeft(), size)
            place.moveCenter(frame.center())
            painter.drawImage(place, image)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        name = QRect(area.left() + _PAD, frame.bottom() + _PAD, area.width() - 2 * _PAD, option.fontMetrics.height())
        if selected:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), _FRAME))
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


class Thumbnails(QListView):
    """The view.

    Signals:
        side_changed: How large the thumbnails are from now on.
    """

    side_changed = Signal(int)

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
