"""Measure how long the window keeps the user waiting while a render uses all cores.

Run with a display, e.g. under Xvfb:

    xvfb-run -s "-screen 0 1920x1200x24" python -m benchmarks.responsiveness

For a minute, eight neurons are rendered on the CPU with a live canvas, while the neuron table scrolls and a parameter
is edited. A timer of 5 ms records when the event loop calls it; the gaps between its ticks are printed.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEventLoop, QTimer

from benchmarks.desk import Ticks, open_window, wait
from clipdesk.gui.main_window import MainWindow
from clipdesk.render.presets import make_settings

_SCROLL_MS = 30
_EDIT_MS = 150


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--neurons", type=int, default=8)
    parser.add_argument("--size", type=int, default=None, help="side of the pictures in pixels; default: the model's")
    parser.add_argument("--idle", action="store_true", help="render nothing, for comparison")
    arguments = parser.parse_args()
    with open_window() as window:
        window.neurons.range.setText(f"200:{200 + arguments.neurons}")
        if not arguments.idle:
            window.parameters.show_settings(make_settings(iterations=5000, image_size=arguments.size, device="cpu"))
            window.asking.render(window.neurons.selected())
            wait(lambda: window.session.watched is not None and window.session.watched.step > 3)
        gaps = measure(window, arguments.seconds)
        run = window.session.watched
        rate = run.steps_per_second if run is not None else 0.0
    p50, p99 = np.percentile(gaps, [50, 99])
    print(f"{len(gaps)} ticks in {gaps.sum() / 1000:.0f} s; {rate:.1f} steps/s of {arguments.neurons} neurons")
    print(f"gap between ticks: median {p50:.1f} ms, p99 {p99:.1f} ms, worst {gaps.max():.1f} ms")
    print(f"gaps over 33 ms: {(gaps > 33).sum()}, over 100 ms: {(gaps > 100).sum()}")


def measure(window: MainWindow, seconds: float) -> NDArray[np.float64]:
    """Gaps between ticks in milliseconds."""
    ticks = Ticks(window)
    scroller, bar = _timer(window, _SCROLL_MS), window.neurons.table.verticalScrollBar()
    scroller.timeout.connect(lambda: bar.setValue((bar.value() + 1) % max(1, bar.maximum())))
    editor, box = _timer(window, _EDIT_MS), window.parameters.rows["noise"].box
    editor.timeout.connect(lambda: box is not None and box.stepBy(1 if box.value() < 0.9 else -10))
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()
    gaps = ticks.stop()
    for timer in (scroller, editor):
        timer.stop()
    return gaps


def _timer(window: MainWindow, interval: int) -> QTimer:
    timer = QTimer(window, interval=interval)
    timer.start()
    return timer


if __name__ == "__main__":
    main()
