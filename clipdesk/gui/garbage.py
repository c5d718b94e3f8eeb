"""Collect garbage on the GUI thread only.

Python collects cycles on whatever thread happens to allocate. If that is the worker's, and a cycle holds a Qt object,
the object is destroyed on the wrong thread, and Qt may crash.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

_FULL_EVERY = 15
_MANY = 50_000
"""From so many new objects on, to look at them stalls the window."""
_MOST_TIMES = 20
"""What was among them and becomes garbage later is lost; so it may not happen for ever."""


class GarbageCollector(QObject):
    """While it lives, automatic collection is off and a timer of its own thread collects instead."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._ticks, self._times = 0, 0
        self._timer = QTimer(self, interval=2_000)
        self._timer.timeout.connect(self.collect)
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

    @Slot()
    def collect(self) -> None:
        """Collect what is new, now and then everything; what is new in great numbers has come to stay.

        Such are the rest of torch, which is loaded with the first step, and a queue's units.
        """
        self._ticks += 1
        if gc.get_count()[0] > _MANY and self._times < _MOST_TIMES:
            self._times += 1
            gc.freeze()
        else:
            gc.collect(2 if self._ticks % _FULL_EVERY == 0 else 1)
