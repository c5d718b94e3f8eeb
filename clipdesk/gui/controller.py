"""RenderController: passes on to the queue what the user asks of the window's jobs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from clipdesk.gui.engine import Engine
from clipdesk.gui.live import Mailbox
from clipdesk.gui.problems import Problem
from clipdesk.gui.queue_view import QueueView
from clipdesk.gui.runs import Run
from clipdesk.gui.saver import Saver
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status, Wish

if TYPE_CHECKING:
    from clipdesk.jobs.stored import StoredJob
    from clipdesk.models.names import ModelName
    from clipdesk.render.settings import RenderSettings
    from clipdesk.render.targets import Target

_AGAIN_MS = 5_000
"""How long to wait before the queue is tried again after it could not be read or written."""


class RenderController(QueueView):
    """Shows what becomes of the window's jobs, and passes on what the user asks of them.

    The queue itself is `jobs.service.QueueService`, which the `Engine` owns. Nothing here waits for it: what is asked
    is done on other threads, and signals tell what has become of it.

    Attributes:
        desk: Asks for things, and looks what other programs do.
        worker: Works.
        opener: Opens models.
        saver: Writes what the user saves.
        held: Whether no job is to run for now (pause all).
        closing: Whether jobs are stopped because the window closes.
        device_lost: Whether nothing can be rendered any more; what waits then waits for the next start.
        folder: Where the pictures of new jobs are kept; None to keep none.
        place: Where a head renders batches, as ``--on`` has it; empty for this window.

    Signals:
        made_elsewhere: A `Run`, and the file of a picture of it that another program has made.
        preparing: What is done before a job can begin, in words.
    """

    made_elsewhere = Signal(object, object)
    preparing = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        mailbox = Mailbox()
        super().__init__(mailbox, parent)
        self.held = False
        self.closing = False
        self.device_lost = False
        self.folder: Path | None = None
        self.place = ""
        self._count = 0
        self._engine = Engine(mailbox, self)
        self.desk = self._engine.desk
        self.worker = self._engine.worker
        self.opener = self._engine.opener
        self.saver = Saver(self)
        self._again = QTimer(self, interval=_AGAIN_MS, singleShot=True)
        self._again.timeout.connect(self._run_next)
        self._connect()

    def _connect(self) -> None:
        self.worker.happened.connect(self.take_event)
        self.worker.preparing.connect(self._prepare)
        self.worker.rested.connect(self._rested)
        self.worker.failed.connect(self._failed)
        self.desk.added.connect(self._added)
        self.desk.refused.connect(self._refused)
        self.desk.taken.connect(self._taken)
        self.desk.elsewhere.connect(self._found_elsewhere)
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
        run = self._new_run(job, folder or self.folder, urgent=urgent)
        self._add_to_queue(run)
        if self.running is None and not (self.held or self.device_lost or run.place):
            # It is on its way, and can be stopped.
            self.begin(run)
        return run

    def _new_run(self, job: Job, folder: Path | None, *, urgent: bool) -> Run:
        self._count += 1
        run = Run(self._count, job, folder, urgent=urgent)
        run.place = self._place_of(run)
        self.add(run)
        return run

    def _place_of(self, run: Run) -> str:
        """Where a job is rendered: an urgent one here, where one can watch it, and one that is not kept as well."""
        return "" if run.urgent or run.folder is None else self.place

    def move(self, run: Run) -> None:
        """Let a job that is not finished run where batches run now; a group that is rendered comes to its end first."""
        run.place = self._place_of(run)
        if run.stored is not None:
            self._accept(run.stored)
        self.queue.update(run)

    def _add_to_queue(self, run: Run) -> None:
        run.refused = False
        self.desk.add(run.number, run.job, run.folder, urgent=run.urgent)

    @Slot()
    def _run_next(self) -> None:
        """Have the worker look for work."""
        if not self.device_lost and not self.closing:
            self._engine.work()

    def pause(self, run: Run) -> None:
        """Pause a job within one step; it keeps what it has, and goes on with `resume`."""
        if run.state in (Status.RUNNING, Status.WAITING):
            self._wish(run, Wish.PAUSE)
            if run is not self.running:
                self.rest(run, Status.PAUSED)

    def resume(self, run: Run) -> None:
        """Let a paused job wait for its turn again."""
        if run is self.running or run.state is Status.PAUSED:
            self._wish(run, Wish.RUN)
            if run is not self.running:
                self.rest(run, Status.WAITING)

    def hold(self, held: bool) -> None:
        """Pause the whole queue, or let it go on."""
        self.held = held
        self._engine.hold(held)
        for run in self.queue:
            if held and run.place and run.state is Status.WAITING:
                self._hold_elsewhere(run)
        if not held:
            for run in self.queue:
                if run.state is Status.PAUSED and not run.paused_by_user:
                    if run.place:
                        self._wish(run, Wish.RUN)
                    self.rest(run, Status.WAITING)
            # Others may have paused some of them meanwhile.
            self.desk.look_anew()
            self._run_next()

    def _hold_elsewhere(self, run: Run) -> None:
        self._wish(run, Wish.PAUSE)
        run.paused_by_user = False
        self.rest(run, Status.PAUSED)

    def cancel(self, run: Run) -> None:
        """Cancel a job; what was reached so far becomes its result."""
        if run.state.finished:
            return
        self._wish(run, Wish.CANCEL)
        # The worker holds the pictures of one that stands still; it gives them back without another step.
        if run is not self.running and not run.stands:
            self.rest(run, Status.CANCELLED)

    def retry(self, run: Run) -> None:
        """Render again what failed or was cancelled; everything, where all is done."""
        if not run.state.finished:
            return
        everything = run.state is Status.DONE
        run.begin_again(everything=everything)
        self.queue.move([run], self.queue.rowCount())
        self.changed(run)
        if run.stored is not None:
            run.asked += 1
            self.desk.retry(run.stored, everything=everything)
        elif run.refused:
            self._add_to_queue(run)
        else:
            # It was cancelled before it had a number.
            run.wish = None

    def remove(self, run: Run) -> None:
        """Take a job out of the queue, if it is `Run.removable`; what it has made stays."""
        if run.removable:
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
        self.desk.put_in_order([run.stored for run in self.queue if run.stored and not run.state.finished])

    # What the queue says

    @Slot(int, int)
    def _added(self, number: int, stored: int) -> None:
        run = self.queue.find(number)
        if run is None:
            # It was removed before it had a number.
            self.desk.leave(stored, cancelled=True)
            return
        run.stored = stored
        if run.wish is None:
            self._accept(stored)
        else:
            # It is accepted when this is noted, so that one that is cancelled or paused does not begin.
            self._wish(run, run.wish)
            run.wish = None

    def _accept(self, stored: int) -> None:
        """The worker may work on a job from now on: the window has heard of its number. It leaves a head's alone."""
        run = self.find(stored)
        if run is not None and run.place:
            self.desk.numbers.discard(stored)
            if self.held and run.state is Status.WAITING:
                self._hold_elsewhere(run)
            self.changed(run)
            return
        self.desk.numbers.add(stored)
        self._run_next()

    @Slot(int, object)
    def _refused(self, number: int, problem: Problem) -> None:
        run = self.queue.find(number)
        if run is not None:
            run.refused = True
            run.wish = None
            self.stand_still(run, Status.FAILED, problem.message)
        self.problem.emit(problem)

    @Slot(object)
    def _taken(self, stored: StoredJob) -> None:
        """A job of the queue goes on here."""
        if not isinstance(stored.job, Job):
            self.desk.leave(stored.number, cancelled=False)
            return
        if self.find(stored.number) is None:
            run = self._new_run(stored.job, stored.folder, urgent=stored.urgent)
            run.stored = stored.number
            run.count(stored.counts)
            self.changed(run)
        self._accept(stored.number)

    @Slot(object, str)
    def _found_elsewhere(self, stored: StoredJob, place: str) -> None:
        """A head that an earlier window has started works on a job, or will."""
        if isinstance(stored.job, Job) and self.find(stored.number) is None:
            run = self._new_run(stored.job, stored.folder, urgent=False)
            run.stored, run.place = stored.number, place
            run.count(stored.counts)
            if stored.status is Status.PAUSED:
                run.paused_by_user = True
                self.rest(run, Status.PAUSED, stored.reason)
            self.changed(run)

    @Slot(int, str)
    def _prepare(self, number: int, text: str) -> None:
        run = self.find(number)
        if run is not None:
            self.prepare(run, text)
            self.preparing.emit(text)

    @Slot()
    def _rested(self) -> None:
        """The worker has found nothing that could be done now."""
        self.look()
        run = self.running
        if run is not None and (run.place or run.stored in self.desk.numbers) and not run.asked:
            # Others have the rest of it in hand, or it was paused before it began: the desk tells which.
            self.stand_still(run, Status.WAITING)
            self.desk.look_anew()
        else:
            self.desk.look_again()

    @Slot(object)
    def _failed(self, problem: Problem) -> None:
        """The worker could not go on: the device has failed, or the queue's file."""
        self.look()
        self.device_lost = self.device_lost or problem.device_lost
        if self.running is not None:
            self.stand_still(self.running, Status.FAILED, problem.message)
        self.problem.emit(problem)
        self._again.start()

    @Slot(int)
    def _noted(self, number: int) -> None:
        """What the user asked of a job is in the queue's file."""
        run = self.find(number)
        if run is not None:
            run.asked -= 1
            self._accept(number)

    @Slot(int, object, dict, str)
    def _stored_changed(self, number: int, status: Status, counts: dict[str, int], reason: str) -> None:
        """The queue's file says something else of a job: other programs may have asked for it, or worked on it."""
        run = self.find(number)
        if run is None or run.asked:
            return
        run.count(counts)
        if run is self.running:
            self.queue.update(run)
        elif run.stands:
            # It is resumed, or ends with what it has.
            if status is not Status.PAUSED:
                self._run_next()
        elif run.state.finished:
            if run.state is Status.CANCELLED and not status.finished:
                run.begin_again()
                self._goes_on(run)
            elif run.state is Status.CANCELLED and status is not Status.CANCELLED:
                # It had ended before it was cancelled.
                self.end(run, status, reason)
        elif status.finished:
            self.end(run, status, reason)
        elif status is Status.PAUSED and run.state is Status.WAITING:
            run.paused_by_user = True
            self.rest(run, Status.PAUSED, reason)
        elif status is not Status.PAUSED and run.state is Status.PAUSED and not self.held:
            self._goes_on(run)
        elif run.place and run.helpers:
            self.changed(run)
        else:
            self.queue.update(run)

    def _goes_on(self, run: Run) -> None:
        self.rest(run, Status.WAITING)
        self._run_next()

    @Slot(int, list)
    def _made(self, number: int, pictures: Sequence[tuple[Target, Path]]) -> None:
        """Pictures of a job of this window are in their files; those that others have made are new here."""
        run = self.find(number)
        if run is None:
            return
        for target, path in pictures:
            if run.note_elsewhere(target, path):
                self.made_elsewhere.emit(run, path)

    def close(self, timeout_ms: int = 20_000) -> bool:
        """As `Engine.stop`, and wait for what the user saves.

        Returns:
            False if a thread is stuck.
        """
        self.closing = True
        self._timer.stop()
        self._again.stop()
        ended = self._engine.stop(timeout_ms)
        return self.saver.close() and ended
