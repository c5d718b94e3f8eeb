"""RenderController: the window's hold on the worker thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from clipdesk.gui.worker import FRAMES_PER_SECOND, Live, Saver, Worker

if TYPE_CHECKING:
    from clipdesk.jobs.job import Job


class RenderController(QObject):
    """Owns the worker and its thread, runs one job at a time, and looks for news of it 30 times a second.

    Signals:
        live: A `Live`, with what is new of the running job.
        idle: No job is running any more.
    """

    live = Signal(object)
    idle = Signal()
    _open = Signal(str)
    _run = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.worker = Worker()
        self.saver = Saver(self)
        self.running: int | None = None
        self._thread = QThread(self)
        self._thread.setObjectName("render")
        self.worker.moveToThread(self._thread)
        self._open.connect(self.worker.open_model)
        self._run.connect(self.worker.run)
        self.worker.finished.connect(self._ended)
        self.worker.failed.connect(self._ended)
        self._timer = QTimer(self, interval=1000 // FRAMES_PER_SECOND)
        self._timer.timeout.connect(self._look)

    def open_model(self, name: str) -> None:
        """Open a model in the background; `worker.opened` or `worker.open_failed` follows."""
        if not self._thread.isRunning():
            self._thread.start()
        self._open.emit(name)

    def run(self, number: int, job: Job) -> None:
        """Start a job; `worker.finished` or `worker.failed` follows, then `idle`."""
        self.running = number
        self.worker.stop.clear()
        self._timer.start()
        self._run.emit(number, job)

    def stop(self) -> None:
        """Stop the running job after its step."""
        self.worker.stop.set()

    def close(self) -> None:
        """Stop, and wait for the thread to end."""
        self._timer.stop()
        self.worker.stop.set()
        self._thread.quit()
        self._thread.wait()

    def _look(self) -> None:
        live: Live | None = self.worker.mailbox.take()
        if live is not None:
            self.live.emit(live)

    @Slot()
    def _ended(self) -> None:
        self._timer.stop()
        self._look()
        self.running = None
        # Queued, so that all who hear of the job's end have done so before the next one starts.
        QTimer.singleShot(0, self.idle.emit)
