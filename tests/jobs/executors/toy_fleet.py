"""Workers without processes: each does one turn whenever the head listens, so that nothing depends on time."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import numpy as np

from clipdesk.errors import ClipDeskError
from clipdesk.jobs.events import Done, Event, Progress
from clipdesk.jobs.executor import Executor, Hooks, Prepared
from clipdesk.jobs.executors.fleet import Fleet, Gone
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.executors.rounds import Limits
from clipdesk.jobs.executors.worker import Worker
from clipdesk.jobs.work import Work
from tests.toy_work import WEIGHTS, Counting

STEPS = 3
PAGES = tuple(f"page {i}" for i in range(12))
NO_DELAY = Limits(every=0.0)


class Killed(BaseException):
    """Ends a worker's process at once."""


class Pages:
    """Counts pages, as the executor of a worker; some pages are special.

    Args:
        group: How many it does at once.
        counted: Takes the pages that were counted to their end, one group at a time.
        before: Called with each group before it is begun.
        problem: Why it cannot do any job.
    """

    def __init__(
        self,
        group: int = 2,
        counted: list[tuple[str, ...]] | None = None,
        before: Callable[[tuple[str, ...]], object] = lambda _: None,
        problem: Exception | None = None,
    ) -> None:
        self.counted = [] if counted is None else counted
        self._group = group
        self._before = before
        self._problem = problem

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`."""
        hooks.stage("Opening the book …")
        if self._problem is not None:
            raise self._problem
        return Prepared(self._group, WEIGHTS)

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """As `Executor.run`."""
        pages = tuple(str(page) for page in job.units)
        self._before(pages)
        for step in range(1, STEPS + 1):
            yield Progress(pages, step, STEPS, np.full(len(pages), step, dtype=np.float32))
            if hooks.stop():
                return
        self.counted.append(pages)
        for page in pages:
            yield Done(page, f"{page}.txt")


class ToyFleet:
    """Workers in this process.

    Args:
        executors: Gives the executor of each worker that is started, by its place.
        places: Where they are.

    Attributes:
        started: The places in the order in which workers were started there.
        frozen: Numbers of workers that do nothing any more.
        hope: What may still come.
        lacking: What workers wait for that were started.
        walls: The clocks of places whose clocks are wrong.
    """

    def __init__(self, executors: Callable[[str], Executor], places: Sequence[str] = ("one", "two")) -> None:
        self.started: list[str] = []
        self.frozen: set[int] = set()
        self.hope = ""
        self.lacking = ""
        self.walls: dict[str, Callable[[], float]] = {}
        self.closed = False
        self._executors = executors
        self._places = places
        self._workers: dict[int, Worker] = {}
        self._inboxes: dict[int, deque[bytes]] = {}
        self._came: deque[tuple[int, bytes | Gone]] = deque()

    def places(self) -> Sequence[str]:
        """As `Fleet.places`."""
        return self._places

    def awaited(self) -> str:
        """As `Fleet.awaited`."""
        return self.hope

    def start(self, place: str) -> int:
        """As `Fleet.start`."""
        self.started.append(place)
        number = len(self.started)
        inbox: deque[bytes] = deque()
        self._inboxes[number] = inbox
        self._workers[number] = Worker(
            self._executors(place),
            lambda _wait: inbox.popleft() if inbox else None,
            lambda data: self._came.append((number, data)),
            wall=self.walls.get(place, time.time),
        )
        self._workers[number].greet()
        return number

    def lacks(self, number: int) -> str:
        """As `Fleet.lacks`."""
        return self.lacking

    def send(self, number: int, data: bytes) -> None:
        """As `Fleet.send`."""
        self._inboxes[number].append(data)

    def receive(self, seconds: float) -> Sequence[tuple[int, bytes | Gone]]:
        """As `Fleet.receive`; every worker does a turn first."""
        for number, worker in list(self._workers.items()):
            if number in self.frozen:
                continue
            try:
                worker.turn()
            except Killed as death:
                self._gone(number, str(death))
        came = list(self._came)
        self._came.clear()
        return came

    def end(self, number: int) -> None:
        """As `Fleet.end`."""
        self._gone(number, "its process was ended")

    def _gone(self, number: int, reason: str) -> None:
        with suppress(KeyError):
            del self._workers[number]
            self._came.append((number, Gone(reason)))

    def close(self) -> None:
        """As `Fleet.close`."""
        self.closed = True
        self._workers.clear()


class NoProcess(ToyFleet):
    """A fleet whose workers cannot be started."""

    def start(self, place: str) -> int:
        """As `Fleet.start`."""
        raise ClipDeskError("no such program")


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def many(
    fleet: ToyFleet, said: list[str] | None = None, limits: Limits = NO_DELAY, clock: Callable[[], float] | None = None
) -> Many:
    lines: list[str] = [] if said is None else said
    return Many(fleet, Pages(), tell=lines.append, limits=limits, clock=clock or Clock())


def job(pages: tuple[str, ...] = PAGES) -> Counting:
    return Counting(model="demo", pages=pages)


def finished(events: Iterator[Event]) -> Counter[str]:
    return Counter(event.target for event in events if isinstance(event, Done))


def finish_asking() -> None:
    """Wait until every `Inquiry` has its answer."""
    for thread in threading.enumerate():
        if thread.name == "inquiry":
            thread.join(60)
            assert not thread.is_alive()


def awaited(fleet: Fleet) -> str:
    """What a fleet says of workers that may still come, as soon as it knows."""
    fleet.awaited()
    finish_asking()
    return fleet.awaited()
