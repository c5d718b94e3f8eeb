"""A real window for the benchmarks, with settings and results in its own folder and an event loop that they drive."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer, QObject, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication

from clipdesk.gui.app import make_application
from clipdesk.gui.garbage import GarbageCollector
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.theme import Theme


@contextmanager
def open_window(model: str = "demo", theme: str = "light") -> Iterator[MainWindow]:
    """A window with its model opened, as the program has it."""
    app = make_application()
    with tempfile.TemporaryDirectory() as folder:
        # Not the user's own queue.
        os.environ["CLIPDESK_DATA"] = str(Path(folder) / "data")
        settings = QSettings(str(Path(folder) / "settings.ini"), QSettings.Format.IniFormat)
        settings.setValue("folder", str(Path(folder) / "results"))
        settings.setValue("theme", theme)
        window = MainWindow(model, settings=settings, theme=Theme(app, settings))
        garbage = GarbageCollector(window)
        window.controller.opener.opened.connect(garbage.settle)
        window.show()
        window.opening.open()
        wait(lambda: window.session.model_name is not None)
        try:
            yield window
        finally:
            window.interrupt()
            garbage.stop()


def wait(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Run the event loop until a condition holds.

    Raises:
        TimeoutError: the condition did not hold in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the window did not get there")
        QApplication.processEvents()
        time.sleep(0.001)


class Ticks(QObject):
    """A timer of 5 ms that records when the event loop calls it, from now until `stop`.

    Attributes:
        computing: For each gap between ticks, the time in milliseconds that this thread itself computed; in the rest it
            waited for others, such as programs on the same cores.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.computing: list[float] = []
        self._gaps: list[float] = []
        self._clock = QElapsedTimer()
        self._clock.start()
        self._last, self._computed = self._clock.nsecsElapsed(), time.thread_time_ns()
        self._timer = QTimer(self, interval=5, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now, computed = self._clock.nsecsElapsed(), time.thread_time_ns()
        self._gaps.append((now - self._last) / 1e6)
        self.computing.append((computed - self._computed) / 1e6)
        self._last, self._computed = now, computed

    def stop(self) -> NDArray[np.float64]:
        """The gaps between ticks in milliseconds, without the first gap."""
        self._timer.stop()
        del self.computing[:1]
        return np.array(self._gaps[1:])
