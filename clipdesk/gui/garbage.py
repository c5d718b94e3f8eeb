"""Collect garbage on the GUI thread only.

Python collects cycles on whatever thread happens to allocate. If that is the worker's, and a cycle holds a Qt object,
the object is destroyed on the wrong thread, and Qt may crash.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

_FULL_EVERY = 15


class GarbageCollector(QObject):
    """While it lives, automatic collection is off and a timer of its own thread collects instead."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._ticks = 0
        self._timer = QTimer(self, interval=2_000)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    @Slot()
    def settle(self) -> None:
        """Leave what is there now out of later collections; for when the large libraries have been loaded."""
        gc.collect()
        gc.freeze()

    def stop(self) -> None:
        """Automatic collection again."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    def _collect(self) -> None:
        self._ticks += 1
        gc.collect(2 if self._ticks % _FULL_EVERY == 0 else 1)
