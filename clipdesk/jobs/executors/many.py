"""Many: an executor whose work is done by worker processes, here or elsewhere."""

from __future__ import annotations

import importlib
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from clipdesk.errors import Cancelled, NoWorkersError
from clipdesk.jobs.events import Event
from clipdesk.jobs.executor import Executor, Hooks, Prepared
from clipdesk.jobs.executors.fleet import Fleet
from clipdesk.jobs.executors.messages import error_in
from clipdesk.jobs.executors.roster import Box, Member, Roster
from clipdesk.jobs.executors.rounds import WAIT, Limits, Round, measure, measured_by, representatives
from clipdesk.jobs.whole import WholeWork
from clipdesk.jobs.work import Work
from clipdesk.models.trust import all_allowed

if TYPE_CHECKING:
    from clipdesk.jobs.executors.divided import DividedPass


class Many:
    """Renders with many workers. Only this process, the head, has the queue and writes files.

    Workers are started with the first job, and end with `close` or with this process, however it ends.

    Args:
        fleet: The processes.
        itself: Does, in this process, the kinds of work that cannot be divided.
        tell: Told a line for the user where a worker is refused, ends or is given up.
        limits: How workers are used.
        clock: Seconds.
        dashboard: Address of a page that shows the fleet; empty if there is none.

    Attributes:
        dashboard: As given.
    """

    def __init__(
        self,
        fleet: Fleet,
        itself: Executor,
        *,
        tell: Callable[[str], object] = lambda _: None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        dashboard: str = "",
    ) -> None:
        self.dashboard = dashboard
        self._itself = itself
        self._limits = limits or Limits()
        self._clock = clock
        self._roster = Roster(fleet, tell, all_allowed, clock)

    @property
    def workers(self) -> list[Member]:
        """The workers, as they are now."""
        return list(self._roster.members.values())

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`: have a worker open the model, and measure how many pictures fit there.

        Raises:
            NoWorkersError: there is no worker.
        """
        if not job.divisible:
            return self._itself.prepare(job, hooks)
        box: Box = deque()
        asked: dict[int, Member] = {}
        refused: dict[Member, Exception] = {}
        hooks.stage("Starting workers …")
        sample = representatives(job).written()
        try:
            while True:
                self._roster.start()
                for member in self._roster.ready:
                    if member not in refused and member not in asked.values():
                        asked[measure(self._roster, member, sample, box)] = member
                heard = self._roster.hear(WAIT)
                while box:
                    member, message = box.popleft()
                    if message.kind == "stage":
                        hooks.stage(f"{member.name}: {message.fields['text']}")
                        continue
                    del asked[message.number]
                    if message.kind == "prepared":
                        member.groups[measured_by(job)] = max(1, min(int(message.fields["units"]), self._limits.most))
                        return self._prepared(job, member, message.fields["weights"])
                    if message.kind == "end":
                        refused[member] = error_in(message.fields)
                if hooks.unwanted():
                    raise Cancelled
                if not heard:
                    self._roster.end_the_silent(self._limits.silent, asked.values())
                self._check(refused, hooks)
        finally:
            for number, member in asked.items():
                self._roster.forget(member, number)

    def _prepared(self, job: Work, member: Member, weights: str | None) -> Prepared:
        return Prepared(len(self._roster.hopeful) * member.groups[measured_by(job)], weights)

    def _check(self, refused: dict[Member, Exception], hooks: Hooks) -> None:
        if awaited := self._roster.awaited:
            hooks.stage(awaited)
            return
        hopeful = self._roster.hopeful
        if not hopeful:
            raise NoWorkersError(f"There is no worker: {self._roster.why_none()}")
        if all(member in refused for member in hopeful):
            raise next(iter(refused.values()))

    def run(self, job: Work, hooks: Hooks) -> Generator[Event, None, None]:
        """As `Executor.run`.

        Raises:
            NoWorkersError: there is no worker any more.
        """
        if not job.divisible:
            # The head goes through a survey itself, but has others read the pictures.
            device = job.device if isinstance(job, WholeWork) else "auto"
            yield from self._itself.run(job, replace(hooks, divided=self.divided(hooks, device)))
        else:
            yield from Round(self._roster, job, measured_by(job), hooks, self._limits, self._clock).events()

    def divided(self, hooks: Hooks, device: str) -> DividedPass:
        """What reads an image set with the workers, for a survey.

        Args:
            hooks: As of `run`.
            device: Where workers compute.
        """
        # By name, since it takes torch along, which a head without surveys does without.
        made: DividedPass = importlib.import_module("clipdesk.jobs.executors.divided").DividedPass(
            self._roster, hooks, device, self._limits, self._clock
        )
        return made

    def close(self) -> None:
        """End the workers."""
        self._roster.close()
