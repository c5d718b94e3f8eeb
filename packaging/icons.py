"""Make the icons of all platforms from resources/icons/clipdesk.svg; run it after changing the drawing.

Needs Qt's SVG module, which is in PySide6-Essentials.
"""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

import bundle

_HERE = Path(__file__).resolve().parent / "icons"
_OF_WINDOW = bundle.ROOT / "resources" / "icons"
_WINDOWS_SIDES = [(side, side) for side in (16, 24, 32, 48, 64, 128, 256)]
_WINDOW_SIDE = 256


def main() -> None:
    """Write the PNGs, the .ico, the .icns, and the picture that the window shows."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QGuiApplication([])
    drawing = QSvgRenderer(str(_OF_WINDOW / "clipdesk.svg"))
    pictures = {side: draw(drawing, side) for side in bundle.ICON_SIDES}
    for side, picture in pictures.items():
        picture.save(_HERE / f"clipdesk-{side}.png", optimize=True)
    pictures[_WINDOW_SIDE].save(_OF_WINDOW / "clipdesk.png", optimize=True)
    largest, others = pictures[max(pictures)], list(pictures.values())
    pictures[_WINDOW_SIDE].save(_HERE / "clipdesk.ico", sizes=_WINDOWS_SIDES, append_images=others)
    largest.save(_HERE / "clipdesk.icns", append_images=others)
    app.quit()


def draw(drawing: QSvgRenderer, side: int) -> Image.Image:
    """The drawing as a picture of `side` pixels."""
    canvas = QImage(side, side, QImage.Format.Format_ARGB32)
    canvas.fill(Qt.GlobalColor.transparent)
    painter = QPainter(canvas)
    drawing.render(painter, QRectF(0, 0, side, side))
    painter.end()
    return Image.frombytes("RGBA", (side, side), bytes(canvas.constBits()), "raw", "BGRA")


if __name__ == "__main__":
    main()
