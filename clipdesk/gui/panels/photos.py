"""Pictures of a survey in rows that fill the width, as high as they need; where a unit fires is shown on demand."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPainter, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QLabel,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from clipdesk.gui.images import to_pixmap
from clipdesk.gui.item_models.photos import PHOTO_ROLE, PhotosModel
from clipdesk.gui.item_models.qt import Index
from clipdesk.gui.plain import plain_label
from clipdesk.gui.surveys.data import Heading, Photo
from clipdesk.gui.words import breakable

_PAD, _FRAME = 3, 3
_WANTED, _LARGEST = 104, 168
_WAIT_MS = 350


class _Drawing(QStyledItemDelegate):
    """A picture over its activation, or a heading's words."""

    side = _WANTED

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(self.side + 2 * _PAD, self.side + option.fontMetrics.height() + 3 * _PAD)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        item, area, palette = index.data(PHOTO_ROLE), option.rect, option.palette
        painter.save()
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        frame = QRect(area.center().x() - self.side // 2, area.top() + _PAD, self.side, self.side)
        if isinstance(item, Heading):
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextWordWrap
            painter.drawText(frame.adjusted(0, 0, -2 * _PAD, 0), int(flags), item.words)
            painter.restore()
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        image = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(image, QImage) and not image.isNull():
            painter.drawImage(frame, image)
        else:
            painter.fillRect(frame, palette.color(QPalette.ColorRole.AlternateBase))
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected or option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), _FRAME))
            painter.drawRect(frame.adjusted(-1, -1, 1, 1))
        name = QRect(area.left(), frame.bottom() + _PAD, area.width(), option.fontMetrics.height())
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        painter.drawText(name, Qt.AlignmentFlag.AlignCenter, str(index.data()))
        painter.restore()


class PhotosView(QListView):
    """The view. It has no scroll bars: what it stands in scrolls.

    Signals:
        heat_wanted: The user looks closely at a picture, by its index: where does the unit fire in it?
    """

    heat_wanted = Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.photos = PhotosModel(self)
        self._columns: int | None = None
        self._drawing = _Drawing(self)
        self._lens = Lens(self)
        self._timer = QTimer(self, interval=_WAIT_MS, singleShot=True)
        self._timer.timeout.connect(self._look)
        self._under: Photo | None = None
        self.setAccessibleName(name)
        self.setModel(self.photos)
        self.setItemDelegate(self._drawing)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.entered.connect(self._enter)
        self.activated.connect(self._look_at)
        self.photos.modelReset.connect(self._lay_out)
        self.photos.modelReset.connect(self._leave)
        self.photos.dataChanged.connect(self._refresh_lens)

    def set_columns(self, columns: int | None) -> None:
        """Put so many tiles into a row; None for as many as fit."""
        self._columns = columns
        self._lay_out()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        width = max(1, self.viewport().width() - 1)
        columns = self._columns or max(3, width // (_WANTED + 2 * _PAD))
        side = min(_LARGEST, width // columns - 2 * _PAD)
        self._drawing.side = max(24, side)
        cell = self._drawing.side + 2 * _PAD
        grid = QSize(min(cell, width // columns), cell + self.fontMetrics().height() + _PAD)
        if grid != self.gridSize():
            self.setGridSize(grid)
        rows = -(-len(self.photos.items) // columns)
        self.setFixedHeight(rows * grid.height() + 2)

    # Looking closely

    def _enter(self, index: QModelIndex) -> None:
        item = index.data(PHOTO_ROLE)
        if item is not self._under:
            self._leave()
            self._under = item if isinstance(item, Photo) else None
            if self._under is not None:
                self._timer.start()

    @override
    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Leave, QEvent.Type.Wheel, QEvent.Type.MouseButtonPress):
            self._leave()
        if event.type() == QEvent.Type.ToolTip:
            # The lens says it all.
            return True
        return super().viewportEvent(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._lens.isVisible():
            self._leave()
            return
        if event.key() == Qt.Key.Key_Space:
            self._look_at(self.currentIndex())
            return
        super().keyPressEvent(event)
        if self._lens.isVisible():
            self._look_at(self.currentIndex())

    def _look_at(self, index: QModelIndex) -> None:
        item = index.data(PHOTO_ROLE)
        self._under = item if isinstance(item, Photo) else None
        self._look()

    def _look(self) -> None:
        photo = self._under
        if photo is None or not self.isVisible():
            return
        row = self.photos.items.index(photo)
        tile = self.visualRect(self.photos.index(row))
        self._lens.show_photo(photo, self.photos, self.viewport().mapToGlobal(tile.bottomLeft()), tile.height())
        self.heat_wanted.emit(photo.picture)

    def _leave(self) -> None:
        self._timer.stop()
        self._under = None
        self._lens.hide()

    def _refresh_lens(self) -> None:
        if self._lens.isVisible() and self._under is not None:
            self._lens.refresh(self._under, self.photos)


class Lens(QFrame):
    """A picture, large, with where the unit fires in it and what is there, beside its tile."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.ToolTip)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self._images = [plain_label(centered=True) for _ in range(3)]
        self._text = plain_label(wrap=True)
        row = QHBoxLayout()
        for label in self._images:
            row.addWidget(label)
        column = QVBoxLayout(self)
        column.addLayout(row)
        column.addWidget(self._text)

    def show_photo(self, photo: Photo, photos: PhotosModel, place: QPoint, height: int) -> None:
        """Show a picture.

        Args:
            photo: The picture.
            photos: Knows its images.
            place: The lower left corner of its tile, on the screen.
            height: The height of its tile.
        """
        self.refresh(photo, photos)
        self.adjustSize()
        screen = self.screen().availableGeometry()
        top = place.y() if place.y() + self.height() < screen.bottom() else place.y() - height - self.height()
        left = max(screen.left(), min(place.x(), screen.right() - self.width()))
        self.move(left, max(screen.top(), top))
        self.show()

    def refresh(self, photo: Photo, photos: PhotosModel) -> None:
        """Show what is known of the picture by now."""
        heat, image = photos.heat_of(photo.picture), photos.image_of(photo.picture)
        shown = (image, None if heat is None else heat.over, None if heat is None else heat.crop)
        for label, each in zip(self._images, shown, strict=True):
            _show(label, each)
        self._text.setText(breakable(photo.words))
        self.adjustSize()


def _show(label: QLabel, image: QImage | None) -> None:
    label.setVisible(image is not None and not image.isNull())
    if image is not None and not image.isNull():
        label.setPixmap(to_pixmap(image))
