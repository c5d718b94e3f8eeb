"""QueueKeeper: the window's queue on disk, so that the next start can go on with what was not finished."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Signal, Slot

from clipdesk.gui.background import Background
from clipdesk.gui.runs import Run, State, Track
from clipdesk.gui.worker import Problem
from clipdesk.jobs.job import Job

if TYPE_CHECKING:
    from clipdesk.gui.controller import RenderController
    from clipdesk.jobs.owners import Owner
    from clipdesk.jobs.store import JobStore, StoredJob
    from clipdesk.render.targets import Target


class QueueKeeper(Background):
    """Notes in the queue's file what becomes of the window's jobs, on a thread of its own, to which the file belongs.

    While the window lives, its jobs' units are claimed by it, so that no other process takes them. A job is kept if its
    pictures are.

    Signals:
        found: How many jobs, and how many pictures, an earlier window left unfinished.
    """

    found = Signal(int, int)
    _claimed = Signal(int, object, object)

    def __init__(self, controller: RenderController) -> None:
        super().__init__(controller)
        self._controller = controller
        self._store: JobStore | None = None
        self._owner: Owner | None = None
        self._left: list[StoredJob] = []
        self._numbers: dict[int, int] = {}
        self._places: dict[int, dict[Target, int]] = {}
        self._adopted: tuple[int, dict[Target, int]] | None = None
        controller.state_changed.connect(self._state_changed)
        controller.track_kept.connect(self._track_kept)
        controller.queue.rowsAboutToBeRemoved.connect(self._removed)
        self._claimed.connect(self._adopt)

    # What was left

    def look(self, folder: Path) -> None:
        """Find what an earlier window has left unfinished for this folder; `found` follows if there is something."""

        def find() -> None:
            from clipdesk.export.files import clear_partials

            clear_partials(folder)
            store = self._opened()
            store.free_the_dead()
            self._left = [s for s in store.jobs() if s.status == "waiting" and s.folder == folder.absolute()]
            if self._left:
                self.found.emit(len(self._left), sum(stored.counts["waiting"] for stored in self._left))

        self.start(find)

    def go_on(self) -> None:
        """Put what was found into the window's queue."""

        def claim() -> None:
            store, owner = self._opened(), self._owner
            for stored in self._left:
                claim = store.claim(owner, len(stored.job.targets), stored.number) if owner else None
                if claim is not None:
                    places = dict(zip(claim.job.targets, claim.positions, strict=True))
                    self._claimed.emit(stored.number, claim.job, places)

        self.start(claim)

    def drop(self) -> None:
        """Let nothing come of what was found."""

        def cancel() -> None:
            from clipdesk.jobs.store import JobState

            for stored in self._left:
                self._opened().set_state(stored.number, JobState.CANCELLED)

        self.start(cancel)

    @Slot(int, object, object)
    def _adopt(self, number: int, job: Job, places: dict[Target, int]) -> None:
        self._adopted = number, places
        self._controller.submit(job)
        self._adopted = None

    # What happens

    @Slot(object)
    def _state_changed(self, run: Run) -> None:
        if run.number not in self._places:
            if run.state is State.WAITING:
                self._begin(run)
        elif run.state is State.WAITING:
            self.start(lambda: self._again(run.number))
        elif run.state is State.STOPPED and not self._controller.closing:
            # Closing the window stops jobs too, but those are to go on.
            self._cancel(run.number)
        elif run.state is State.FAILED:
            for target in run.missing():
                self._finish(run.number, target, reason=run.tracks[target].reason or run.reason)

    def _begin(self, run: Run) -> None:
        folder = self._controller.folder
        if self._adopted is not None:
            number, self._places[run.number] = self._adopted
            self.start(lambda: self._numbers.__setitem__(run.number, number))
        elif folder is not None:
            job = run.job
            self._places[run.number] = {target: i for i, target in enumerate(dict.fromkeys(job.targets))}

            def add() -> None:
                number = self._opened().add(job, folder)
                self._numbers[run.number] = number
                self._take(number, len(job.targets))

            self.start(add)

    def _take(self, number: int, size: int) -> None:
        if self._owner is not None:
            self._opened().claim(self._owner, size, number)

    def _again(self, run: int) -> None:
        if run in self._numbers:
            self._opened().retry(self._numbers[run])
            self._take(self._numbers[run], len(self._places[run]))

    def _cancel(self, run: int) -> None:
        def cancel() -> None:
            from clipdesk.jobs.store import JobState

            if run in self._numbers:
                self._opened().set_state(self._numbers[run], JobState.CANCELLED)

        self.start(cancel)

    @Slot(QModelIndex, int, int)
    def _removed(self, _parent: QModelIndex, first: int, last: int) -> None:
        for run in list(self._controller.queue)[first : last + 1]:
            if not run.state.finished:
                self._cancel(run.number)

    @Slot(object, object)
    def _track_kept(self, run: Run, track: Track) -> None:
        if track.result is not None and track.result.complete and track.path is not None:
            self._finish(run.number, track.target, file=track.path.name)

    def _finish(self, run: int, target: Target, *, file: str | None = None, reason: str | None = None) -> None:
        position = self._places.get(run, {}).get(target)

        def finish() -> None:
            if position is not None and run in self._numbers:
                self._opened().finish(self._numbers[run], position, file=file, reason=reason)

        self.start(finish)

    # The thread

    def _opened(self) -> JobStore:
        """The queue's file; on the pool's thread only."""
        if self._store is None:
            from clipdesk.jobs.owners import Owner
            from clipdesk.jobs.store import default_store, open_store

            self._store, notice = open_store(default_store())
            self._owner = Owner(self._store.owners)
            if notice:
                self.failed.emit(Problem(notice))
        return self._store

    def close(self) -> None:
        """Give back what is not finished, and wait until all is noted."""

        def end() -> None:
            if self._store is not None and self._owner is not None:
                self._store.release(self._owner)
                self._owner.close()
                self._store.close()
                self._store = None

        self.start(end)
        self.wait()
