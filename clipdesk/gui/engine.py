"""Engine: the queue and the two threads beside the window, which work through it and open models."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, Signal

from clipdesk.gui.desk import QueueDesk
from clipdesk.gui.worker import LazyHere, Opener, Worker
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.store import default_store

if TYPE_CHECKING:
    from clipdesk.gui.live import Mailbox
    from clipdesk.models.names import ModelName
    from clipdesk.render.settings import RenderSettings


_GRACE_MS = 3_000
"""How long at least to wait for a thread that has just been told to end."""


class Engine(QObject):
    """Owns the queue's service and the threads. A thread is started when there is something for it to do.

    Args:
        mailbox: Where the steps of the running job go.
        parent: Qt's.

    Attributes:
        desk: Asks the queue for things, and looks what other programs do.
        worker: Works through the queue.
        opener: Opens models.
    """

    _work = Signal()
    _open = Signal(str, object)
    _measure = Signal(object, object)
    _finish = Signal(bool)

    def __init__(self, mailbox: Mailbox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stopped = False
        self._cancelled = threading.Event()
        self._service = QueueService(default_store(), LazyHere(mailbox.wanted), fallback=True)
        self.desk = QueueDesk(self._service, self)
        self.worker = Worker(self._service, mailbox, self.desk.numbers, self.desk.made_here)
        self.opener = Opener()
        self._render_thread = self._thread_of(self.worker, "render")
        self._opening_thread = self._thread_of(self.opener, "opening")
        self._work.connect(self.worker.work)
        self._measure.connect(self.worker.measure)
        self._finish.connect(self.worker.finish)
        self._open.connect(self.opener.open_model)

    def _thread_of(self, worker: Worker | Opener, name: str) -> QThread:
        thread = QThread(self)
        thread.setObjectName(name)
        worker.moveToThread(thread)
        thread.started.connect(worker.settle)
        return thread

    def open_model(self, name: str) -> None:
        """Open a model in the background; `opener.opened`, `open_failed` or `open_cancelled` follows."""
        if self._stopped:
            return
        if not self._opening_thread.isRunning():
            self._opening_thread.start()
        self._open.emit(name, self._cancelled)

    def cancel_opening(self) -> None:
        """Give up opening what was asked for, between two stages or during a download, which may go on another time."""
        self._cancelled.set()
        # What is opened from now on has another one: the thread may not have seen this one yet.
        self._cancelled = threading.Event()

    def work(self) -> None:
        """Have the worker look for work."""
        if self._stopped:
            return
        self.worker.hurry.set()
        self._start()
        # One call on its way is enough: a job that comes meanwhile is seen by it.
        if not self.worker.called.is_set():
            self.worker.called.set()
            self._work.emit()

    def measure(self, model: ModelName, settings: RenderSettings) -> None:
        """Have the cost of a render measured; `worker.measured` follows, unless there is work meanwhile."""
        if self._stopped:
            return
        self.worker.hurry.clear()
        self._start()
        self._measure.emit(model, settings)

    def _start(self) -> None:
        if not self._render_thread.isRunning():
            self._render_thread.start()

    def hold(self, held: bool) -> None:
        """Let no work run, or let it run again after `work`."""
        if held:
            self._service.hold.set()
        else:
            self._service.hold.clear()

    def stop(self, timeout_ms: int) -> bool:
        """End all work, keep what was reached, and wait until it is written.

        Args:
            timeout_ms: How long to wait for all threads together; each gets a moment more after the one before.

        Returns:
            False if a thread is stuck in something that cannot be interrupted: a step on a slow machine, a queue that
            another program holds, a folder on a drive that does not answer.
        """
        # A timer may ask for something before the program has left its loop: no thread is started for that.
        self._stopped = True
        end = time.monotonic() + timeout_ms / 1000
        self.cancel_opening()
        self.worker.hurry.set()
        self.worker.stopping.set()
        noted = self.desk.close(timeout_ms)
        # A job that has just got its number may be asked for something only now.
        self._hear()
        noted = self.desk.wait(_left(end)) and noted
        # Also where there was no work: it is the one that closes the queue's file, which may take a while.
        self._start()
        self._finish.emit(noted)
        rendered = self._render_thread.wait(_left(end))
        self._hear()
        opened = True
        if self._opening_thread.isRunning():
            self._opening_thread.quit()
            opened = self._opening_thread.wait(_left(end))
        return noted and rendered and opened

    def _hear(self) -> None:
        """Let the window hear what the other threads have said and is still on its way."""
        QCoreApplication.sendPostedEvents(None, QEvent.Type.MetaCall.value)


def _left(end: float) -> int:
    """Milliseconds until a moment of the monotonic clock, but not less than a thread needs to end."""
    return max(_GRACE_MS, round(1000 * (end - time.monotonic())))
