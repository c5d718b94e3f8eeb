from collections.abc import Iterator
from pathlib import Path

import pytest
from clip.model import CLIP
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from benchmarks import throughput
from benchmarks.throughput import MODELS, POINTS, Point, draw
from clipdesk.models.loading import load_model
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.loop import Frame, render
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target


def test_a_point_is_pictures_a_minute_from_the_steps_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0

    def counted(
        model: CLIP, targets: list[Target], settings: RenderSettings, *, inspector: LayerInspector
    ) -> Iterator[Frame]:
        nonlocal steps
        for frame in render(model, targets, settings, inspector=inspector):
            steps += 1
            yield frame

    monkeypatch.setattr(throughput, "render", counted)
    # The first step takes an hour, each later one two seconds.
    monkeypatch.setattr("benchmarks.throughput.time.perf_counter", lambda: 3600.0 * min(steps, 1) + 2.0 * (steps - 1))
    point = Point("group", "demo", 3, 64)
    rate = throughput.timed(load_model("demo"), point, MODELS["demo"][1], steps=2, device="cpu")
    assert rate == pytest.approx(3 * 60 / 2 / make_settings().iterations)


def test_every_point_is_drawn(qapp: QApplication, tmp_path: Path) -> None:
    measured = [Point(p.plot, p.model, p.pictures, p.side or 128, 1.0 + i) for i, p in enumerate(POINTS)]
    draw(measured, tmp_path / "plot.png")
    image = QImage(str(tmp_path / "plot.png"))
    assert image.width() == 1500
    colors = {image.pixelColor(x, y).name() for x in range(0, 1500, 2) for y in range(0, 420, 2)}
    assert {"#3465a4", "#c4541c"} <= colors
