"""Engine: the queue and the two threads beside the window, which work through it and open models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, Signal

from clipdesk.gui.desk import QueueDesk
from clipdesk.gui.worker import LazyHere, Mailbox, Opener, Worker
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.store import default_store

if TYPE_CHECKING:
    from clipdesk.models.names import ModelName
    from clipdesk.render.settings import RenderSettings


class Engine(QObject):
    """Owns the queue's service and the threads. A thread is started when there is something for it to do.

    Attributes:
        mailbox: Where the steps of the running job are.
        desk: Asks the queue for things, and looks what other programs do.
        worker: Works through the queue.
        opener: Opens models.
    """

    _work = Signal()
    _open = Signal(str)
    _measure = Signal(object, object)
    _finish = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.mailbox = Mailbox()
        self._service = QueueService(default_store(), LazyHere(self.mailbox.wanted), fallback=True)
        self.desk = QueueDesk(self._service, self)
        self.worker = Worker(self._service, self.mailbox, self.desk.numbers)
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
        if not self._opening_thread.isRunning():
            self._opening_thread.start()
        self.opener.cancelled.clear()
        self._open.emit(name)

    def cancel_opening(self) -> None:
        """Give up opening a model, between two of its stages or during a download, which may go on another time."""
        self.opener.cancelled.set()

    def work(self) -> None:
        """Have the worker look for work."""
        self.worker.hurry.set()
        self._start()
        self._work.emit()

    def measure(self, model: ModelName, settings: RenderSettings) -> None:
        """Have the cost of a render measured; `worker.measured` follows, unless there is work meanwhile."""
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

        Returns:
            False if a thread is stuck in something that cannot be interrupted, such as a step on a slow machine.
        """
        self.opener.cancelled.set()
        self.worker.hurry.set()
        self.worker.stopping.set()
        self.desk.close()
        ended = True
        if self._render_thread.isRunning():
            self._finish.emit()
            ended = self._render_thread.wait(timeout_ms)
            # What the thread said last is still on its way.
            QCoreApplication.sendPostedEvents(None, QEvent.Type.MetaCall.value)
        else:
            self._service.close()
        if self._opening_thread.isRunning():
            self._opening_thread.quit()
            ended = self._opening_thread.wait(timeout_ms) and ended
        return ended
