"""Tiles: the pictures and photos of units, decoded where nobody waits for it. The small ones stay in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QPainter

from clipdesk.gui.images import faded, on_checkerboard
from clipdesk.gui.wall.source import Kind, Picture, WallSource

SMALL = 32
"""Tiles up to this side stay decoded."""
_BYTES = 48 * 2**20
_APART = 128
"""Cells of this side and larger have picture and photo side by side; in smaller ones each shows its middle."""
_FILE = 160
"""Pictures larger than this are read from their file, of which the thumbnail has no more to show."""
_SMOOTH = Qt.TransformationMode.SmoothTransformation


class Tiles:
    """Decodes tiles. One thread calls `draw`, any may tell of changes.

    Args:
        pictures: The rendered pictures, by unit; may change meanwhile.
        source: What a survey knows; None where there is none.
    """

    def __init__(self, pictures: Mapping[int, Picture], source: WallSource | None) -> None:
        self._pictures = pictures
        self._source = source
        self._small: OrderedDict[tuple[Kind, int], QImage | None] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def forget(self, unit: int) -> None:
        """Hear that a unit has another picture."""
        with self._lock:
            self._drop((Kind.PICTURE, unit))

    def is_ready(self, kind: Kind, unit: int) -> bool:
        """Whether a small tile can be drawn without decoding anything."""
        parts = (Kind.PICTURE, Kind.PHOTO) if kind in (Kind.BOTH, Kind.PAIR) else (kind,)
        with self._lock:
            return all((part, unit) in self._small for part in parts)

    def draw(self, painter: QPainter, frame: QRect, kind: Kind, unit: int, empty: int) -> None:
        """Draw a unit's tile into a square."""
        if kind is Kind.PAIR:
            pictures, photos = (self._part(part, unit, frame.width()) for part in (Kind.PICTURE, Kind.PHOTO))
            _draw_pair(painter, frame, pictures, photos, empty)
            return
        if kind is not Kind.BOTH:
            _draw_whole(painter, frame, self._part(kind, unit, frame.width()), empty)
            return
        apart = frame.width() >= _APART * 7 // 8
        side = frame.width() // 2 if apart else frame.width()
        picture, photo = self._part(Kind.PICTURE, unit, side), self._part(Kind.PHOTO, unit, side)
        if picture is None or photo is None:
            if apart:
                side = frame.width()
                picture, photo = self._part(Kind.PICTURE, unit, side), self._part(Kind.PHOTO, unit, side)
            _draw_whole(painter, frame, photo if picture is None else picture, empty)
            return
        _draw_both(painter, frame, (picture, photo), apart, empty)

    def _part(self, kind: Kind, unit: int, side: int) -> QImage | None:
        """A picture or a photo that fits a square."""
        if side > SMALL:
            return self._decoded(kind, unit, side)
        key = kind, unit
        with self._lock:
            if key in self._small:
                self._small.move_to_end(key)
                found = self._small[key]
                return found if found is None or side == SMALL else _fitted(found, side)
        # It may be of another picture already, of which `forget` will tell again.
        before = self._pictures.get(unit)
        found = self._decoded(kind, unit, SMALL)
        with self._lock:
            if kind is not Kind.PICTURE or self._pictures.get(unit) is before:
                self._drop(key)
                self._small[key] = found
                self._bytes += 0 if found is None else found.sizeInBytes()
                while self._bytes > _BYTES:
                    self._drop(next(iter(self._small)))
        return found if found is None or side == SMALL else _fitted(found, side)

    def _drop(self, key: tuple[Kind, int]) -> None:
        gone = self._small.pop(key, None)
        self._bytes -= 0 if gone is None else gone.sizeInBytes()

    def _decoded(self, kind: Kind, unit: int, side: int) -> QImage | None:
        return self._photo(unit, side) if kind is Kind.PHOTO else self._picture(unit, side)

    def _photo(self, unit: int, side: int) -> QImage | None:
        data = None if self._source is None else self._source.top_photo(unit)
        if data is None:
            return None
        return _ready(_unpacked(data, side), side)

    def _picture(self, unit: int, side: int) -> QImage | None:
        picture = self._pictures.get(unit)
        if picture is None:
            return None
        image = QImage()
        if side > _FILE and picture.path is not None:
            reader = QImageReader(str(picture.path))
            image = _read(reader, side)
        if image.isNull():
            image = _unpacked(picture.thumbnail, side)
        return _ready(faded(image) if picture.faded else on_checkerboard(image), side)


def _unpacked(data: bytes, side: int) -> QImage:
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    return _read(QImageReader(buffer), side)


def _ready(image: QImage, side: int) -> QImage | None:
    """An image that fits a square, in the form that is drawn fastest; None for one that could not be read."""
    return None if image.isNull() else _fitted(image, side).convertToFormat(QImage.Format.Format_RGB32)


def _read(reader: QImageReader, side: int) -> QImage:
    size = reader.size()
    if size.isValid() and max(size.width(), size.height()) > 2 * side:
        # A JPEG is decoded at a fraction of its size, which takes a fraction of the time.
        reader.setScaledSize(size.scaled(QSize(2 * side, 2 * side), Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()


def _fitted(image: QImage, side: int) -> QImage:
    return image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, _SMOOTH)


def _draw_whole(painter: QPainter, frame: QRect, image: QImage | None, empty: int) -> None:
    if image is None or image.width() != image.height():
        painter.fillRect(frame, empty)
    if image is not None:
        place = QRect(frame.topLeft(), image.size())
        place.moveCenter(frame.center())
        painter.drawImage(place.topLeft(), image)


def _draw_both(painter: QPainter, frame: QRect, images: tuple[QImage, QImage], apart: bool, empty: int) -> None:
    """A picture on the left and a photo on the right."""
    painter.fillRect(frame, empty)
    half = frame.width() // 2
    halves = (
        QRect(frame.left(), frame.top(), half, frame.height()),
        QRect(frame.left() + half, frame.top(), frame.width() - half, frame.height()),
    )
    for place, image in zip(halves, images, strict=True):
        if apart:
            _draw_whole(painter, place, image, empty)
        else:
            part = QRect(0, 0, min(place.width(), image.width()), min(place.height(), image.height()))
            part.moveCenter(image.rect().center())
            painter.drawImage(place, image, part)


def _draw_pair(painter: QPainter, frame: QRect, pictures: QImage | None, photos: QImage | None, empty: int) -> None:
    """Pictures over the first photos; photos alone where no pictures are rendered."""
    if pictures is None or photos is None:
        _draw_whole(painter, frame, photos if pictures is None else pictures, empty)
        return
    painter.fillRect(frame, empty)
    painter.drawImage(frame.topLeft(), pictures)
    below = QRect(frame.left(), frame.top() + pictures.height(), frame.width(), frame.height() - pictures.height())
    painter.drawImage(below, photos, QRect(0, 0, photos.width(), photos.height() // 2))
