"""QueueView: keeps the window's runs as the events of their jobs say."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from clipdesk.gui.item_models.queue import QueueModel
from clipdesk.gui.live import FRAMES_PER_SECOND, Mailbox, take_in
from clipdesk.gui.problems import Problem
from clipdesk.gui.runs import Run, limit_frames
from clipdesk.jobs.events import Began, Ended, Event, Failure, Halted, Paused, Result, Saved, Skipped
from clipdesk.jobs.status import Status


class QueueView(QObject):
    """The jobs of this session, and what has become of each. It asks nothing of the queue itself.

    Args:
        mailbox: Where the steps of the running job are.
        parent: Qt's.

    Attributes:
        queue: The jobs of this session.
        running: The run that is worked on here; None if there is none.

    Signals:
        progressed: A `Run` that has new steps.
        state_changed: A `Run` that has another status, or was added.
        track_ended: A `Run`, and a `Track` that has a result or a reason.
        track_kept: A `Run`, and a `Track` whose picture is in the results folder.
        problem: A `Problem` to show to the user.
    """

    progressed = Signal(object)
    state_changed = Signal(object)
    track_ended = Signal(object, object)
    track_kept = Signal(object, object)
    problem = Signal(object)

    def __init__(self, mailbox: Mailbox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.queue = QueueModel(self)
        self.running: Run | None = None
        self._mailbox = mailbox
        self._timer = QTimer(self, interval=1000 // FRAMES_PER_SECOND)
        self._timer.timeout.connect(self.look)

    def find(self, stored: int) -> Run | None:
        """The run of a job, by its number in the queue; None if this window does not have it."""
        return next((run for run in self.queue if run.stored == stored), None)

    def add(self, run: Run) -> None:
        """Show a run at the end of the list."""
        self.queue.add(run)
        self.state_changed.emit(run)

    @Slot()
    def look(self) -> None:
        """Take in what the running job has done since the last look."""
        for live in self._mailbox.take():
            run = self.find(live.number)
            if run is not None:
                take_in(run, live)
                self.queue.update(run)
                self.progressed.emit(run)

    @Slot(int, object)
    def take_event(self, number: int, event: Event) -> None:
        """Something has happened to a job that this window works on.

        Args:
            number: The job's number in the queue.
            event: What has happened.
        """
        self.look()
        run = self.find(number)
        if run is None:
            return
        if isinstance(event, Began):
            self.begin(run)
        elif isinstance(event, Saved):
            self._picture(run, event.result, event.path)
        elif isinstance(event, Result):
            self._picture(run, event, None)
        elif isinstance(event, Skipped):
            run.skip(event.target, event.path)
            self.queue.update(run)
        elif isinstance(event, Failure):
            self.track_ended.emit(run, run.fail(event))
        elif isinstance(event, Paused):
            run.stands = True
            self.stand_still(run, Status.PAUSED)
        elif isinstance(event, Halted):
            # Until the user has seen to it.
            run.paused_by_user = True
            self.stand_still(run, Status.PAUSED, event.reason)
            self.problem.emit(Problem(f"{run.title} is paused: {event.reason}. Then resume it"))
        elif isinstance(event, Ended):
            self.end(run, event.status)

    def begin(self, run: Run) -> None:
        """A run is worked on from now on; another one that was gives way to it."""
        before = self.running
        self.running = run
        if before is not None and before is not run and before.state is Status.RUNNING:
            before.gives_way_to = run.title if run.urgent and not before.urgent else ""
            self.rest(before, Status.WAITING)
        if run.state is not Status.RUNNING:
            run.begin()
            self._timer.start()
            self.changed(run)
        elif not run.current:
            # It was being prepared; its time counts from here.
            run.begin()

    def prepare(self, run: Run, text: str) -> None:
        """A run is next, and its model is being opened or its pictures are measured.

        Args:
            run: The run.
            text: What is done, for the user.
        """
        if not run.state.finished and not run.stands and run is not self.running:
            self.begin(run)
        run.preparing = text
        self.queue.update(run)

    def _picture(self, run: Run, result: Result, path: Path | None) -> None:
        track = run.finish(result)
        track.path = path
        self.track_ended.emit(run, track)
        if path is not None:
            self.track_kept.emit(run, track)

    def stand_still(self, run: Run, status: Status, reason: str = "") -> None:
        """A run is not worked on here any more.

        Args:
            run: The run.
            status: What has become of it.
            reason: Why, if it has failed, or has paused by itself.
        """
        if run is self.running:
            self.running = None
            self._timer.stop()
        self.rest(run, status, reason)

    def end(self, run: Run, status: Status, reason: str = "") -> None:
        """A run has come to its end.

        Args:
            run: The run.
            status: How it has ended.
            reason: Why it has failed, if none of the pictures that were rendered here says so.
        """
        run.stands = False
        reasons = [track.reason for track in run.tracks.values() if track.reason] or [reason]
        details = list(dict.fromkeys(track.details for track in run.tracks.values() if track.details))
        self.stand_still(run, status, reasons[0] if status is Status.FAILED else "")
        if status is Status.FAILED:
            self.problem.emit(Problem(f"{run.title}: {run.reason}", "\n".join(details or reasons)))
        limit_frames(self.queue)

    def rest(self, run: Run, status: Status, reason: str = "") -> None:
        """A run has another status, and does not run.

        Args:
            run: The run.
            status: What has become of it.
            reason: Why, if it has failed.
        """
        run.rest(status, reason)
        self.changed(run)

    def changed(self, run: Run) -> None:
        """Tell that a run has another status."""
        self.queue.update(run)
        self.state_changed.emit(run)
