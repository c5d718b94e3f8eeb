"""Relays on threads, as those of other computers, which can hang, wake and be taken back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clipdesk.errors import ClipDeskError
from clipdesk.jobs.executor import Executor
from clipdesk.jobs.executors.fleet import Fleet, Gone
from clipdesk.jobs.executors.letters import Pace, head_box, write_beat
from clipdesk.jobs.executors.relay import Relay
from tests.jobs.executors.toy_fleet import Pages, ToyFleet

QUICK = Pace(poll=0.01, beat=0.05)
"""However busy the machine is, nobody is taken to be gone."""


class Computer(ToyFleet):
    """Workers of a relay whose computer can hang, or be taken back.

    Attributes:
        awake: Cleared while it hangs.
        problem: Ends the relay.
    """

    def __init__(self, executors: Callable[[str], Executor], places: Sequence[str] = ("one", "two")) -> None:
        super().__init__(executors, places)
        self.awake = threading.Event()
        self.awake.set()
        self.problem: BaseException | None = None

    def receive(self, seconds: float) -> Sequence[tuple[int, bytes | Gone]]:
        """As `Fleet.receive`."""
        assert self.awake.wait(20)
        if self.problem is not None:
            raise self.problem
        time.sleep(0.001)
        return super().receive(seconds)


@dataclass
class Running:
    """A relay on a thread.

    Attributes:
        fleets: Those that it has made, one for each head.
        said: What it has told, and at last why it has ended.
        counted: What its workers have done.
    """

    spool: Path
    fleets: list[ToyFleet] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    counted: list[tuple[str, ...]] = field(default_factory=list)
    make: Callable[[Callable[[str], Pages]], ToyFleet] = Computer
    idle: float = 30.0
    pace: Pace = QUICK

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _fleet(self) -> Fleet:
        self.fleets.append(self.make(lambda _: Pages(1, self.counted)))
        return self.fleets[-1]

    def _run(self) -> None:
        relay = Relay(self.spool, self._fleet, pace=self.pace, idle=self.idle, tell=self.said.append)
        try:
            self.said.append(relay.run())
        except (KeyboardInterrupt, ClipDeskError) as error:
            self.said.append(f"{type(error).__name__}: {error}")

    @property
    def computer(self) -> Computer:
        """What it works with now."""
        assert isinstance(self.fleets[-1], Computer)
        return self.fleets[-1]


@contextmanager
def running(*relays: Running) -> Iterator[None]:
    """Relays whose head says at the end that all is over; each of them ends."""
    try:
        yield
    finally:
        beat = {"form": 1, "head": "last", "over": True, "end": True}
        write_beat(head_box(relays[0].spool), beat)
        for each in relays:
            for fleet in each.fleets:
                if isinstance(fleet, Computer):
                    fleet.awake.set()
            each.thread.join(20)
            assert not each.thread.is_alive()


def each_has(relays: Sequence[Running], turn: int, line: str = "") -> bool:
    """Whether each relay has made so many fleets, or said a line so often."""
    return all((each.said.count(line) if line else len(each.fleets)) == turn for each in relays)
