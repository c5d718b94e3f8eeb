"""Work in the background, so that the window need not wait for it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QThreadPool, Signal

from clipdesk.gui.problems import explained


class Background(QObject):
    """Does one task after the other, always on the same thread of its own.

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
        """Queue a task; an urgent one goes before those that are not. `failed` reports an error in it."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                self.failed.emit(explained(error))

        # Not 1 and 0: the pool gives a task that wakes an idle thread priority 0, and others would overtake it.
        self._pool.start(guarded, 0 if urgent else -1)

    def wait(self, timeout_ms: int = -1) -> bool:
        """Wait until all tasks are done, as before the program ends.

        Args:
            timeout_ms: How long at most; for ever if it is negative.

        Returns:
            False if they are not done by then.
        """
        return self._pool.waitForDone(timeout_ms)
