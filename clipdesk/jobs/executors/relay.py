"""Relay: offers the workers of a fleet to a head, through a folder that both see. Imports no torch."""

from __future__ import annotations

import secrets
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from clipdesk.errors import ClipDeskError, UsageError, one_line, printable
from clipdesk.jobs.executors.fleet import Fleet, Gone
from clipdesk.jobs.executors.letters import (
    Inbox,
    Outbox,
    Pace,
    Watch,
    head_box,
    open_spool,
    read_beat,
    relay_box,
    write_beat,
)
from clipdesk.jobs.executors.versions import greeting
from clipdesk.jobs.executors.wire import Message, WireError

FORM = 1
"""Of the folder: what is where in it."""


def holding(kind: str, number: int, data: bytes) -> Message:
    """A message for a worker, or of one, within a letter."""
    return Message(kind, number, {}, {"data": np.frombuffer(data, np.uint8)})


def bytes_of(message: Message) -> bytes:
    """What `holding` was given.

    Raises:
        WireError: it is no such message.
    """
    try:
        return message.arrays["data"].tobytes()
    except KeyError as error:
        raise WireError("A worker and its head do not understand each other") from error


class Relay:
    """Waits for heads, and lets each have the workers of a fleet. These end when the head does, or is not heard of.

    Args:
        folder: Where letters are.
        fleet: Makes the fleet, for each head anew.
        pace: How often to look.
        idle: Seconds without a head after which this ends.
        tell: Told a line for the user.
        clock: Seconds.

    Raises:
        UsageError: the folder cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        fleet: Callable[[], Fleet],
        *,
        pace: Pace | None = None,
        idle: float = 1800.0,
        tell: Callable[[str], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = open_spool(folder)
        self._make_fleet = fleet
        self._pace = pace or Pace()
        self._idle = idle
        self._tell = tell
        self._clock = clock
        self._watch = Watch(self._pace.silent, clock)
        self._head = ""
        self._over = False
        self._ends = False

    def run(self) -> str:
        """Work for one head after the other; why there is nothing more to do.

        Raises:
            UsageError: the head is of another version of ClipDesk.
            ClipDeskError: nothing can be read from the folder or written to it any more.
        """
        idle_since = self._clock()
        self._tell(f"Waiting for a head in {printable(self._folder)}")
        while not self._ends:
            self._look_for_head()
            if self._head and self._watch.lives and not self._over:
                session = _Session(self._folder, self._head, self._make_fleet, self._pace, self._clock)
                try:
                    why = session.run(self._head_is_gone)
                except OSError as error:
                    reason = error.strerror or type(error).__name__
                    raise ClipDeskError(
                        f"There is no way to a head through {printable(self._folder)}: {reason}"
                    ) from error
                self._tell(why)
                if session.closed:
                    return why
                idle_since = self._clock()
            elif self._clock() - idle_since > self._idle:
                return f"No head came within {self._idle:g} seconds"
            else:
                time.sleep(self._pace.poll)
        return "The head has ended its workers"

    def _look_for_head(self) -> None:
        said = read_beat(head_box(self._folder))
        if not said:
            return
        if said.get("form") != FORM:
            raise UsageError("The head in this folder is of another version of ClipDesk. Install the same on both")
        self._watch.see(said)
        self._head, self._over, self._ends = str(said.get("head")), bool(said.get("over")), bool(said.get("end"))

    def _head_is_gone(self, head: str) -> str:
        """Why a head is not there any more; empty if it is."""
        self._look_for_head()
        if self._over or self._head != head:
            return "The head has gone"
        return "" if self._watch.lives else f"The head has said nothing for {self._pace.silent:g} seconds"


class _Session:
    """A relay's time with one head, with a box of its own.

    Attributes:
        closed: Whether the head does not want any more of this relay.
    """

    def __init__(
        self, folder: Path, head: str, fleet: Callable[[], Fleet], pace: Pace, clock: Callable[[], float]
    ) -> None:
        self.closed = False
        self._head = head
        self._pace = pace
        self._clock = clock
        self._make_fleet = fleet
        self._name = secrets.token_hex(8)
        self._box = relay_box(folder, self._name)
        self._inbox = Inbox(self._box, self._name)
        self._outbox = Outbox(head_box(folder), head, self._name)
        self._places: list[str] = []
        # By the numbers that processes have for the head and for the fleet.
        self._theirs: dict[int, int] = {}
        self._ours: dict[int, int] = {}
        self._why = ""
        self._written = self._beaten = clock()

    def run(self, gone: Callable[[str], str]) -> str:
        """Carry messages until the session is over; why it is."""
        self._box.mkdir(mode=0o700)
        try:
            with closing(self._make_fleet()) as fleet:
                self._places = list(fleet.places())
                self._outbox.put(Message("hello", 0, {**greeting(), "places": self._places}))
                while not self._why:
                    self._turn(fleet)
                    self._why = self._why or gone(self._head)
        except BaseException as error:
            # Whatever ends it, as a signal does: the head is not to wait in vain.
            self._why = one_line(error, 200) if isinstance(error, ClipDeskError) else "its job or process was ended"
            raise
        finally:
            with suppress(OSError):
                self._outbox.put(Message("bye", 0, {"reason": self._why}))
                self._outbox.write()
            shutil.rmtree(self._box, ignore_errors=True)
        return self._why

    def _turn(self, fleet: Fleet) -> None:
        self._read(fleet)
        for number, came in fleet.receive(self._pace.poll):
            if number not in self._theirs:
                continue
            if isinstance(came, Gone):
                self._gone(number, came.reason)
            else:
                self._outbox.put(holding("said", self._theirs[number], came))
        places = list(fleet.places())
        if places != self._places:
            self._places = places
            self._outbox.put(Message("places", 0, {"places": places}))
        self._write()

    def _read(self, fleet: Fleet) -> None:
        try:
            for _, letter in self._inbox.take():
                for message in letter if letter is not None else [Message("unreadable")]:
                    self._take(fleet, message)
        except FileNotFoundError:
            self._why = "The head has given this worker up"

    def _take(self, fleet: Fleet, message: Message) -> None:
        number = message.number
        if message.kind == "start":
            try:
                ours = fleet.start(str(message.fields["place"]))
            except (ClipDeskError, ValueError) as error:
                self._outbox.put(Message("gone", number, {"reason": str(error)}))
                return
            self._ours[number], self._theirs[ours] = ours, number
        elif message.kind == "say" and number in self._ours:
            fleet.send(self._ours[number], bytes_of(message))
        elif message.kind == "end" and number in self._ours:
            fleet.end(self._ours[number])
        elif message.kind == "close":
            self.closed = True
            self._why = one_line(message.fields.get("reason", ""), 200)
        elif message.kind == "unreadable":
            self._why = "What the head has written cannot be read"

    def _gone(self, number: int, reason: str) -> None:
        theirs = self._theirs.pop(number)
        del self._ours[theirs]
        self._outbox.put(Message("gone", theirs, {"reason": reason}))

    def _write(self) -> None:
        now = self._clock()
        # One that is there unread says already that this relay lives; a head that is busy is not to find thousands.
        due = now - self._written >= self._pace.beat and not self._outbox.unread
        ripe = now - self._written >= self._pace.poll or self._why
        try:
            if now - self._beaten >= self._pace.beat:
                write_beat(self._box, {"form": FORM, "host": socket.gethostname(), "beat": now})
                self._beaten = now
            if (self._outbox.pending and ripe) or due:
                self._outbox.write()
                self._written = now
        except OSError as error:
            if not self._box.is_dir():
                self._why = "The head has given this worker up"
            elif now - max(self._written, self._beaten) > self._pace.silent:
                raise ClipDeskError(f"Nothing can be written to the spool: {error.strerror or error}") from error
