"""A real window for the benchmarks: settings and results in a folder of its own, the event loop in their hands."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QSettings
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
        window.controller.worker.opened.connect(garbage.settle)
        window.show()
        window.opening.open()
        wait(lambda: window.model_name is not None)
        try:
            yield window
        finally:
            window.interrupt()
            garbage.stop()


def wait(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Run the event loop until something is so.

    Raises:
        TimeoutError: it was not so in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the window did not get there")
        QApplication.processEvents()
        time.sleep(0.001)
