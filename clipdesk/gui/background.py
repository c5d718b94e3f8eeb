"""Work for which the window must not wait."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QThreadPool, Signal

from clipdesk.gui.problems import explained


class Background(QObject):
    """Does one thing after the other on a thread of its own; the thread stays the same.

    Signals:
        failed: A `Problem`.
    """

    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._pool.setExpiryTimeout(-1)

    def start(self, work: Callable[[], object], urgent: bool = True) -> None:
        """Have something done, before what waits and is not urgent; an error in it is told by `failed`."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                self.failed.emit(explained(error))

        # Not 1 and 0: the pool gives a task that wakes an idle thread priority 0, and others would overtake it.
        self._pool.start(guarded, 0 if urgent else -1)

    def wait(self) -> None:
        """Wait until all is done, as before the program ends."""
        self._pool.waitForDone()
