"""Measure what starting and cancelling renders leaves behind.

    QT_QPA_PLATFORM=offscreen python -m benchmarks.start_cancel

Starts and cancels a render 1,000 times in one window, each time at another moment. Prints the resident memory after
every hundred, and the threads at the end.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import threading
import time

from PySide6.QtWidgets import QApplication

from benchmarks.desk import open_window, wait
from clipdesk.gui.main_window import MainWindow
from clipdesk.render.presets import make_settings

_CLEAR_EVERY = 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    with open_window() as window:
        window.parameters.show_settings(make_settings(iterations=5000))
        wait(lambda: bool(window.parameters.estimate.text()))
        sizes: list[float] = []
        before = _threads()
        for cycle in range(1, arguments.cycles + 1):
            _cycle(window, cycle, moments.choice((0.0, 0.0, 0.02, 0.05, 0.1)))
            if cycle == 1:
                before = _threads()
            if cycle % 100 == 0:
                gc.collect()
                sizes.append(_resident())
                print(f"{cycle} cycles: {sizes[-1]:.1f} MB resident, {_threads()} threads", flush=True)
        after = _threads()
    growth = max(sizes) / sizes[0] - 1
    print(f"most after the first hundred: {growth:+.1%}; threads {before} after the first cycle, {after} at the end")
    print(f"Python threads when closed: {[thread.name for thread in threading.enumerate()]}")


def _cycle(window: MainWindow, cycle: int, pause: float) -> None:
    window.neurons.select(cycle % 700)
    window.asking.render(window.neurons.selected())
    end = time.monotonic() + pause
    while time.monotonic() < end:
        QApplication.processEvents()
    window.queue.stop()
    wait(lambda: all(run.state.finished for run in window.controller.queue))
    if cycle % _CLEAR_EVERY == 0:
        # Like a user who tidies up; the memory of thousands of kept results is another question.
        window.queue.clear_action.trigger()


def _resident() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


if __name__ == "__main__":
    main()
