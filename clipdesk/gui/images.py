"""Converting pictures for Qt."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, Qt
from PySide6.QtGui import QColor, QImage, QImageWriter, QPainter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_QUALITY = 90
_BADGE = QColor(32, 32, 32, 215)
_UNPACKED = 256
"""Thumbnails that stay decoded: more than fit on a screen."""


def to_image(pixels: NDArray[np.uint8]) -> QImage:
    """A Qt image of a picture, (height, width, 3), with memory of its own."""
    height, width, _ = pixels.shape
    return QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def packed(image: QImage) -> bytes:
    """An image as a JPEG: a tenth of the memory, for thumbnails that are kept by the thousand."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"JPEG"))
    writer.setQuality(_QUALITY)
    writer.write(image)
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
    """A picture, (height, width, 3), scaled to fit a square."""
    keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    return to_image(pixels).scaled(side, side, keep, smooth)
