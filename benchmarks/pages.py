"""Measure the unit page: how soon it changes, what the window's thread waits meanwhile, and what memory it takes.

    xvfb-run -s "-screen 0 1920x1200x24" python -m benchmarks.pages

A survey of drawn scenes by the embedded model is made first. Then the page goes from unit to unit, alone
and while a render and a second survey run. The time of a change is from the choice until the unit's numbers are shown;
pictures come a moment later.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence

import numpy as np
import psutil
from PySide6.QtCore import QEventLoop, QTimer

from benchmarks.desk import Ticks, open_window, wait
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.surveys.data import PooledUnit
from clipdesk.network.layer_names import short_layer
from clipdesk.render.presets import make_settings

_WARM_UP = 40
_READ = 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--many", type=int, default=2000, help="changes over which memory is looked at")
    parser.add_argument("--layer", help="only the units of this layer, such as 3.mlp.gelu")
    arguments = parser.parse_args()
    with open_window() as window:
        survey(window, f"scenes:{arguments.pictures}")
        units = units_of(window, arguments.layer)
        go_through(window, units[:_WARM_UP])
        alone, heat = go_through(window, units[: arguments.changes]), heat_of(window)
        print(f"page change, alone: {percentiles(alone)}; heat maps of 18 pictures: {heat:.0f} ms")
        first, last = memory_over(window, units, arguments.many)
        print(f"memory over {arguments.many} changes: {first:.0f} MB, then {last:.0f} MB ({last / first - 1:+.1%})")
        print_busy(window, units[: arguments.changes])


def survey(window: MainWindow, images: str) -> None:
    """Survey images with the open model, and wait until the window asks the survey and has read its words."""
    desk = window.surveys.desk
    before = desk.current
    window.surveys.pages.survey(images)
    wait(lambda: desk.current is not None and desk.current is not before)
    survey = desk.current
    if window.neurons.model.layer is None:
        window.architecture.choose(units_of(window)[0].layer)
    wait(lambda: survey is not None and survey.lexicon is not None)


def units_of(window: MainWindow, layer: str | None = None) -> list[PooledUnit]:
    """Units of all surveyed layers or of one, in an order by chance that is the same each time."""
    survey = window.surveys.desk.current
    assert survey is not None, "there is a survey"
    files = {file.layer: file.units for file in survey.manifest.layers if layer in (None, short_layer(file.layer))}
    units = [PooledUnit(name, unit) for name, count in files.items() for unit in range(count)]
    random.Random(0).shuffle(units)
    return units


def go_through(window: MainWindow, units: Sequence[PooledUnit]) -> list[float]:
    """Show the page of each unit in turn; how long each took, in milliseconds."""
    taken: list[float] = []
    # Nothing is polled: who asks every millisecond disturbs what is measured.
    loop, shown = QEventLoop(), window.surveys.desk.answered
    for each in units:
        answered = shown.connect(lambda unit, _facts, wanted=each: loop.quit() if unit == wanted else None)
        begun = time.perf_counter()
        window.surveys.pages.go(each)
        loop.exec()
        taken.append(1000 * (time.perf_counter() - begun))
        shown.disconnect(answered)
    return taken


def heat_of(window: MainWindow) -> float:
    """How long the heat maps of a page's pictures take, in milliseconds."""
    page = window.surveys.unit
    wait(lambda: not page.photos.photos.missing())
    begun = time.perf_counter()
    page.warm.setChecked(True)
    first = page.photos.photos.pictures()[0]
    wait(lambda: page.photos.photos.heat_of(first) is not None)
    page.warm.setChecked(False)
    return 1000 * (time.perf_counter() - begun)


def memory_over(window: MainWindow, units: Sequence[PooledUnit], changes: int) -> tuple[float, float]:
    """Memory after a fifth of the changes, and after all of them, in MB."""
    process = psutil.Process()
    go_through(window, units[: changes // 5])
    first = process.memory_info().rss / 1e6
    go_through(window, units[changes // 5 : changes])
    return first, process.memory_info().rss / 1e6


def print_busy(window: MainWindow, units: Sequence[PooledUnit]) -> None:
    """Change pages while a render and a survey run."""
    window.parameters.show_settings(make_settings(iterations=5000, device="cpu"))
    window.asking.render_beside(window.neurons.selected())
    wait(lambda: window.controller.running is not None and window.controller.running.step > 3)
    window.surveys.pages.survey("scenes:100000")
    surveyor = window.surveys.surveyor
    wait(lambda: surveyor.making is not None and surveyor.making.state == "running")
    ticks = Ticks(window)
    read_through(window, units[:_READ])
    print(f"gaps between ticks, beside a render and a survey, a page a second: {gaps_of(ticks)}")
    ticks = Ticks(window)
    taken = go_through(window, units)
    print(f"the same, one page after the other: {gaps_of(ticks)}")
    print(f"page change, beside a render and a survey: {percentiles(taken)}")


def read_through(window: MainWindow, units: Sequence[PooledUnit]) -> None:
    """Show the page of each unit for a second, as a person would who reads fast."""
    for each in units:
        window.surveys.pages.go(each)
        loop = QEventLoop()
        QTimer.singleShot(1000, loop.quit)
        loop.exec()


def gaps_of(ticks: Ticks) -> str:
    """Median, 99th percentile and largest of the gaps, and how much of the 99th percentile's the thread computed."""
    gaps = ticks.stop()
    p50, p99 = np.percentile(gaps, [50, 99])
    own = np.percentile(np.asarray(ticks.computing), 99)
    return f"median {p50:.1f} ms, p99 {p99:.1f} ms (own work {own:.1f} ms), worst {gaps.max():.1f} ms"


def percentiles(taken: Sequence[float]) -> str:
    """Median, 95th percentile and largest of some times."""
    p50, p95 = np.percentile(taken, [50, 95])
    return f"median {p50:.0f} ms, p95 {p95:.0f} ms, worst {max(taken):.0f} ms"


if __name__ == "__main__":
    main()
