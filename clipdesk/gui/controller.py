"""RenderController: the queue, and the window's hold on the worker thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, QTimer, Signal, Slot

from clipdesk.gui.item_models.queue import QueueModel
from clipdesk.gui.problems import Problem
from clipdesk.gui.runs import Run, State, Track, limit_frames
from clipdesk.gui.saver import KeptPicture, Saver
from clipdesk.gui.worker import FRAMES_PER_SECOND, Live, Order, Worker

if TYPE_CHECKING:
    from clipdesk.jobs.job import Job
    from clipdesk.jobs.runner import Result
    from clipdesk.render.settings import RenderSettings
    from clipdesk.render.targets import Target

_OUTCOMES = {"done": State.DONE, "paused": State.PAUSED, "stopped": State.STOPPED, "failed": State.FAILED}


class RenderController(QObject):
    """Owns the queue, the worker and its thread; runs one job at a time and looks for news of it 30 times a second.

    Attributes:
        queue: The jobs of this session.
        running: The run that the worker is on.
        held: Whether no job is to run for now (pause all).
        closing: Whether jobs are stopped because the window closes.
        device_lost: Whether nothing can be rendered any more; what waits then waits for the next start.
        folder: Where the pictures of new jobs are kept; None to keep none.

    Signals:
        progressed: A `Run` that has new steps.
        state_changed: A `Run` that has another state, or was added.
        track_ended: A `Run`, and a `Track` that has a result or a reason.
        track_kept: A `Run`, and a `Track` whose picture is in the results folder.
        track_not_kept: A `Run`, a `Track` whose picture could not be written there, and why.
        problem: A `Problem` to show to the user.
    """

    progressed = Signal(object)
    state_changed = Signal(object)
    track_ended = Signal(object, object)
    track_kept = Signal(object, object)
    track_not_kept = Signal(object, object, str)
    problem = Signal(object)
    _open = Signal(str)
    _run = Signal(int, object)
    _measure = Signal(str, object)
    _finish = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.queue = QueueModel(self)
        self.worker = Worker()
        self.saver = Saver(self)
        self.running: Run | None = None
        self.held, self.closing, self.device_lost = False, False, False
        self.folder: Path | None = None
        self._cancelled: list[Run] = []
        self._numbers = 0
        self._thread = QThread(self)
        self._thread.setObjectName("render")
        self.worker.moveToThread(self._thread)
        self._thread.started.connect(self.worker.settle)
        self._open.connect(self.worker.open_model)
        self._run.connect(self.worker.run)
        self._measure.connect(self.worker.measure)
        self._finish.connect(self.worker.finish)
        self.worker.result.connect(self._result)
        self.worker.unit_failed.connect(self._unit_failed)
        self.worker.ended.connect(self._ended)
        self.saver.kept.connect(self._kept)
        self.saver.not_kept.connect(self._not_kept)
        self._timer = QTimer(self, interval=1000 // FRAMES_PER_SECOND)
        self._timer.timeout.connect(self._look)

    # Models

    def open_model(self, name: str) -> None:
        """Open a model in the background; `worker.opened`, `open_failed` or `open_cancelled` follows."""
        if not self._thread.isRunning():
            self._thread.start()
        self.worker.cancel_opening.clear()
        self._open.emit(name)

    def cancel_opening(self) -> None:
        """Give up opening a model, between two of its stages or during a download, which may go on another time."""
        self.worker.cancel_opening.set()

    def measure(self, model: str, settings: RenderSettings) -> None:
        """Have the cost of a render measured, if nothing runs; `worker.measured` follows."""
        if self.running is None:
            self.worker.hurry.clear()
            self._measure.emit(model, settings)

    # The queue

    def submit(self, job: Job, folder: Path | None = None) -> Run:
        """Put a job at the end of the queue; it starts when its turn comes.

        Args:
            job: What to render.
            folder: Where its pictures are kept; by default where all are.
        """
        self._numbers += 1
        run = Run(self._numbers, job, folder or self.folder)
        self.queue.add(run)
        self.state_changed.emit(run)
        self.run_next()
        return run

    def run_next(self) -> None:
        """Start the first job that waits, if none runs; before it, let paused ones that were cancelled end."""
        if self.running is None and self._cancelled:
            # The worker holds its pictures as they are; it gives them back without another step.
            self._start(self._cancelled.pop(0), Order.STOP)
        if self.running is not None or self.held or self.device_lost:
            return
        run = next((run for run in self.queue if run.state is State.WAITING), None)
        if run is not None:
            self._start(run, Order.GO)

    def _start(self, run: Run, order: Order) -> None:
        if not self._thread.isRunning():
            self._thread.start()
        self.running = run
        self.worker.cancel_opening.clear()
        self.worker.hurry.set()
        self.worker.order = order
        run.begin()
        self._timer.start()
        self._run.emit(run.number, run.todo)
        self._changed(run)

    def pause(self, run: Run) -> None:
        """Pause a job within one step; it keeps what it has, and goes on with `resume`."""
        if run is self.running:
            self.worker.order = Order.PAUSE
        elif run.state is State.WAITING:
            run.rest(State.PAUSED)
            self._changed(run)

    def resume(self, run: Run) -> None:
        """Let a paused job wait for its turn again."""
        if run is self.running:
            self.worker.order = Order.GO
        elif run.state is State.PAUSED:
            run.rest(State.WAITING)
            self._changed(run)
            self.run_next()

    def hold(self, held: bool) -> None:
        """Pause the whole queue, or let it go on."""
        self.held = held
        if held and self.running is not None:
            self.worker.order = Order.PAUSE
        elif not held:
            for run in self.queue:
                if run.state is State.PAUSED and run.current:
                    run.rest(State.WAITING)
                    self._changed(run)
            self.run_next()

    def cancel(self, run: Run) -> None:
        """Stop a job; what was reached so far becomes its result."""
        if run is self.running:
            self.worker.order = Order.STOP
        elif run.state is State.PAUSED and run.current:
            self._cancelled.append(run)
            self.run_next()
        elif run.state in (State.WAITING, State.PAUSED):
            run.rest(State.STOPPED)
            self._changed(run)

    def retry(self, run: Run) -> None:
        """Render again what failed or was stopped; everything, where all is done."""
        if run.state.finished:
            run.begin_again()
            self.queue.move([run], self.queue.rowCount())
            self._changed(run)
            self.run_next()

    def remove(self, run: Run) -> None:
        """Take a job that has not begun, or has ended, out of the queue."""
        if run.state.finished or (not run.current and run is not self.running):
            self.queue.remove(run)

    def close(self, timeout_ms: int = 20_000) -> bool:
        """Stop, wait for the thread to end, and for the results to be written.

        Returns:
            False if the thread is stuck in something that cannot be interrupted, such as a step on a slow machine.
        """
        self.held, self.closing = True, True
        self.worker.cancel_opening.set()
        self.worker.hurry.set()
        self.worker.order = Order.STOP
        self._timer.stop()
        ended = True
        if self._thread.isRunning():
            self._finish.emit()
            ended = self._thread.wait(timeout_ms)
            # What the thread said last is still on its way.
            QCoreApplication.sendPostedEvents(self, QEvent.Type.MetaCall.value)
        self.saver.wait()
        return ended

    # What the worker says

    @Slot()
    def _look(self) -> None:
        for live in self.worker.mailbox.take():
            run = self.queue.find(live.number)
            if run is not None:
                _take_in(run, live)
                self.queue.update(run)
                self.progressed.emit(run)

    @Slot(int, object)
    def _result(self, number: int, result: Result) -> None:
        self._look()
        run = self.queue.find(number)
        if run is None:
            return
        track = run.end_track(result.target)
        track.finish(result)
        if run.folder is not None:
            self.saver.keep(result, run.folder)
        self.track_ended.emit(run, track)

    @Slot(int, object, str)
    def _unit_failed(self, number: int, target: Target, reason: str) -> None:
        run = self.queue.find(number)
        if run is not None:
            track = run.end_track(target)
            track.reason = reason
            if run.folder is not None:
                from clipdesk.jobs.runner import Failure

                failure = Failure(target, run.job.settings_of(target), reason)
                self.saver.note(failure, run.job.model, run.folder)
            self.track_ended.emit(run, track)

    @Slot(int, str, object)
    def _ended(self, number: int, outcome: str, problem: Problem | None) -> None:
        self._look()
        self._timer.stop()
        run = self.queue.find(number)
        if run is self.running:
            self.running = None
        if run is None:
            return
        self.device_lost = self.device_lost or (problem is not None and problem.device_lost)
        state = _OUTCOMES[outcome]
        reasons = [track.reason for track in run.tracks.values() if track.reason]
        if state is State.DONE and reasons:
            state = State.FAILED
        run.rest(state, problem.message if problem else reasons[0] if reasons else "")
        if state is State.FAILED:
            self.problem.emit(problem or Problem(f"{run.title}: {run.reason}", "\n".join(reasons)))
        limit_frames(self.queue)
        self._changed(run)
        # Queued, so that all who hear of the job's end have done so before the next one starts.
        QTimer.singleShot(0, self.run_next)

    @Slot(object)
    def _kept(self, kept: KeptPicture) -> None:
        for run, track in self._of(kept.result):
            track.path = kept.path
            self.track_kept.emit(run, track)

    @Slot(object, str)
    def _not_kept(self, result: Result, reason: str) -> None:
        for run, track in self._of(result):
            self.track_not_kept.emit(run, track, reason)

    def _of(self, result: Result) -> list[tuple[Run, Track]]:
        """Whose result it is; nobody's, if the job was taken out of the queue."""
        tracks = [(run, run.tracks.get(result.target)) for run in self.queue]
        return [(run, track) for run, track in tracks if track is not None and track.result is result]

    def _changed(self, run: Run) -> None:
        self.queue.update(run)
        self.state_changed.emit(run)


def _take_in(run: Run, live: Live) -> None:
    """Note what the worker did."""
    if live.points and live.step == len(live.points):
        for target in live.targets:
            run.track(target).clear()
    run.advance(live.targets, live.step, len(live.points) * len(live.targets))
    for i, target in enumerate(live.targets):
        track = run.track(target)
        for point in live.points:
            track.curve.append(float(point[i]))
        for name, rows in live.penalties.items():
            series = track.penalties.setdefault(name, type(track.curve)())
            for row in rows:
                series.append(float(row[i]))
        if live.images is not None:
            track.frames.add(live.step, live.images[i])
