"""Round: one pass of the head through a job, or a part of it, with many workers. Imports no torch."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from clipdesk.errors import Cancelled, NoWorkersError
from clipdesk.jobs.events import Event, Failure, PartRead, Progress, Result, ShardPiece
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.executors.messages import error_in, event_of
from clipdesk.jobs.executors.roster import Box, Member, Roster
from clipdesk.jobs.executors.wire import Message
from clipdesk.jobs.work import Work

WAIT = 0.05
"""Seconds until it is asked again whether the job is still wanted, while no worker says anything."""


@dataclass(frozen=True)
class Limits:
    """How workers are used.

    Attributes:
        tries: How often a unit is tried that a worker has died on.
        credit: How many messages of a claim may be on their way. The fewer, the sooner a pause is one; the more, the
            less a worker waits where messages take long.
        every: Seconds between two messages of how far a claim is.
        silent: Seconds after which a worker that says nothing is taken to hang.
        stop: Seconds that workers have to give what they have reached.
        most: The most pictures that a worker renders side by side.
        at_once: Claims that a worker has: one that it is on, and the next, so that it need not wait for the head.
    """

    tries: int = 3
    credit: int = 4
    every: float = 0.1
    silent: float = 600.0
    stop: float = 30.0
    most: int = 1_000
    at_once: int = 2


@dataclass(eq=False)
class _Claim:
    """Units that a worker has, and how often each was tried."""

    member: Member
    job: Work
    left: dict[Any, int]


_rounds = itertools.count(1)


def measure(roster: Roster, member: Member, sample: str, box: Box) -> int:
    """Ask a worker how many pictures of a job it renders side by side; the number of the question.

    Args:
        roster: All workers.
        member: The worker.
        sample: The job's `representatives`, as they are written.
        box: For the answer.
    """
    return roster.ask(member, "prepare", {"job": sample}, box)


def representatives(job: Work) -> Work:
    """Two units of each layer: how many fit side by side follows from them, and a large job has a hundred thousand."""
    first: dict[object, list[int]] = {}
    for position, unit in enumerate(job.units):
        of_its_kind = first.setdefault((type(unit), getattr(unit, "layer", None)), [])
        if len(of_its_kind) < 2:
            of_its_kind.append(position)
    return job.part(sorted(itertools.chain(*first.values())))


def measured_by(job: Work) -> str:
    """What a worker's measure of a job holds for: the same model, settings and layers."""
    known = job.part([0]).model_dump(mode="json", exclude={"weights", "files", "targets", "shards"})
    layers = sorted({str(getattr(unit, "layer", None)) for unit in job.units})
    return f"{known} {layers}"


class Round:
    """Gives units of a job out to workers and takes what comes of them.

    A unit whose worker dies is tried again, alone, so that one which kills workers does not fail its neighbours.

    Args:
        roster: The workers.
        job: The units to begin with.
        key: What workers' measures of this job are known by.
        hooks: As of the executor; `more` gives further units.
        limits: How workers are used.
        clock: Seconds.
    """

    def __init__(
        self, roster: Roster, job: Work, key: str, hooks: Hooks, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._roster = roster
        self._whole = job
        self._key = key
        self._hooks = hooks
        self._limits = limits
        self._clock = clock
        self._number = next(_rounds)
        self._waiting: deque[tuple[Any, int]] = deque()
        self._claims: dict[int, _Claim] = {}
        self._held: Counter[Member] = Counter()
        self._asked: dict[int, Member] = {}
        self._unfit: dict[Member, Exception] = {}
        self._served: set[Member] = set()
        self._box: Box = deque()
        self._exhausted = False
        self._stopped_at: float | None = None
        self._add(job)

    @cached_property
    def _sample(self) -> str:
        return representatives(self._whole).written()

    def _add(self, job: Work) -> None:
        self._waiting.extend((unit, 0) for unit in job.units)

    def events(self) -> Generator[Event, None, None]:
        """Everything that happens, as it comes.

        Raises:
            NoWorkersError: there is no worker any more.
            ClipDeskError: no worker can do this job.
            Cancelled: nothing is wanted any more, and nothing was begun.
        """
        try:
            while True:
                self._roster.start()
                self._give_out()
                if not (self._claims or self._waiting):
                    return
                self._check_workers()
                heard = self._roster.hear(0 if self._box else WAIT)
                while self._box:
                    yield from self._take(*self._box.popleft())
                if self._hooks.stop() and self._stopped_at is None:
                    self._stop()
                if not heard:
                    concerned = [*self._asked.values(), *(claim.member for claim in self._claims.values())]
                    self._roster.end_the_silent(self._limits.silent, concerned)
                    self._give_up_on_stopping()
        finally:
            for number, claim in self._claims.items():
                self._roster.forget(claim.member, number)
                # Those of a job that is paused meanwhile it still has.
                claim.member.busy -= len(claim.left)
            for number, member in self._asked.items():
                self._roster.forget(member, number)

    def _check_workers(self) -> None:
        fit = [member for member in self._roster.hopeful if member not in self._unfit]
        if self._claims:
            return
        if fit:
            if awaited := self._roster.awaited:
                self._hooks.stage(awaited)
            return
        if self._unfit:
            raise next(iter(self._unfit.values()))
        if awaited := self._roster.awaited:
            if self._hooks.unwanted():
                raise Cancelled
            self._hooks.stage(awaited)
            return
        raise NoWorkersError(f"There is no worker any more: {self._roster.why_none()}")

    # Giving out

    def _give_out(self) -> None:
        if self._stopped_at is not None:
            return
        fit = [member for member in self._roster.ready if member not in self._unfit]
        for member in fit:
            if self._key not in member.groups and member not in self._asked.values() and self._waiting:
                self._asked[measure(self._roster, member, self._sample, self._box)] = member
        able = [member for member in fit if self._key in member.groups]
        group = sum(member.groups[self._key] for member in able)
        # Each gets a first claim before any gets a second one.
        for count in range(self._limits.at_once):
            others = sum(self._will_ask(member) for member in self._roster.hopeful)
            for member in able:
                if self._claims_of(member) == count:
                    self._claim(member, group, others)
                    others -= 1

    def _will_ask(self, member: Member) -> bool:
        """Whether a worker is soon to be given units: it has none, or is likely near the end of those that it has."""
        return member not in self._unfit and (member in self._served or not self._claims_of(member))

    def _claims_of(self, member: Member) -> int:
        return self._held[member]

    def _claim(self, member: Member, group: int, others: int) -> None:
        if len(self._waiting) < group and not self._exhausted:
            further = self._hooks.more(self._limits.at_once * group)
            if further is None:
                self._exhausted = True
            else:
                self._add(further)
        size = member.groups[self._key]
        if self._exhausted:
            # The last ones are shared out, so that all workers end together; who has some leaves them to others.
            if self._claims_of(member) and len(self._waiting) < group:
                return
            size = min(size, -(-len(self._waiting) // max(1, others)))
        units: dict[Any, int] = {}
        # One whose worker has died is tried alone.
        while self._waiting and len(units) < size and not (units and (self._waiting[0][1] or any(units.values()))):
            unit, tries = self._waiting.popleft()
            units[unit] = tries
        if units:
            self._send(member, units)

    def _send(self, member: Member, units: dict[Any, int]) -> None:
        job = self._whole.of(list(units))
        limits = self._limits
        fields = {"job": job.written(), "round": self._number, "credit": limits.credit, "every": limits.every}
        number = self._roster.ask(member, "claim", fields, self._box)
        self._claims[number] = _Claim(member, job, units)
        self._held[member] += 1
        member.busy += len(units)

    # Taking

    def _take(self, member: Member, message: Message) -> Iterator[Event]:
        number = message.number
        if number in self._asked:
            self._take_measure(member, message)
            return
        claim = self._claims.get(number)
        if claim is None:
            return
        if message.kind == "stage":
            self._hooks.stage(f"{member.name}: {message.fields['text']}")
        elif message.kind == "event":
            event = event_of(message, claim.job)
            if isinstance(event, Result | Progress):
                event = replace(event, worker=member.record)
            member.pictures += len(event.thumbnails) if isinstance(event, PartRead) else isinstance(event, Result)
            if isinstance(event, Progress | PartRead | ShardPiece):
                yield event
            elif (unit := getattr(event, "target", None)) in claim.left:
                del claim.left[unit]
                member.deaths = 0
                member.busy -= 1
                yield event
            # Not before: who does not pull wants nothing more to be done.
            self._roster.tell(member, "more", number, {"credit": 1})
        elif message.kind in ("end", "gone"):
            del self._claims[number]
            self._held[member] -= 1
            member.busy -= len(claim.left)
            self._served.add(member)
            yield from self._end(claim, message)

    def _take_measure(self, member: Member, message: Message) -> None:
        if message.kind == "stage":
            self._hooks.stage(f"{member.name}: {message.fields['text']}")
            return
        del self._asked[message.number]
        if message.kind == "prepared":
            member.groups[self._key] = max(1, min(int(message.fields["units"]), self._limits.most))
        elif message.kind == "end":
            self._refuse(member, message)

    def _refuse(self, member: Member, message: Message) -> None:
        """Leave a worker alone that cannot do this job, as where its model's file is missing."""
        error = error_in(message.fields)
        self._unfit[member] = error
        if any(each not in self._unfit for each in self._roster.hopeful):
            self._roster.say(f"{member.name} does not help with this job: {error}")

    def _end(self, claim: _Claim, message: Message) -> Iterator[Event]:
        """A claim is over; what it has not done is done by others."""
        left, reason = claim.left, str(message.fields.get("reason", ""))
        again = int(not message.fields.get("recalled"))
        if message.kind == "end" and message.fields.get("lost"):
            self._roster.restart(claim.member, reason)
        elif message.kind == "end" and "reason" in message.fields and not message.fields["details"]:
            self._refuse(claim.member, message)
            again = 0
        if self._stopped_at is not None:
            return
        for unit, tries in reversed(list(left.items())):
            if tries + again < self._limits.tries:
                self._waiting.appendleft((unit, tries + again))
            else:
                claim.member.deaths = 0
                words = f"It was tried {self._limits.tries} times, and each time its worker failed: {reason}"
                yield Failure(unit, words, details=str(message.fields.get("details", "")))

    # Stopping

    def _stop(self) -> None:
        self._stopped_at = self._clock()
        self._waiting.clear()
        for number, claim in self._claims.items():
            self._roster.tell(claim.member, "stop", number)

    def _give_up_on_stopping(self) -> None:
        """Do not wait for ever for workers that were asked for what they have reached."""
        if self._stopped_at is not None and self._clock() - self._stopped_at > self._limits.stop:
            for member in {claim.member for claim in self._claims.values()}:
                self._roster.restart(member, "it did not stop")
