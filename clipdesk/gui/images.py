"""Converting pictures for Qt."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QImageWriter, QPainter, QPixmap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


CHECK = 8
"""Side of a square of the checkerboard."""
_LIGHT, _DARK = QColor(255, 255, 255), QColor(204, 204, 204)
_QUALITY = 90
_BADGE = QColor(32, 32, 32, 215)
_UNPACKED = 256
"""Thumbnails that stay decoded: more than fit on a screen."""


def to_image(pixels: NDArray[np.uint8]) -> QImage:
    """A Qt image of a picture, (height, width, 3 or 4), with memory of its own."""
    height, width, channels = pixels.shape
    kind = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    return QImage(pixels.tobytes(), width, height, channels * width, kind).copy()


@cache
def checkerboard() -> QBrush:
    """What transparent pictures are shown on: it hides neither dark nor light ones, in either theme."""
    tile = QImage(2 * CHECK, 2 * CHECK, QImage.Format.Format_RGB32)
    tile.fill(_LIGHT)
    painter = QPainter(tile)
    for x, y in ((0, 0), (CHECK, CHECK)):
        painter.fillRect(x, y, CHECK, CHECK, _DARK)
    painter.end()
    return QBrush(tile)


def on_checkerboard(image: QImage) -> QImage:
    """An image as it is seen: where it is transparent, the checkerboard shows through."""
    if not image.hasAlphaChannel():
        return image
    seen = QImage(image.size(), QImage.Format.Format_RGB32)
    painter = QPainter(seen)
    painter.fillRect(seen.rect(), checkerboard())
    painter.drawImage(0, 0, image)
    painter.end()
    return seen


def packed(image: QImage) -> bytes:
    """An image as a JPEG: a tenth of the memory, for thumbnails that are kept by the thousand.

    A JPEG knows no transparency, so that a checkerboard stands for it.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"JPEG"))
    writer.setQuality(_QUALITY)
    writer.write(on_checkerboard(image))
    return bytes(buffer.data().data())


@lru_cache(maxsize=_UNPACKED)
def unpacked(thumbnail: bytes) -> QImage:
    """The image that `packed` was given; the last ones stay decoded."""
    return QImage.fromData(thumbnail)


def faded(image: QImage) -> QImage:
    """An image without its colours, which would be taken for a result."""
    return image.convertToFormat(QImage.Format.Format_Grayscale8)


def badged(image: QImage, words: str) -> QImage:
    """A copy of an image with words over its lower edge."""
    copy = image.convertToFormat(QImage.Format.Format_RGB32)
    painter = QPainter(copy)
    paint_badge(painter, copy.rect(), words)
    painter.end()
    return copy


def paint_badge(painter: QPainter, frame: QRect, words: str) -> None:
    """Write words over the lower edge of a picture."""
    strip = QRect(frame)
    strip.setTop(frame.bottom() + 1 - painter.fontMetrics().height())
    painter.fillRect(strip, _BADGE)
    painter.setPen(Qt.GlobalColor.white)
    text = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, strip.width())
    painter.drawText(strip, Qt.AlignmentFlag.AlignCenter, text)


def small(pixels: NDArray[np.uint8], side: int) -> QImage:
    """A picture, (height, width, 3 or 4), scaled to fit a square."""
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return to_image(pixels).scaled(side, side, keep, smooth)


def to_pixmap(image: QImage) -> QPixmap:
    """An image for a label."""
    return QPixmap.fromImage(image)
