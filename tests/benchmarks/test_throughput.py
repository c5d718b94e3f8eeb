from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from benchmarks.throughput import MODELS, POINTS, Point, draw, timed
from clipdesk.models.loading import load_model


def test_a_point_is_pictures_a_minute() -> None:
    assert timed(load_model("demo"), Point("group", "demo", 2, 64), MODELS["demo"][1], steps=1, device="cpu") > 0


def test_every_point_is_drawn(qapp: QApplication, tmp_path: Path) -> None:
    measured = [Point(p.plot, p.model, p.pictures, p.side or 128, 1.0 + i) for i, p in enumerate(POINTS)]
    draw(measured, tmp_path / "plot.png")
    image = QImage(str(tmp_path / "plot.png"))
    assert image.width() == 1500
    colors = {image.pixelColor(x, y).name() for x in range(0, 1500, 2) for y in range(0, 420, 2)}
    assert {"#3465a4", "#c4541c"} <= colors
