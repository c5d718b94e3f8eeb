"""Measure how smoothly the wall of a layer's units zooms and moves, and what it takes in memory.

Run with a display, e.g. under Xvfb:

    xvfb-run -s "-screen 0 1920x1200x24" python -m benchmarks.wall

A wall of 3,072 units, each with a rendered picture and a photo, is zoomed from all units to one and back, and moved
about at several sizes, while the tiles that come to be seen are decoded. Prints frames per second, the slowest frame
in a hundred, how long it took until all tiles were there, and the memory that the wall added.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import psutil
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from benchmarks.desk import wait
from clipdesk.gui.app import make_application
from clipdesk.gui.images import packed, to_image
from clipdesk.gui.panels.wall_input import WallInput
from clipdesk.gui.wall.camera import Camera
from clipdesk.gui.wall.source import Kind, Picture

_DIFFERENT = 64
"""Pictures that differ; all others are one of these under another number."""
_FRAMES = 120
_SIDES = (20.0, 40.0, 90.0, 200.0)
"""Sides of a tile, in pixels, at which the wall is moved about."""


class Drawn:
    """What a survey might know of units, as a `WallSource`."""

    map_problem = ""

    def __init__(self, units: int) -> None:
        self.units = units
        self.columns: dict[str, NDArray[np.float64]] = {"density": np.random.default_rng(0).random(units)}
        self.words = {unit: f"word {unit % 100} 0.83" for unit in range(units)}
        self._photos = [packed(picture(seed, 224)) for seed in range(_DIFFERENT)]

    def top_photo(self, unit: int) -> bytes | None:
        """A drawn photo."""
        return self._photos[unit % _DIFFERENT]

    def map_order(self, columns: int, stopped: Callable[[], bool]) -> NDArray[np.integer]:
        """Any order."""
        return np.random.default_rng(columns).permutation(self.units)


class Measured(NamedTuple):
    """What came of a row of frames.

    Attributes:
        rate: Frames per second.
        slow: The slowest frame in a hundred, in milliseconds.
        own: Milliseconds of the processor that the window's thread takes for a frame.
    """

    rate: float
    slow: float
    own: float


Times = list[tuple[float, float]]
"""Of each frame, the seconds by the clock and those of the processor."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=3072)
    parser.add_argument("--width", type=int, default=1600)
    parser.add_argument("--height", type=int, default=1000)
    arguments = parser.parse_args()
    _ = make_application()
    before = megabytes()
    view = WallInput()
    view.resize(arguments.width, arguments.height)
    view.show()
    measure_filling(view, arguments.units)
    report("zoom to one and back", zoom(view))
    for side in _SIDES:
        report(f"move at {side:.0f} px", move(view, side))
    view.choose_all(range(0, arguments.units, 2))
    report("zoom, half of them selected", zoom(view))
    report("move at 20 px, half of them selected", move(view, _SIDES[0]))
    print(f"memory: {megabytes() - before:.0f} MB for {arguments.units:,} units")
    view.close_threads()


def measure_filling(view: WallInput, units: int) -> None:
    """Hang all units, and wait until all tiles are drawn; report frames meanwhile."""
    source = Drawn(units)
    pictures = {unit: Picture(packed(picture(unit % _DIFFERENT + 1000, 160))) for unit in range(units)}
    view.show_kind(Kind.BOTH)
    started = time.perf_counter()
    view.show_units(units, pictures, source)
    QApplication.processEvents()
    first = time.perf_counter() - started
    times: Times = []
    while not view.is_drawn:
        times.append(frame(view))
        # As often as a screen shows one, so that the tiles are decoded meanwhile.
        pause(max(0.0, 1 / 60 - times[-1][0]))
    print(f"all tiles are there after {time.perf_counter() - started:.1f} s; first frame {first * 1000:.0f} ms")
    report("frames meanwhile", measured(times))


def pause(seconds: float) -> None:
    """Run the event loop for a while."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() >= end)


def picture(seed: int, side: int) -> QImage:
    """A picture with a few colours and some noise, so that it takes as long to decode as a real one."""
    chance = np.random.default_rng(seed)
    rough = chance.integers(256, size=(7, 7, 3)).repeat(side // 7 + 1, 0).repeat(side // 7 + 1, 1)[:side, :side]
    pixels = np.clip(rough + chance.normal(0, 20, (side, side, 3)), 0, 255)
    return to_image(np.ascontiguousarray(pixels.astype(np.uint8)))


def zoom(view: WallInput) -> Measured:
    """Zoom about a point from all tiles to one and back."""
    view.look_at(Camera.of_all(view.stage), at_once=True)
    factor = (view.stage.most / view.stage.least) ** (1 / _FRAMES)
    at = QPointF(view.width() * 0.4, view.height() * 0.3)
    times: Times = []
    for step in (factor, 1 / factor):
        for _ in range(_FRAMES):
            view.zoom(step, at, at_once=True)
            times.append(frame(view))
    return measured(times)


def move(view: WallInput, side: float) -> Measured:
    """Move the wall in a circle."""
    view.look_at(Camera(view.stage.columns / 2, view.stage.rows / 2, side), at_once=True)
    times: Times = []
    for dx, dy in circle():
        view.look_at(view.goal.moved(dx, dy, view.stage), at_once=True)
        times.append(frame(view))
    return measured(times)


def circle() -> Iterator[tuple[float, float]]:
    """Steps of 24 pixels in all directions."""
    for step in range(2 * _FRAMES):
        angle = 2 * math.pi * step / _FRAMES
        yield 24 * math.cos(angle), 24 * math.sin(angle)


def frame(view: WallInput) -> tuple[float, float]:
    """Draw a frame and bring it to the screen; how long it took, with what had arrived meanwhile."""
    started, computed = time.perf_counter(), time.thread_time()
    view.repaint()
    QApplication.processEvents()
    return time.perf_counter() - started, time.thread_time() - computed


def measured(times: Times) -> Measured:
    """Frames per second, the slowest in a hundred, and what the window itself computes for one."""
    by_clock, own = np.array(times or [(math.inf, 0.0)]).T
    return Measured(1 / by_clock.mean(), 1000 * float(np.quantile(by_clock, 0.99)), 1000 * own.mean())


def report(what: str, found: Measured) -> None:
    """Print a line."""
    slow = f"one in a hundred takes {found.slow:.0f} ms or more"
    print(f"{what:40} {found.rate:4.0f} frames/s; {slow}; own work {found.own:.1f} ms", flush=True)


def megabytes() -> float:
    """Memory in use by this process."""
    return float(psutil.Process().memory_info().rss) / 2**20


if __name__ == "__main__":
    main()
