"""Pictures a minute against group size, picture size and model: the plots in docs/performance.md.

    QT_QPA_PLATFORM=offscreen python -m benchmarks.throughput --plot docs/images/throughput.png

Times a step of the standard preset, and multiplies it by the number of steps. All points take turns in every round, so
that a machine that slows down affects all alike. Draws medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from clip.model import CLIP
from pyqtgraph import BarGraphItem, PlotDataItem, PlotWidget, TextItem, mkPen
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from benchmarks.speed import base_model
from clipdesk.gui.app import make_application
from clipdesk.models.loading import load_model, resolve_device
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit

COLORS, INK = (QColor("#3465a4"), QColor("#c4541c")), QColor("#333333")
RATES = 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000
"""Ticks of the axis with pictures a minute."""


@dataclass(frozen=True)
class Point:
    """A measured point.

    Attributes:
        plot: ``group``, ``size`` or ``model``.
        model: Name of the model.
        pictures: Number of pictures side by side.
        side: Side of the pictures in pixels.
        minute: Measured pictures a minute.
    """

    plot: str
    model: str
    pictures: int
    side: int
    minute: float = 0.0


def shaped(embedding: int, blocks: int | tuple[int, int, int, int], width: int, patch: int | None) -> CLIP:
    """A model of this geometry with random weights, for 224 px."""
    torch.manual_seed(0)
    return CLIP(embedding, 224, blocks, width, patch, 77, 49408, 512, 8, 12).eval().float()


MODELS: dict[str, tuple[Callable[[], CLIP], str]] = {
    "demo": (lambda: load_model("demo"), "visual.transformer.resblocks.3.mlp.gelu"),
    "demo-rn": (lambda: load_model("demo-rn"), "visual.layer3"),
    "ViT-B/32": (base_model, "visual.transformer.resblocks.8.mlp"),
    "ViT-B/16": (lambda: shaped(512, 12, 768, 16), "visual.transformer.resblocks.8.mlp"),
    "RN50": (lambda: shaped(1024, (3, 4, 6, 3), 64, None), "visual.layer3"),
}
"""The function that makes each model, and the layer of the units, about two thirds of the way through."""

POINTS = [
    *(Point("group", model, count, 0) for model in ("demo", "ViT-B/32") for count in (1, 2, 4, 8, 16, 32)),
    *(Point("size", model, 8, side) for model in ("demo", "ViT-B/32") for side in (64, 128, 224, 320, 512)),
    *(Point("model", model, 8, 0) for model in MODELS),
]


def timed(model: CLIP, point: Point, layer: str, steps: int, device: str) -> float:
    """Pictures a minute, measured on `steps` steps after the first."""
    targets = [Unit(layer=layer, index=index) for index in range(point.pictures)]
    settings = make_settings(device=device, image_size=point.side or None)
    frames = render(model, targets, settings, inspector=LayerInspector(model))
    next(frames)
    started = time.perf_counter()
    for _ in range(steps):
        next(frames)
    seconds = (time.perf_counter() - started) / steps
    return 60 * point.pictures / seconds / settings.iterations


def measure(rounds: int, steps: int, device: str) -> list[Point]:
    """Measure all points."""
    made = {name: (make().to(device), layer) for name, (make, layer) in MODELS.items()}
    found: list[list[float]] = [[] for _ in POINTS]
    for _ in range(rounds):
        for values, point in zip(found, POINTS, strict=True):
            model, layer = made[point.model]
            values.append(timed(model, point, layer, steps, device))
            print(
                f"{point.plot:6} {point.model:9} {point.pictures:3} x {point.side:3} px: {values[-1]:8.2f}", flush=True
            )
    medians = [statistics.median(values) for values in found]
    return [Point(p.plot, p.model, p.pictures, p.side, m) for p, m in zip(POINTS, medians, strict=True)]


def draw(points: list[Point], path: Path) -> None:
    """Draw the three plots side by side, as a PNG."""
    make_application()
    board = QWidget()
    row = QHBoxLayout(board)
    for plot, title in (("group", "pictures side by side"), ("size", "side, px")):
        row.addWidget(lines([point for point in points if point.plot == plot], title))
    row.addWidget(bars([point for point in points if point.plot == "model"]))
    board.setStyleSheet("background: white")
    board.resize(1500, 420)
    board.show()
    QApplication.processEvents()
    board.grab().save(str(path))


def lines(points: list[Point], title: str) -> PlotWidget:
    """A plot with one line per model, logarithmic axes, and a tick at each measured point."""
    widget = plot_of(title)
    item = widget.getPlotItem()
    item.setLogMode(x=True, y=True)
    across: dict[float, str] = {}
    for color, name in zip(COLORS, dict.fromkeys(point.model for point in points), strict=True):
        some = [point for point in points if point.model == name]
        xs = np.array([point.pictures if point.plot == "group" else point.side for point in some], np.float64)
        ys = np.array([point.minute for point in some])
        item.addItem(PlotDataItem(xs, ys, pen=mkPen(color, width=2), symbol="o", symbolBrush=color))
        across |= {math.log10(x): f"{x:.0f}" for x in xs}
        label = TextItem(name, color=color, anchor=(0.5, 1.4))
        label.setPos(math.log10(xs[len(xs) // 2]), math.log10(ys[len(ys) // 2]))
        item.addItem(label)
    item.getAxis("bottom").setTicks([list(across.items())])
    item.getAxis("left").setTicks([[(math.log10(y), f"{y:g}") for y in RATES]])
    return widget


def bars(points: list[Point]) -> PlotWidget:
    """A plot with one bar per model, and its rate above the bar."""
    widget = plot_of("model, eight pictures side by side")
    item = widget.getPlotItem()
    rates = np.array([point.minute for point in points])
    item.addItem(BarGraphItem(x=np.arange(len(rates)), height=rates, width=0.6, brush=COLORS[0]))
    for i, rate in enumerate(rates):
        label = TextItem(f"{rate:.3g}", color=INK, anchor=(0.5, 1))
        label.setPos(i, rate)
        item.addItem(label)
    item.getAxis("bottom").setTicks([[(float(i), point.model) for i, point in enumerate(points)]])
    return widget


def plot_of(title: str) -> PlotWidget:
    """An empty plot of pictures a minute."""
    widget = PlotWidget()
    widget.setBackground(QColor("white"))
    item = widget.getPlotItem()
    item.setLabel("bottom", title)
    item.setLabel("left", "pictures a minute")
    item.showGrid(x=True, y=True, alpha=0.2)
    for side in ("bottom", "left"):
        item.getAxis(side).setPen(INK)
        item.getAxis(side).setTextPen(INK)
    return widget


def main() -> None:
    """Parse the command line, measure, draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description="Pictures a minute.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3, help="steps of each point in each round")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path, default=Path("build/throughput.json"), help="file that keeps the figures")
    parser.add_argument("--plot", type=Path, help="PNG to write")
    parser.add_argument("--kept", action="store_true", help="draw the kept figures without measuring")
    arguments = parser.parse_args()
    if arguments.kept:
        points = [Point(**point) for point in json.loads(arguments.json.read_text())]
    else:
        points = measure(arguments.rounds, arguments.steps, str(resolve_device(arguments.device)))
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps([asdict(point) for point in points], indent=1))
    if arguments.plot:
        draw(points, arguments.plot)


if __name__ == "__main__":
    main()
