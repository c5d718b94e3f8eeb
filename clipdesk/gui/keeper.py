"""QueueKeeper: the window's queue on disk, so that the next start can go on with what was not finished."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QTimer, Signal, Slot

from clipdesk.errors import ClipDeskError
from clipdesk.gui.background import Background
from clipdesk.gui.problems import Problem
from clipdesk.gui.runs import Run, State, Track
from clipdesk.jobs.job import Job

if TYPE_CHECKING:
    from clipdesk.gui.controller import RenderController
    from clipdesk.jobs.owners import Owner
    from clipdesk.jobs.store import JobStore, StoredJob
    from clipdesk.render.targets import Target


log = logging.getLogger(__name__)

_LOOK_MS = 1_000
_FREE_EVERY = 5


class QueueKeeper(Background):
    """Notes in the queue's file what becomes of the window's jobs, on a thread of its own, to which the file belongs.

    While the window lives, its jobs' units are claimed by it, so that no other process takes them. A job is kept if its
    pictures are. It also looks after the queue: what other programs ask of the window's jobs is passed on to the
    controller, and their own jobs are shown.

    Signals:
        found: How many jobs, and how many pictures, an earlier window left unfinished.
        there: How many pictures of a job that goes on here were in its folder already.
        others: The list of unfinished `StoredJob` that are not this window's, when it has changed.
    """

    found = Signal(int, int)
    there = Signal(int)
    others = Signal(list)
    _claimed = Signal(int, object, object, object)
    _asked = Signal(int, str)

    def __init__(self, controller: RenderController) -> None:
        super().__init__(controller)
        self._controller = controller
        self._store: JobStore | None = None
        self._owner: Owner | None = None
        self._left: list[StoredJob] = []
        self._numbers: dict[int, int] = {}
        self._states: dict[int, str] = {}
        self._begun: set[int] = set()
        # On the pool's thread only.
        self._places: dict[int, dict[Target, int]] = {}
        self._adopted: tuple[int, dict[Target, int]] | None = None
        self._taken: set[int] = set()
        self._version: tuple[int, int] | None = None
        self._looks = 0
        controller.state_changed.connect(self._state_changed)
        controller.track_kept.connect(self._track_kept)
        controller.track_not_kept.connect(self._track_not_kept)
        controller.queue.rowsAboutToBeRemoved.connect(self._removed)
        self._claimed.connect(self._adopt)
        self._asked.connect(self._obey)
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(lambda: self.start(self._look_around))

    # What was left

    def look(self, folder: Path) -> None:
        """Find what an earlier window has left unfinished for this folder; `found` follows if there is something.

        From now on what other programs do to the queue is noticed.
        """

        def find() -> None:
            from clipdesk.export.files import clear_partials

            clear_partials(folder)
            store = self._opened()
            store.free_the_dead()
            self._left = [
                s
                for s in store.unfinished(but=self._numbers.values())
                if s.folder == folder.absolute() and not s.counts.get("running")
            ]
            if self._left:
                self.found.emit(len(self._left), sum(stored.counts["waiting"] for stored in self._left))

        self.start(find)
        self._timer.start()

    def go_on(self) -> None:
        """Put what was found into the window's queue."""
        for stored in self._left:
            self.take(stored.number)

    def drop(self) -> None:
        """Let nothing come of what was found."""
        for stored in self._left:
            self.set_state(stored.number, "cancelled")

    @Slot(int)
    def take(self, number: int) -> None:
        """Put what waits of a stored job into the window's queue; pictures that are there are not made again."""

        def claim() -> None:
            from clipdesk.jobs.store import JobState

            store = self._opened()
            store.set_state(number, JobState.OPEN)
            stored = store.get(number)
            claimed = store.claim(self._owner, len(stored.job.targets), number) if self._owner else None
            if claimed is None:
                return
            # From now on it is the window's, which hears of it later than this thread looks around.
            self._taken.add(number)
            places = dict(zip(claimed.job.targets, claimed.positions, strict=True))
            existing = _existing(stored, claimed.job.targets)
            for target, path in existing.items():
                store.finish(number, places.pop(target), file=path.name)
            if existing:
                self.there.emit(len(existing))
            if places:
                job = stored.job.model_copy(update={"targets": tuple(places)})
                self._claimed.emit(number, job, places, stored.folder)

        self.start(claim)
        self._soon()

    @Slot(int, str)
    def set_state(self, number: int, state: str) -> None:
        """Let a stored job go on (``open``), pause it or cancel it, whoever renders it."""

        def change() -> None:
            from clipdesk.jobs.store import JobState

            self._opened().set_state(number, JobState(state))

        self.start(change)
        self._soon()

    @Slot(int, object, object, object)
    def _adopt(self, number: int, job: Job, places: dict[Target, int], folder: Path) -> None:
        self._adopted = number, places
        self._controller.submit(job, folder)
        self._adopted = None

    # What others do

    def _soon(self) -> None:
        """Look around at once, after what was just started."""
        self.start(self._look_around)

    def _look_around(self) -> None:
        """On the pool's thread: has something changed in the queue that others have done, or that they see."""
        if self._store is None:
            return
        self._looks += 1
        if self._looks % _FREE_EVERY == 0:
            # Who dies says nothing.
            self._store.free_the_dead()
        version = self._store.version()
        if version == self._version:
            return
        self._version = version
        runs = {number: run for run, number in self._numbers.items()}
        self.others.emit(self._store.unfinished(but=self._taken | set(runs)))
        for number, run in runs.items():
            state = self._store.state(number).value
            if state != self._states.get(run, "open"):
                self._states[run] = state
                self._asked.emit(run, state)

    @Slot(int, str)
    def _obey(self, number: int, state: str) -> None:
        run = self._controller.queue.find(number)
        controller = self._controller
        acts = {"paused": controller.pause, "open": controller.resume, "cancelled": controller.cancel}
        if run is not None and not run.state.finished:
            acts[state](run)

    # What happens

    @Slot(object)
    def _state_changed(self, run: Run) -> None:
        if run.number not in self._begun:
            if run.state is State.WAITING:
                self._begin(run)
        elif run.state is State.WAITING:
            self.start(lambda: self._again(run.number))
        elif run.state is State.STOPPED and not self._controller.closing:
            # Closing the window stops jobs too, but those are to go on.
            self._change(run.number, "cancelled")
        elif run.state is State.FAILED:
            self._failed(run)
        elif run.state is State.PAUSED:
            self._change(run.number, "paused")
        elif run.state is State.RUNNING:
            self._change(run.number, "open")

    def _begin(self, run: Run) -> None:
        job, folder, adopted = run.job, run.folder, self._adopted
        if adopted is None and folder is None:
            return
        self._begun.add(run.number)

        def add() -> None:
            if adopted is not None:
                self._numbers[run.number], self._places[run.number] = adopted
            elif folder is not None:
                self._places[run.number] = {target: i for i, target in enumerate(dict.fromkeys(job.targets))}
                self._numbers[run.number] = number = self._opened().add(job, folder)
                self._take(number, len(job.targets))

        self.start(add)

    def _take(self, number: int, size: int) -> None:
        if self._owner is not None:
            self._opened().take(self._owner, size, number)

    def _again(self, run: int) -> None:
        if run in self._numbers:
            self._states[run] = "open"
            self._opened().retry(self._numbers[run])
            self._take(self._numbers[run], len(self._places[run]))

    def _change(self, run: int, state: str) -> None:
        """Let the queue know what became of a job of the window's."""

        def change() -> None:
            from clipdesk.jobs.store import JobState

            if run in self._numbers and self._states.get(run, "open") != state:
                self._states[run] = state
                self._opened().set_state(self._numbers[run], JobState(state))

        self.start(change)

    @Slot(QModelIndex, int, int)
    def _removed(self, _parent: QModelIndex, first: int, last: int) -> None:
        for run in list(self._controller.queue)[first : last + 1]:
            if not run.state.finished:
                self._change(run.number, "cancelled")

    @Slot(object, object)
    def _track_kept(self, run: Run, track: Track) -> None:
        if track.result is not None and track.result.complete and track.path is not None:
            target, file = track.target, track.path.name
            self.start(lambda: self._finish(run.number, target, file=file))

    @Slot(object, object, str)
    def _track_not_kept(self, run: Run, track: Track, reason: str) -> None:
        if track.result is not None and track.result.complete:
            target = track.target
            self.start(lambda: self._finish(run.number, target, reason=reason))

    def _failed(self, run: Run) -> None:
        reasons = {t: track.reason for t, track in run.tracks.items()}
        missing, reason = run.missing(), run.reason
        if self._controller.device_lost:
            # What had not begun is given back when the window closes, and offered by the next one.
            missing = [target for target in missing if reasons.get(target)]

        def finish() -> None:
            for target in missing:
                self._finish(run.number, target, reason=reasons.get(target) or reason)

        self.start(finish)

    def _finish(self, run: int, target: Target, *, file: str | None = None, reason: str | None = None) -> None:
        """On the pool's thread: note what became of one of a job's pictures."""
        position = self._places.get(run, {}).get(target)
        if position is not None and run in self._numbers:
            self._opened().finish(self._numbers[run], position, file=file, reason=reason)

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
        self._timer.stop()

        def end() -> None:
            if self._store is not None and self._owner is not None:
                self._store.release(self._owner)
                self._owner.close()
                self._store.close()
                self._store = None

        self.start(end)
        self.wait()


def _existing(stored: StoredJob, targets: Sequence[Target]) -> dict[Target, Path]:
    """The pictures that whoever began a job could not note any more."""
    from clipdesk.jobs.batch import find_existing

    since = None if stored.skip else stored.created
    try:
        return find_existing(stored.folder, stored.job, targets, since)
    except ClipDeskError as error:
        # As where the folder holds another model's batch: then they are made once more.
        log.info("looking for the pictures of job %d: %s", stored.number, error)
        return {}
