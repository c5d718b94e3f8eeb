"""Roster: the workers of a fleet as the head knows them, and whom each of their answers is for. Imports no torch."""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from clipdesk.errors import ClipDeskError, one_line
from clipdesk.export.metadata import WorkerRecord
from clipdesk.jobs.executors.clocks import ahead, complaint
from clipdesk.jobs.executors.fleet import Fleet, Gone
from clipdesk.jobs.executors.versions import mismatch
from clipdesk.jobs.executors.wire import Message, WireError, unpacked

log = logging.getLogger(__name__)

_MOST_DEATHS = 4
"""A worker that dies so often without having finished anything is not started again."""
_MOST_LOST = 1_000
"""Lost workers that are remembered although their places are gone, as days of jobs that a cluster takes back leave."""


@dataclass(eq=False)
class Member:
    """A worker.

    Attributes:
        place: Where it is, such as ``GPU 0``.
        number: Of its process; 0 where it has none.
        state: ``starting``, ``ready`` or ``lost``.
        host: Its computer's name.
        process: The number of its process there.
        reason: Why it is lost, or what it waits for before it can begin.
        deaths: How often its process has ended since it last finished something.
        heard: When it last said something, or was told something.
        asked: When it was asked for its time, by the clock on this computer's wall.
        open: Numbers of what it was asked for and has not answered.
        groups: How many pictures it renders side by side, by what was measured.
        device: What it computes with, for people; empty where it has not said so.
        busy: How many units it has in hand.
        pictures: How many it has rendered or read.
    """

    place: str
    number: int = 0
    state: Literal["starting", "ready", "lost"] = "starting"
    host: str = ""
    process: int = 0
    reason: str = ""
    deaths: int = 0
    heard: float = 0.0
    asked: float = 0.0
    open: set[int] = field(default_factory=set)
    groups: dict[str, int] = field(default_factory=dict)
    device: str = ""
    busy: int = 0
    pictures: int = 0

    @property
    def name(self) -> str:
        """What it is called where people read it."""
        return f"{self.place} on {self.host}" if self.host else self.place

    @property
    def record(self) -> WorkerRecord:
        """What is noted of it with its pictures."""
        return WorkerRecord(name=self.place, node=self.host, device=self.device)


Box = deque[tuple[Member, Message]]
"""What has come of workers for one who has asked them."""


class Roster:
    """All workers of a fleet. It greets them, starts those anew that have ended, and passes on what they say.

    Args:
        fleet: The processes.
        tell: Told a line for the user where a worker is refused, ends or is given up.
        allowed: SHA-256 of the archives that may be opened although they hold code.
        clock: Seconds.
        wall: Seconds since 1970, which other computers may see otherwise.

    Attributes:
        members: The workers by their places.
        say: Tells the user a line.
    """

    def __init__(
        self,
        fleet: Fleet,
        tell: Callable[[str], object],
        allowed: Callable[[], Iterable[str]] = tuple,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.members: dict[str, Member] = {}
        self.say = tell
        self._fleet = fleet
        self._allowed = allowed
        self._clock = clock
        self._wall = wall
        self._wrong_clocks: set[str] = set()
        self._by_number: dict[int, Member] = {}
        self._boxes: dict[int, Box] = {}
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Start a worker at each place that has none."""
        for place in self._fleet.places():
            if place not in self.members:
                self.members[place] = Member(place)
                self._launch(self.members[place])

    def _launch(self, member: Member) -> None:
        member.state, member.reason, member.heard, member.groups = "starting", "", self._clock(), {}
        try:
            member.number = self._fleet.start(member.place)
        except ClipDeskError as error:
            self._lose(member, str(error))
            return
        self._by_number[member.number] = member

    def _lose(self, member: Member, reason: str) -> None:
        self._by_number.pop(member.number, None)
        member.state, member.reason, member.number = "lost", reason, 0
        self.say(f"{member.name} is given up: {reason}")
        self._forget_the_lost()

    def _forget_the_lost(self) -> None:
        """Remember the newest alone of those that are lost with their places; at a place that is there none is new."""
        lost = [place for place, member in self.members.items() if member.state == "lost"]
        if len(lost) > _MOST_LOST:
            there = set(self._fleet.places())
            for place in [place for place in lost if place not in there][:-_MOST_LOST]:
                del self.members[place]

    @property
    def ready(self) -> list[Member]:
        """The workers that can be asked for something."""
        return [member for member in self.members.values() if member.state == "ready"]

    @property
    def hopeful(self) -> list[Member]:
        """The workers that are ready or will be."""
        return [member for member in self.members.values() if member.state != "lost"]

    @property
    def awaited(self) -> str:
        """What to tell the user while no worker can begin; empty where none will come, or that is not known."""
        hopeful = self.hopeful
        if not hopeful:
            return self._fleet.awaited()
        return hopeful[0].reason if all(member.reason for member in hopeful) else ""

    def why_none(self) -> str:
        """Why there is no worker, for the user."""
        reasons = dict.fromkeys(f"{member.name}: {member.reason}" for member in self.members.values())
        return "; ".join(reasons) or "there is no place for one"

    # Asking

    def ask(self, member: Member, kind: str, fields: Mapping[str, Any], box: Box) -> int:
        """Ask a worker for something; answers go into the box, until one of them ends it or it is forgotten.

        Returns:
            The number of the question, which its answers have.
        """
        number = next(self._numbers)
        self._boxes[number] = box
        member.open.add(number)
        self._send(member, Message(kind, number, fields))
        return number

    def tell(self, member: Member, kind: str, number: int, fields: Mapping[str, Any] | None = None) -> None:
        """Say something more of a question that was asked before."""
        self._send(member, Message(kind, number, fields or {}))

    def forget(self, member: Member, number: int) -> None:
        """Have a worker drop what it was asked for; no more answers come."""
        if self._boxes.pop(number, None) is not None and number in member.open:
            member.open.discard(number)
            self._send(member, Message("drop", number))

    def _send(self, member: Member, message: Message) -> None:
        member.heard = self._clock()
        if member.number:
            self._fleet.send(member.number, message.packed())

    # Hearing

    def hear(self, seconds: float) -> bool:
        """Put what has come into the boxes, and wait so long at most until something does; whether something has."""
        came = self._fleet.receive(seconds)
        for number, data in came:
            member = self._by_number.get(number)
            if member is None or member.number != number:
                continue
            member.heard = self._clock()
            if isinstance(data, Gone):
                self.restart(member, data.reason, recalled=data.recalled)
                continue
            try:
                self._take(member, unpacked(data))
            except WireError as error:
                self.restart(member, str(error))
        return bool(came)

    def _take(self, member: Member, message: Message) -> None:
        if message.kind == "hello":
            self._greet(member, message.fields)
            return
        if message.kind == "time":
            self._compare_clocks(member, message.fields.get("time"))
            return
        box = self._boxes.get(message.number)
        if box is None or message.number not in member.open:
            return
        if message.kind in ("end", "prepared"):
            member.open.discard(message.number)
            del self._boxes[message.number]
        box.append((member, message))

    def _greet(self, member: Member, said: Mapping[str, Any]) -> None:
        member.host = one_line(said.get("host", ""))
        member.process = int(said.get("process", 0))
        member.device = one_line(said.get("device", ""))
        problem = mismatch(said)
        if problem:
            self._fleet.end(member.number)
            self._lose(member, problem)
            return
        member.state, member.reason = "ready", ""
        member.asked = self._wall()
        self._send(member, Message("welcome", 0, {"allowed": list(self._allowed())}))

    def _compare_clocks(self, member: Member, its: object) -> None:
        line = complaint(member.host, ahead(its, member.asked, self._wall())) if isinstance(its, float) else ""
        if line and member.host not in self._wrong_clocks:
            self._wrong_clocks.add(member.host)
            self.say(line)

    def restart(self, member: Member, reason: str, *, recalled: bool = False) -> None:
        """End a worker's process, if it has not ended, and start another; who has asked it for something is told.

        Args:
            member: The worker.
            reason: Why.
            recalled: As of `Gone`.
        """
        log.warning("%s: %s", member.name, reason)
        self._fleet.end(member.number)
        self._by_number.pop(member.number, None)
        member.number = 0
        member.deaths += 1
        for number in member.open:
            box = self._boxes.pop(number, None)
            if box is not None:
                box.append((member, Message("gone", number, {"reason": reason, "recalled": recalled})))
        member.open.clear()
        if member.deaths >= _MOST_DEATHS or member.place not in self._fleet.places():
            self._lose(member, reason)
        else:
            self.say(f"{member.name} is started again: {reason}")
            self._launch(member)

    def end_the_silent(self, seconds: float, asked: Iterable[Member]) -> None:
        """Start those anew that were asked for something and have not said a word for so long, or do not begin."""
        waited_for = set(asked)
        for member in self.hopeful:
            if member.state == "starting":
                member.reason = self._fleet.lacks(member.number)
                if member.reason:
                    # It has not begun, so it has nothing to say.
                    member.heard = self._clock()
            if (member in waited_for or member.state == "starting") and self._clock() - member.heard > seconds:
                self.restart(member, f"it has said nothing for {seconds:.0f} seconds")

    def close(self) -> None:
        """End all workers."""
        self._fleet.close()
        self.members.clear()
        self._boxes.clear()
