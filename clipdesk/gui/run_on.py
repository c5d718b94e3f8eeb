"""RunOn: where the window's batches and surveys are made, in this window or by a head with workers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from clipdesk.gui.heads_desk import HeadsDesk
from clipdesk.gui.problems import Problem
from clipdesk.jobs.status import Status
from clipdesk.paths import head_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.panels.queue import QueuePanel
    from clipdesk.gui.preferences import Preferences
    from clipdesk.gui.surveys.making import Surveyor
    from clipdesk.jobs.heads import Head

_AGAIN_SECONDS = 5.0
"""How long to wait at least until a head is started again; twice as long after each that has not said a word."""
_MOST_STARTS = 4
"""After so many heads that have not said a word, none is started until the user asks for it."""


class RunOn(QObject):
    """Has a head work where the user wants batches and surveys to run, for as long as some wait for it.

    The head is a process of its own, `clipdesk queue run`, which goes on when the window closes. What Render asks for
    is rendered in the window, where one can watch it.

    Args:
        controller: Has the window's jobs.
        panel: Shows where they run, and the workers.
        preferences: Keeps the place.
        surveyor: Has the window's survey.

    Signals:
        problem: A `Problem` to show to the user.
    """

    problem = Signal(object)

    def __init__(
        self, controller: RenderController, panel: QueuePanel, preferences: Preferences, surveyor: Surveyor
    ) -> None:
        super().__init__(controller)
        self._surveyor = surveyor
        self._controller = controller
        self._panel = panel
        self._preferences = preferences
        self.desk = HeadsDesk(self)
        self._heads: Sequence[Head] = ()
        # Whether it is known which heads there are.
        self._looked = False
        self._starting = False
        self._failure = ""
        self._worked: set[str] = set()
        self._started = float("-inf")
        self._starts = 0
        self._again = QTimer(self, singleShot=True)
        self._again.timeout.connect(self._start_if_wanted)
        self.desk.changed.connect(self._changed)
        self.desk.ended.connect(self._ended)
        self.desk.failed.connect(self.problem)
        controller.state_changed.connect(self._start_if_wanted)
        surveyor.changed.connect(self._start_if_wanted)
        panel.place.chosen.connect(self.choose)
        panel.workers.stop_asked.connect(self.stop)
        place = preferences.run_on
        panel.place.show_places(place, preferences.recent_places)
        controller.place = surveyor.place = place

    @Slot(str)
    def choose(self, place: str) -> None:
        """Run batches and surveys at a place from now on: as ``--on`` has it, or empty for this window."""
        self._preferences.run_on = place
        self._panel.place.show_places(place, self._preferences.recent_places)
        self._failure, self._starts = "", 0
        self._controller.place = place
        if place and not self._mine():
            # Also where nothing waits: it says what is wrong with the place.
            self._start()
        for run in self._controller.queue:
            if not run.state.finished:
                self._controller.move(run)
        self._surveyor.move(place)
        self._say()

    def _mine(self) -> list[Head]:
        """The heads that take what waits for the place."""
        return [head for head in self._heads if head.row.place == self._controller.place and not head.row.only]

    def _waits(self) -> bool:
        """Whether pictures or a survey wait for a head."""
        runs = self._controller.queue
        return self._surveyor.waits or any(
            run.place and run.stored and run.state is Status.WAITING and run.unclaimed for run in runs
        )

    def _take_back(self) -> None:
        """Take jobs back whose head has ended, as one that an earlier window has started."""
        there = {head.row.place for head in self._heads} | {self._controller.place}
        for run in self._controller.queue:
            if run.place and run.place not in there and not run.state.finished:
                self._controller.move(run)
        survey = self._surveyor.making
        if survey is not None and survey.place and survey.place not in there:
            self._surveyor.move(self._controller.place)

    def _start(self) -> None:
        self._starting, self._started = True, time.monotonic()
        self._starts += 1
        self.desk.start_head(self._controller.place)

    @Slot()
    def _start_if_wanted(self) -> None:
        if not self._looked:
            return
        if not (self._controller.place and self._waits()) or self._mine():
            self._starts = 0
            return
        if self._failure or self._starting:
            return
        if self._starts >= _MOST_STARTS:
            self._failure = (
                f"Workers were started {self._starts} times and ended before they had said a word. "
                f"{head_log()} may say why"
            )
            self._say()
            self.problem.emit(Problem(f"{self._controller.place}: {self._failure}"))
            return
        left = self._started + _AGAIN_SECONDS * 2 ** max(self._starts - 1, 0) - time.monotonic()
        if left > 0:
            self._again.start(int(1000 * left) + 1)
        else:
            self._start()
            self._say()

    @Slot(list, bool)
    def _changed(self, heads: list[Head], starting: bool) -> None:
        self._heads, self._starting, self._looked = heads, starting, True
        self._worked |= {head.row.place for head in heads if head.row.workers}
        self._panel.workers.show_heads([head for head in heads if head.row.workers or head.row.place != "here"])
        self._panel.others.model.show_heads(heads)
        self._controller.queue.show_heads(heads)
        self._surveyor.show_heads(heads)
        if not starting:
            self._take_back()
        self._say()
        self._start_if_wanted()

    @Slot(str, str)
    def _ended(self, place: str, problem: str) -> None:
        if place == self._controller.place:
            self._failure, self._starting = problem, False
            self._say()
        if place != self._controller.place or place in self._worked:
            # What is wrong with a place that was just chosen stands below it.
            self.problem.emit(Problem(f"The workers at {place} have ended: {problem}"))

    def _say(self) -> None:
        place, failure = self._controller.place, self._failure.removeprefix("--on ")
        self._surveyor.explain(failure)
        if failure:
            self._panel.place.show_message(failure, wrong=True)
        elif place and self._starting:
            self._panel.place.show_message(f"Starting {place} …")
        else:
            self._panel.place.show_message("")

    @Slot(object)
    def stop(self, head: Head) -> None:
        """Pause the window's jobs at a head's place, and end the head; what has been reached is kept."""
        for run in self._controller.queue:
            if run.place == head.row.place and run.state is Status.WAITING:
                self._controller.pause(run)
        survey = self._surveyor.making
        if survey is not None and survey.place == head.row.place and self._surveyor.busy:
            self._surveyor.pause()
        self.desk.stop_head(head.name)

    def close(self) -> bool:
        """Leave the heads alone; one that is wanted and not there yet is started first.

        Returns:
            False if something that was asked for is stuck.
        """
        self._again.stop()
        there = self._failure or self._starting or self._mine()
        if self._controller.place and self._waits() and not there:
            self._start()
        return self.desk.close()
