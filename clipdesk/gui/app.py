"""Start the window. It is on screen before torch is loaded."""

from __future__ import annotations

import logging
import os
import signal
import sys
from types import TracebackType

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from clipdesk.gui.garbage import GarbageCollector
from clipdesk.gui.link_filter import LinkFilter
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.theme import Theme
from clipdesk.models.names import find_name
from clipdesk.network.layer_names import Place
from clipdesk.paths import resource
from clipdesk.version import __version__

log = logging.getLogger(__name__)

_SWITCH_INTERVAL = 0.001
_DESKTOP_FILE = "io.github.clipdesk.ClipDesk"
"""By this name Wayland's desktops find the icon that packaging/linux installs."""


def run(model: str | None = None, start: bool = False, place: Place | None = None) -> int:
    """Open the window and run until it is closed.

    Args:
        model: Name or file of the model to open; None for the one that was open last.
        start: Whether to render one neuron as soon as the model is ready.
        place: The layer and the unit to show first.

    Returns:
        The exit code.

    Raises:
        UsageError: there is no such model.
    """
    if model is not None:
        find_name(model)
    app = make_application()
    sys.excepthook = _log_unexpected
    settings = QSettings("ClipDesk", "ClipDesk")
    window = MainWindow(model, start=start, settings=settings, theme=Theme(app, settings))
    if place is not None:
        window.first_steps.go_to(place, model)
    app.installEventFilter(LinkFilter(window))
    # Not before, so that the window is seen while torch loads.
    window.appeared.connect(window.opening.open)
    window.show()
    garbage = GarbageCollector(window)
    window.controller.opener.opened.connect(garbage.settle)
    # Python sees a signal only when it runs; Qt's loop alone would keep it waiting.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: window.interrupt())
    ticker = QTimer(window, interval=200)
    ticker.timeout.connect(lambda: None)
    ticker.start()
    code = app.exec()
    garbage.stop()
    if not window.ended:
        # The thread is in a very long step or the like. Everything is written; Qt would abort over a running thread.
        log.warning("the render thread did not end in time")
        settings.sync()
        os._exit(code)
    return code


def make_application() -> QApplication:
    """The Qt application, as the window needs it."""
    # The render's thread gives Python up to the window's sooner than after the usual 5 ms.
    sys.setswitchinterval(_SWITCH_INTERVAL)
    # As torch's (computing.py): on all cores, NumPy's threads wait for one that the window or a render holds up. It is
    # read when NumPy is loaded, which the window does without at first.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(max(1, (os.cpu_count() or 2) - 1)))
    app = QApplication.instance() or QApplication(sys.argv[:1])
    if not isinstance(app, QApplication):
        raise TypeError("a Qt application without windows is running")
    app.setApplicationName("ClipDesk")
    app.setApplicationVersion(__version__)
    app.setWindowIcon(QIcon(str(resource("icons/clipdesk.png"))))
    app.setDesktopFileName(_DESKTOP_FILE)
    app.setStyle("Fusion")
    return app


def _log_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An error that nobody caught; may be called on any thread, so it shows nothing."""
    log.error("unexpected", exc_info=(kind, error, trace))
