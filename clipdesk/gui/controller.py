"""RenderController: the window's view of the queue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from clipdesk.gui.engine import Engine
from clipdesk.gui.item_models.queue import QueueModel
from clipdesk.gui.problems import Problem
from clipdesk.gui.runs import Run, limit_frames
from clipdesk.gui.saver import Saver
from clipdesk.gui.worker import FRAMES_PER_SECOND, Live
from clipdesk.jobs.events import Began, Ended, Event, Failure, Paused, Result, Saved, Skipped
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status, Wish

if TYPE_CHECKING:
    from clipdesk.jobs.stored import StoredJob
    from clipdesk.models.names import ModelName
    from clipdesk.render.settings import RenderSettings
    from clipdesk.render.targets import Target


class RenderController(QObject):
    """Shows what becomes of the window's jobs, and passes on what the user asks of them.

    The queue itself is `jobs.service.QueueService`, which the `Engine` owns.

    Attributes:
        queue: The jobs of this session.
        desk: Asks for things, and looks what other programs do.
        worker: Works.
        opener: Opens models.
        saver: Writes what the user saves.
        running: The run that is worked on here; None if there is none.
        held: Whether no job is to run for now (pause all).
        closing: Whether jobs are stopped because the window closes.
        device_lost: Whether nothing can be rendered any more; what waits then waits for the next start.
        folder: Where the pictures of new jobs are kept; None to keep none.

    Signals:
        progressed: A `Run` that has new steps.
        state_changed: A `Run` that has another status, or was added.
        track_ended: A `Run`, and a `Track` that has a result or a reason.
        track_kept: A `Run`, and a `Track` whose picture is in the results folder.
        made_elsewhere: A `Run`, and the file of a picture of it that another program has made.
        problem: A `Problem` to show to the user.
    """

    progressed = Signal(object)
    state_changed = Signal(object)
    track_ended = Signal(object, object)
    track_kept = Signal(object, object)
    made_elsewhere = Signal(object, object)
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.queue = QueueModel(self)
        self.running: Run | None = None
        self.held = False
        self.closing = False
        self.device_lost = False
        self.folder: Path | None = None
        self._count = 0
        self._engine = Engine(self)
        self.desk = self._engine.desk
        self.worker = self._engine.worker
        self.opener = self._engine.opener
        self.saver = Saver(self)
        self._timer = QTimer(self, interval=1000 // FRAMES_PER_SECOND)
        self._timer.timeout.connect(self._look)
        self._connect()

    def _connect(self) -> None:
        self.worker.happened.connect(self._happened)
        self.worker.rested.connect(self._rested)
        self.worker.failed.connect(self._failed)
        self.desk.added.connect(self._added)
        self.desk.refused.connect(self._refused)
        self.desk.taken.connect(self._taken)
        self.desk.noted.connect(self._noted)
        self.desk.changed.connect(self._stored_changed)
        self.desk.made.connect(self._made)
        self.desk.failed.connect(self.problem)
        self.queue.moved.connect(self._moved)

    # Models

    def open_model(self, name: str) -> None:
        """As `Engine.open_model`."""
        self._engine.open_model(name)

    def cancel_opening(self) -> None:
        """As `Engine.cancel_opening`."""
        self._engine.cancel_opening()

    def measure(self, model: ModelName, settings: RenderSettings) -> None:
        """As `Engine.measure`, if nothing runs."""
        if self.running is None:
            self._engine.measure(model, settings)

    # What the user asks

    def submit(self, job: Job, folder: Path | None = None, *, urgent: bool = False) -> Run:
        """Put a job into the queue; it begins when its turn comes.

        Args:
            job: What to render.
            folder: Where its pictures are kept; by default where all are.
            urgent: Whether it goes before jobs that are not; one that runs gives way when its group is done.
        """
        self._count += 1
        run = Run(self._count, job, folder or self.folder, urgent=urgent)
        self.queue.add(run)
        self.state_changed.emit(run)
        self.desk.add(run.number, job, run.folder, urgent=urgent)
        if self.running is None and not (self.held or self.device_lost):
            # It is on its way, and can be stopped.
            self._began(run)
        return run

    def _run_next(self) -> None:
        """Have the worker look for work."""
        if not self.device_lost and not self.closing:
            self._engine.work()

    def pause(self, run: Run) -> None:
        """Pause a job within one step; it keeps what it has, and goes on with `resume`."""
        if run.state in (Status.RUNNING, Status.WAITING):
            self._wish(run, Wish.PAUSE)
            if run is not self.running:
                self._rest(run, Status.PAUSED)

    def resume(self, run: Run) -> None:
        """Let a paused job wait for its turn again."""
        if run is self.running or run.state is Status.PAUSED:
            self._wish(run, Wish.RUN)
            if run is not self.running:
                self._rest(run, Status.WAITING)
                self._run_next()

    def hold(self, held: bool) -> None:
        """Pause the whole queue, or let it go on."""
        self.held = held
        self._engine.hold(held)
        if not held:
            for run in self.queue:
                if run.state is Status.PAUSED and not run.paused_by_user:
                    self._rest(run, Status.WAITING)
            self._run_next()

    def cancel(self, run: Run) -> None:
        """Cancel a job; what was reached so far becomes its result."""
        if run.state.finished:
            return
        self._wish(run, Wish.CANCEL)
        if run is self.running:
            return
        if run.stands:
            # The worker holds its pictures as they are; it gives them back without another step.
            self._run_next()
        else:
            self._rest(run, Status.CANCELLED)

    def retry(self, run: Run) -> None:
        """Render again what failed or was cancelled; everything, where all is done."""
        if not run.state.finished:
            return
        everything = run.state is Status.DONE
        run.begin_again()
        self.queue.move([run], self.queue.rowCount())
        self._changed(run)
        if run.stored is None:
            self.desk.add(run.number, run.job, run.folder, urgent=run.urgent)
        else:
            run.asked += 1
            self.desk.retry(run.stored, everything=everything)

    def remove(self, run: Run) -> None:
        """Take a job that has not begun, or has ended, out of the queue."""
        if run.state.finished or (not run.current and run is not self.running):
            self.queue.remove(run)
            if run.stored is not None:
                self.desk.leave(run.stored, cancelled=not run.state.finished)

    def _wish(self, run: Run, wish: Wish) -> None:
        run.paused_by_user = wish is Wish.PAUSE
        if run.stored is None:
            # Its number in the queue is on its way.
            run.wish = wish
        else:
            run.asked += 1
            self.desk.wish(run.stored, wish)

    @Slot()
    def _moved(self) -> None:
        """The user has put waiting jobs into another order."""
        runs = [run for run in self.queue if run.stored is not None and not run.state.finished]
        for run in runs:
            if run.stored is not None:
                self.desk.move(run.stored, None)

    # What becomes of it

    @Slot(int, int)
    def _added(self, number: int, stored: int) -> None:
        run = self.queue.find(number)
        if run is None:
            self.desk.leave(stored, cancelled=True)
            return
        run.stored = stored
        if run.wish is not None:
            self._wish(run, run.wish)
            run.wish = None
        self._run_next()

    @Slot(int, object)
    def _refused(self, number: int, problem: Problem) -> None:
        run = self.queue.find(number)
        if run is not None:
            self._rest(run, Status.FAILED, problem.message)
        self.problem.emit(problem)

    @Slot(object)
    def _taken(self, stored: StoredJob) -> None:
        """A job of the queue goes on here."""
        if isinstance(stored.job, Job) and self._of(stored.number) is None:
            self._count += 1
            run = Run(self._count, stored.job, stored.folder, urgent=stored.urgent)
            run.stored = stored.number
            run.count(stored.counts)
            self.queue.add(run)
            self.state_changed.emit(run)
        self._run_next()

    @Slot(int, object)
    def _happened(self, number: int, event: Event) -> None:
        self._look()
        run = self._of(number)
        if run is None:
            return
        if isinstance(event, Began):
            self._began(run)
        elif isinstance(event, Saved):
            self._picture(run, event.result, event.path)
        elif isinstance(event, Result):
            self._picture(run, event, None)
        elif isinstance(event, Skipped):
            run.skip(event.target, event.path)
            self.queue.update(run)
        elif isinstance(event, Failure):
            self._lost(run, event)
        elif isinstance(event, Paused):
            run.stands = True
            self._stand_still(run, Status.PAUSED)
        elif isinstance(event, Ended):
            self._end(run, event.status)

    def _began(self, run: Run) -> None:
        before = self.running
        self.running = run
        run.stands = False
        if before is not None and before is not run and before.state is Status.RUNNING:
            before.gives_way_to = run.title if run.urgent and not before.urgent else ""
            self._rest(before, Status.WAITING)
        if run.state is not Status.RUNNING:
            run.begin()
            self._timer.start()
            self._changed(run)

    def _picture(self, run: Run, result: Result, path: Path | None) -> None:
        track = run.end_track(result.target)
        track.finish(result)
        track.path = path
        self.track_ended.emit(run, track)
        if path is not None:
            self.track_kept.emit(run, track)

    def _lost(self, run: Run, failure: Failure) -> None:
        """A picture has failed; one that only could not be kept is still there to be seen and saved."""
        track = run.end_track(failure.target)
        if failure.result is not None:
            track.finish(failure.result)
        track.reason = failure.reason
        track.details = failure.details
        self.track_ended.emit(run, track)

    def _stand_still(self, run: Run, status: Status, reason: str = "") -> None:
        if run is self.running:
            self.running = None
            self._timer.stop()
        self._rest(run, status, reason)

    def _end(self, run: Run, status: Status) -> None:
        run.stands = False
        reasons = [track.reason for track in run.tracks.values() if track.reason]
        details = list(dict.fromkeys(track.details for track in run.tracks.values() if track.details))
        self._stand_still(run, status, reasons[0] if reasons and status is Status.FAILED else "")
        if status is Status.FAILED:
            self.problem.emit(Problem(f"{run.title}: {run.reason}", "\n".join(details or reasons)))
        limit_frames(self.queue)

    @Slot()
    def _rested(self) -> None:
        """The worker has found nothing that could be done now."""
        self._look()
        if self.running is not None and self.running.stored is not None and not self.running.asked:
            # Others have the rest of it in hand.
            self._stand_still(self.running, Status.WAITING)
        self.desk.look_again()

    @Slot(object)
    def _failed(self, problem: Problem) -> None:
        """The worker could not go on: the device has failed, or the queue's file."""
        self._look()
        self.device_lost = self.device_lost or problem.device_lost
        run = self.running or next((run for run in self.queue if run.state is Status.WAITING), None)
        if run is not None:
            self._stand_still(run, Status.FAILED, problem.message)
        self.problem.emit(problem)

    @Slot(int)
    def _noted(self, number: int) -> None:
        """What the user asked of a job is in the queue's file."""
        run = self._of(number)
        if run is not None:
            run.asked -= 1
            self._run_next()

    @Slot(int, object, dict)
    def _stored_changed(self, number: int, status: Status, counts: dict[str, int]) -> None:
        """The queue's file says something else of a job: other programs may have asked for it, or worked on it."""
        run = self._of(number)
        if run is None or run.asked:
            return
        run.count(counts)
        if run is self.running or run.state.finished:
            self.queue.update(run)
        elif run.stands and status is not Status.PAUSED and not self.held:
            # It is resumed, or ends with what it has.
            self._run_next()
        elif status.finished and not run.stands:
            self._end(run, status)
        elif status is Status.PAUSED and run.state is Status.WAITING:
            self._rest(run, Status.PAUSED)
        elif status in (Status.WAITING, Status.RUNNING) and run.state is Status.PAUSED and not self.held:
            self._rest(run, Status.WAITING)
            self._run_next()
        else:
            self.queue.update(run)

    @Slot(int, list)
    def _made(self, number: int, pictures: Sequence[tuple[Target, Path]]) -> None:
        """Pictures of a job of this window are in their files; those that others have made are new here."""
        run = self._of(number)
        if run is None:
            return
        for target, path in pictures:
            track = run.tracks.get(target)
            if target not in run.skipped and (track is None or track.path is None):
                self.made_elsewhere.emit(run, path)

    @Slot()
    def _look(self) -> None:
        for live in self._engine.mailbox.take():
            run = self._of(live.number)
            if run is not None:
                _take_in(run, live)
                self.queue.update(run)
                self.progressed.emit(run)

    def _of(self, number: int) -> Run | None:
        """The run of a job, by its number in the queue."""
        return next((run for run in self.queue if run.stored == number), None)

    def _rest(self, run: Run, status: Status, reason: str = "") -> None:
        run.rest(status, reason)
        self._changed(run)

    def _changed(self, run: Run) -> None:
        self.queue.update(run)
        self.state_changed.emit(run)

    def close(self, timeout_ms: int = 20_000) -> bool:
        """As `Engine.stop`, and wait for what the user saves."""
        self.closing = True
        self._timer.stop()
        ended = self._engine.stop(timeout_ms)
        self.saver.wait()
        return ended


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
