"""Pictures side by side: as large as they fit, all at one zoom and one place, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget
from typing_extensions import override

from clipdesk.gui.images import checkerboard, paint_badge
from clipdesk.gui.panels.tiling import tiling

_MAX_SCALE = 64.0
_ZOOM_STEP = 1.25
_GRIP = 6


@dataclass
class Tile:
    """A picture with its label and colour.

    Attributes:
        key: What it is a picture of: the same object as long as it is the same picture, wherever its tile is.
        label: What stands under it; it may have several lines.
        color: Of its frame.
        image: The picture; None if there is none yet.
        before: What it is wiped against; None if there is nothing.
        kept: Whether it is kept in sight, for the others to be compared with.
        note: What is written over its lower edge.
    """

    key: object
    label: str
    color: QColor
    image: QImage | None = None
    before: QImage | None = None
    kept: bool = False
    note: str = ""


class PictureView(QWidget):
    """Tiles in the grid that makes them largest. They share zoom and place.

    The zoom is None where the pictures fit their tiles, else device pixels for each pixel of the picture. The place is
    what part of the picture is in the middle of its tile, as shares of its sides.

    Signals:
        solo_changed: Which tile alone is shown; -1 for all.
        zoom_changed: The zoom, or None.
        hovered: The tile that the mouse has come to; -1 for none.
        wipe_changed: Where the line of the wipe is, as a share of the picture's width.
        drag_asked: The tile that is dragged out of the window.
    """

    solo_changed = Signal(int)
    zoom_changed = Signal(object)
    hovered = Signal(int)
    wipe_changed = Signal(float)
    drag_asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 160)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Pictures")
        self.setAccessibleDescription(
            "Choose a picture with the arrow keys, show it alone with Enter, zoom with plus and minus"
        )
        self.tiles: list[Tile] = []
        self.solo, self.current = -1, 0
        self.smooth, self.wiping = True, False
        self.zoom: float | None = None
        self._place = QPointF(0.5, 0.5)
        self._wipe = 0.5
        self._pressed: QPoint | None = None
        self._moved = False
        self._gripped = False
        self._hovered = -1
        self._lines = 1
        self._highlight: object = None

    @override
    def sizeHint(self) -> QSize:
        return QSize(640, 520)

    def set_tiles(self, tiles: Sequence[Tile]) -> None:
        """Show other pictures; one that was shown alone still is, and the current one is still current."""
        solo, current = (self.tiles[i].key if 0 <= i < len(self.tiles) else None for i in (self.solo, self.current))
        self.tiles = list(tiles)
        self._lines = max((tile.label.count("\n") + 1 for tile in tiles), default=1)
        self.solo = self._find(solo) if len(tiles) > 1 else -1
        self.current = max(0, self._find(current))
        self.update()

    def _find(self, key: object) -> int:
        """The tile of a picture; -1 if it has none."""
        return next((i for i, tile in enumerate(self.tiles) if tile.key is key), -1) if key is not None else -1

    def set_solo(self, tile: int) -> None:
        """Show one tile alone, or all with -1."""
        if len(self.tiles) > 1 or tile < 0:
            self.solo = tile
            self.current = max(self.current, 0) if tile < 0 else tile
            self.solo_changed.emit(tile)
            self.update()

    def set_zoom(self, zoom: float | None, around: QPointF | None = None) -> None:
        """Zoom so that the point of the picture under `around` stays there; None fits the tiles."""
        fit = self.fit_scale()
        if zoom is not None and zoom <= fit and around is not None:
            zoom = None
        if zoom is not None:
            zoom = min(_MAX_SCALE, zoom)
            if around is not None:
                self._keep_under(around, zoom)
        else:
            self._place = QPointF(0.5, 0.5)
        self.zoom = zoom
        self._clamp_place()
        self.zoom_changed.emit(zoom)
        self.update()

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom in or out by a factor, around a place of the view or the middle of the current picture."""
        visible = self.visible_tiles()
        if not visible:
            return
        places = self._frames()
        if around is None:
            around = QPointF(places[visible.index(self.current) if self.current in visible else 0].center())
        self.set_zoom((self.zoom or self.fit_scale()) * factor, around)

    def set_highlight(self, key: object) -> None:
        """Make one picture's frame stand out; None for none."""
        if key is not self._highlight:
            self._highlight = key
            self.update()

    def set_wipe(self, share: float) -> None:
        """Put the line of the wipe at a share of the picture's width."""
        self._wipe = min(max(share, 0.0), 1.0)
        self.wipe_changed.emit(self._wipe)
        self.update()

    def fit_scale(self) -> float:
        """The zoom at which the first picture fills its tile."""
        frames, visible = self._frames(), self.visible_tiles()
        image = next((self.tiles[i].image for i in visible if self.tiles[i].image is not None), None)
        return frames[0].width() * self.devicePixelRatioF() / image.width() if image is not None and frames else 1.0

    def visible_tiles(self) -> list[int]:
        """Which tiles are shown: all, or one alone, with the kept one beside it unless it is wiped against that."""
        if not 0 <= self.solo < len(self.tiles):
            return list(range(len(self.tiles)))
        beside = [] if self.wiping else [i for i, tile in enumerate(self.tiles) if tile.kept and i != self.solo]
        return [*beside, self.solo]

    def tile_at(self, place: QPoint) -> int:
        """The tile under a place; -1 if there is none."""
        return next((i for i, f in zip(self.visible_tiles(), self._frames(), strict=True) if f.contains(place)), -1)

    def frame_of(self, tile: int) -> QRect:
        """Where a shown tile's picture is."""
        return self._frames()[self.visible_tiles().index(tile)]

    def target_of(self, tile: int) -> QRectF:
        """The rectangle that a shown tile's whole picture fills; most of it lies outside the tile when zoomed in."""
        return self._target(self.frame_of(tile))

    # Painting

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().window())
        for i, frame in zip(self.visible_tiles(), self._frames(), strict=True):
            if event.rect().intersects(frame.adjusted(-4, -4, 4, 4 + self._text_height())):
                self._paint_tile(painter, i, frame)

    def _paint_tile(self, painter: QPainter, i: int, frame: QRect) -> None:
        tile, palette = self.tiles[i], self.palette()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth)
        if tile.image is None:
            painter.fillRect(frame, palette.alternateBase())
        else:
            painter.save()
            painter.setClipRect(frame)
            self._paint_image(painter, tile.image, frame)
            if self.wiping and tile.before is not None:
                self._paint_before(painter, tile.before, frame)
            painter.restore()
        if tile.note:
            paint_badge(painter, frame, tile.note)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(tile.color, 2 if self._highlight is None or tile.key is not self._highlight else 6))
        painter.drawRoundedRect(QRectF(frame).adjusted(-2, -2, 2, 2), 3, 3)
        if i == self.current and self.hasFocus() and len(self.tiles) > 1:
            # Around the colour by which its curve is known.
            painter.setPen(QPen(palette.highlight().color(), 2))
            painter.drawRoundedRect(QRectF(frame).adjusted(-4.5, -4.5, 4.5, 4.5), 4, 4)
        painter.setPen(palette.windowText().color())
        metrics = painter.fontMetrics()
        below = QRectF(frame.left(), frame.bottom() + 4, frame.width(), self._text_height())
        lines = [metrics.elidedText(one, Qt.TextElideMode.ElideMiddle, frame.width()) for one in tile.label.split("\n")]
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, "\n".join(lines))

    def _paint_image(self, painter: QPainter, image: QImage, frame: QRect) -> None:
        target = self._target(frame)
        if image.hasAlphaChannel():
            painter.setBrushOrigin(target.topLeft())
            painter.fillRect(target, checkerboard())
        painter.drawImage(target, image)

    def _paint_before(self, painter: QPainter, before: QImage, frame: QRect) -> None:
        edge = frame.left() + round(frame.width() * self._wipe)
        painter.setClipRect(QRect(frame.topLeft(), QPoint(edge, frame.bottom())))
        self._paint_image(painter, before, frame)
        painter.setClipRect(frame)
        painter.setPen(QPen(QColor(0, 0, 0, 160), 4))
        painter.drawLine(edge, frame.top(), edge, frame.bottom())
        painter.setPen(QPen(QColor(255, 255, 255), 2))
        painter.drawLine(edge, frame.top(), edge, frame.bottom())

    def _target(self, frame: QRect) -> QRectF:
        if self.zoom is None:
            return QRectF(frame)
        # All tiles show the same part: a smaller picture is enlarged to the first one's size.
        side = self.zoom / self.fit_scale() * frame.width()
        center = QRectF(frame).center()
        return QRectF(center.x() - side * self._place.x(), center.y() - side * self._place.y(), side, side)

    # Where things are

    def _text_height(self) -> int:
        return self._lines * self.fontMetrics().height() + 6

    def _frames(self) -> list[QRect]:
        """For each shown tile where its picture goes."""
        return tiling(self.size(), len(self.visible_tiles()), self._text_height())

    def _keep_under(self, around: QPointF, zoom: float) -> None:
        frames = self._frames()
        if not frames:
            return
        frame = next((f for f in frames if f.contains(around.toPoint())), frames[0])
        fit = self.fit_scale()
        offset = around - QRectF(frame).center()
        old, new = (self.zoom or fit) / fit * frame.width(), zoom / fit * frame.width()
        # The same share of the picture before and after.
        self._place += offset / old - offset / new

    def _clamp_place(self) -> None:
        if self.zoom is None:
            return
        half = min(0.5, 0.5 * self.fit_scale() / self.zoom)
        self._place = QPointF(min(max(self._place.x(), half), 1 - half), min(max(self._place.y(), half), 1 - half))

    # Mouse and keys

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.angleDelta().y():
            self.zoom_by(_ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        place = event.position().toPoint()
        self._pressed, self._moved = place, False
        self._gripped = self._on_wipe(place)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        if self._pressed is None:
            self._hover(self.tile_at(place))
            self.setCursor(Qt.CursorShape.SplitHCursor if self._on_wipe(place) else self._hover_cursor(place))
            return
        if self._gripped:
            frame = self._frames()[0]
            tile = self.tile_at(self._pressed)
            frame = self.frame_of(tile) if tile >= 0 else frame
            self._moved = True
            self.set_wipe((place.x() - frame.left()) / max(1, frame.width()))
        elif self.zoom is not None:
            self._pan(QPointF(place - self._pressed))
            self._pressed, self._moved = place, True
        elif (place - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            tile, self._pressed = self.tile_at(self._pressed), None
            if tile >= 0 and self.tiles[tile].image is not None:
                self.drag_asked.emit(tile)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is None or self._moved or event.button() is not Qt.MouseButton.LeftButton:
            return
        tile = self.tile_at(event.position().toPoint())
        if tile >= 0:
            self.current = tile
            self.set_solo(-1 if self.solo >= 0 else tile)
        self.update()

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)

    def _hover(self, tile: int) -> None:
        if tile != self._hovered:
            self._hovered = tile
            self.hovered.emit(tile)

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Nothing: the second click of two would undo the first."""

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if key in steps and self.tiles:
            self._step_current(steps[Qt.Key(key)])
            if self.solo >= 0:
                self.set_solo(self.current)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.tiles:
            self.set_solo(-1 if self.solo >= 0 else self.current)
        elif key == Qt.Key.Key_Escape and (self.solo >= 0 or self.zoom is not None):
            self.set_zoom(None)
            self.set_solo(-1)
        else:
            super().keyPressEvent(event)
        self.update()

    def _step_current(self, by: int) -> None:
        """Go to the next tile; beside the kept one, to the next that is not."""
        self.current = (self.current + by) % len(self.tiles)
        if self.solo >= 0 and self.tiles[self.current].kept:
            self.current = (self.current + by) % len(self.tiles)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self._clamp_place()

    def _pan(self, by: QPointF) -> None:
        frames = self._frames()
        if frames and self.zoom is not None:
            self._place -= by / (self.zoom / self.fit_scale() * frames[0].width())
            self._clamp_place()
            self.update()

    def _on_wipe(self, place: QPoint) -> bool:
        tile = self.tile_at(place) if self.wiping else -1
        if tile < 0 or self.tiles[tile].before is None:
            return False
        frame = self.frame_of(tile)
        return abs(place.x() - frame.left() - frame.width() * self._wipe) <= _GRIP

    def _hover_cursor(self, place: QPoint) -> Qt.CursorShape:
        if self.tile_at(place) < 0:
            return Qt.CursorShape.ArrowCursor
        if self.zoom is not None:
            return Qt.CursorShape.OpenHandCursor
        return Qt.CursorShape.PointingHandCursor if len(self.tiles) > 1 else Qt.CursorShape.ArrowCursor
