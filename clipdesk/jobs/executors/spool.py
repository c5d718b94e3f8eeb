"""Workers that anyone starts, wherever a folder is seen: ``clipdesk worker --spool FOLDER``. Imports no torch."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipdesk.errors import ClipDeskError, NoWorkersError, UsageError, one_line, printable
from clipdesk.jobs.executors.fleet import Gone
from clipdesk.jobs.executors.letters import (
    HELD_SECONDS,
    Inbox,
    Outbox,
    Pace,
    head_box,
    open_spool,
    read_beat,
    relay_box,
    write_beat,
)
from clipdesk.jobs.executors.relay import FORM, bytes_of, holding
from clipdesk.jobs.executors.versions import mismatch
from clipdesk.jobs.executors.wire import Message


@dataclass(eq=False)
class _Relay:
    """A relay that has said hello.

    Attributes:
        outbox: Letters to it.
        heard: When it last wrote.
        written: When it was last written to.
        gone: Why it cannot be written to any more; empty if all is well.
        refused: Since when its box is refused; None if it is not.
        host: Its computer's name.
        problem: Why nothing can be done there; empty if all is well.
        places: The places that it offers, by the names that they have here.
        numbers: Of its processes.
    """

    outbox: Outbox
    heard: float
    written: float = -1.0
    gone: str = ""
    refused: float | None = None
    host: str = ""
    problem: str = ""
    places: dict[str, str] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)


class SpoolFleet:
    """The workers of all relays that look into a folder.

    One head at a time: a second one is refused. One that has said nothing for three beats is dead.

    Args:
        folder: The folder.
        pace: How often to look.
        ends: Whether relays end with this head, as those do that were started for it. Otherwise they wait for another.
        awaited: What to tell the user while there is no worker yet; by default how to start one.
        clock: Seconds.

    Raises:
        UsageError: the folder cannot be used, or another head uses it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pace: Pace | None = None,
        ends: bool = False,
        awaited: Callable[[], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = open_spool(folder)
        self._pace = pace or Pace()
        self._ends = ends
        self._awaited = awaited
        self._clock = clock
        self._id = secrets.token_hex(8)
        self._relays: dict[str, _Relay] = {}
        self._relay_of: dict[int, str] = {}
        self._numbers = 0
        self._news = False
        self._box = head_box(self.folder)
        self._refuse_a_second()
        self._inbox = Inbox(self._box, self._id)
        self._beats = _Beats(self._box, self._id, self._pace)

    def _refuse_a_second(self) -> None:
        before = read_beat(self._box)
        if not before or before.get("over"):
            return
        until = self._clock() + 3 * self._pace.beat
        while self._clock() < until:
            now = read_beat(self._box)
            if now and now != before and not now.get("over"):
                who = f"process {now.get('process')} on {one_line(now.get('host'))}"
                raise UsageError(f"{printable(self.folder)} is used by another head already: {who}")
            time.sleep(min(self._pace.poll, self._pace.beat / 2))

    def awaited(self) -> str:
        """As `Fleet.awaited`: workers may be started at any time."""
        if self._awaited is not None:
            return self._awaited()
        return f"Waiting for workers: clipdesk worker --spool '{printable(self.folder)}'"

    def places(self) -> Sequence[str]:
        """As `Fleet.places`."""
        return [place for relay in self._relays.values() for place in relay.places]

    def start(self, place: str) -> int:
        """As `Fleet.start`."""
        for name, relay in self._relays.items():
            if place in relay.places:
                if relay.problem:
                    raise ClipDeskError(relay.problem)
                self._numbers += 1
                relay.numbers.add(self._numbers)
                self._relay_of[self._numbers] = name
                relay.outbox.put(Message("start", self._numbers, {"place": relay.places[place]}))
                return self._numbers
        raise ClipDeskError("it is there no longer")

    def lacks(self, number: int) -> str:
        """As `Fleet.lacks`: its relay does not say."""
        return ""

    def send(self, number: int, data: bytes) -> None:
        """As `Fleet.send`."""
        self._put(number, holding("say", number, data))

    def end(self, number: int) -> None:
        """As `Fleet.end`."""
        self._put(number, Message("end", number))

    def _put(self, number: int, message: Message) -> None:
        relay = self._relays.get(self._relay_of.get(number, ""))
        if relay is not None:
            relay.outbox.put(message)

    def receive(self, seconds: float) -> Sequence[tuple[int, bytes | Gone]]:
        """As `Fleet.receive`.

        Raises:
            NoWorkersError: nothing can be read from the folder or written to it.
        """
        until = self._clock() + seconds
        try:
            while True:
                self._news = False
                self._write()
                came = list(self._read())
                left = until - self._clock()
                # Also where there are new places: workers are to be started there before anything else is said.
                if came or left <= 0 or self._news:
                    return came
                time.sleep(min(self._pace.poll, left))
        except OSError as error:
            why = error.strerror or str(error)
            raise NoWorkersError(f"There is no way to the workers through {printable(self.folder)}: {why}") from error

    def _write(self) -> None:
        if self._beats.problem:
            raise OSError(self._beats.problem)
        for relay in self._relays.values():
            if relay.outbox.pending and self._clock() - relay.written >= self._pace.poll:
                relay.written = self._clock()
                self._write_to(relay)

    def _write_to(self, relay: _Relay) -> None:
        try:
            relay.outbox.write()
            relay.refused = None
        except FileNotFoundError:
            # Its last letter, which may say why, was written before its box went.
            relay.gone = "it has gone"
        except PermissionError as error:
            # Other relays have boxes of their own, and work on. A scanner lets go of a file after a while.
            now = self._clock()
            relay.refused = now if relay.refused is None else relay.refused
            if now - relay.refused > HELD_SECONDS:
                relay.gone = f"nothing can be written to its folder: {error.strerror or error}"

    def _read(self) -> Iterator[tuple[int, bytes | Gone]]:
        for name, letter in self._inbox.take():
            relay = self._relays.get(name)
            if relay is not None:
                relay.heard = self._clock()
            if letter is None:
                yield from self._lose(name, "its letters cannot be read")
                continue
            for message in letter:
                yield from self._take(name, message)
        if self._inbox.emptied:
            for name, relay in list(self._relays.items()):
                if relay.gone:
                    yield from self._lose(name, relay.gone)
                elif self._clock() - relay.heard > self._pace.silent:
                    yield from self._lose(name, f"there was no sign of life for {self._pace.silent:g} seconds")

    def _take(self, name: str, message: Message) -> Iterator[tuple[int, bytes | Gone]]:
        if message.kind == "hello" and name not in self._relays:
            self._relays[name] = _Relay(Outbox(relay_box(self.folder, name), name, self._id), self._clock())
        relay = self._relays.get(name)
        if relay is None:
            return
        if message.kind == "hello":
            relay.host = one_line(message.fields.get("host", ""))
            relay.problem = mismatch(message.fields)
            if relay.problem:
                relay.outbox.put(Message("close", 0, {"reason": f"The head cannot use this worker: {relay.problem}"}))
        if message.kind in ("hello", "places"):
            # Where the same place is offered again, by a relay that was started anew, it is another one.
            self._news = True
            relay.places = {f"{place} ({name[:8]})": place for place in _texts(message.fields.get("places"))}
        elif message.kind == "bye":
            yield from self._lose(name, one_line(message.fields.get("reason", ""), 200), recalled=True)
        elif message.number in relay.numbers and message.kind == "said":
            yield message.number, bytes_of(message)
        elif message.number in relay.numbers and message.kind == "gone":
            relay.numbers.discard(message.number)
            del self._relay_of[message.number]
            yield message.number, Gone(one_line(message.fields.get("reason", ""), 200))

    def _lose(self, name: str, reason: str, *, recalled: bool = False) -> Iterator[tuple[int, Gone]]:
        relay = self._relays.pop(name, None)
        # One that lives after all finds its box gone, and begins anew under another name.
        shutil.rmtree(relay_box(self.folder, name), ignore_errors=True)
        self._inbox.forget(name)
        if relay is not None:
            for number in relay.numbers:
                del self._relay_of[number]
                yield number, Gone(reason, recalled)

    def close(self) -> None:
        """As `Fleet.close`."""
        self._beats.close(ends=self._ends)
        for relay in self._relays.values() if self._ends else ():
            # One that cannot be told sees it by the beat.
            with suppress(OSError):
                relay.outbox.put(Message("close", 0, {"reason": "The head has ended its workers"}))
                relay.outbox.write()
        self._relays.clear()


def _texts(found: object) -> list[str]:
    return [one_line(each) for each in found] if isinstance(found, list) else []


class _Beats:
    """Says that this head lives, also while it does something else.

    Attributes:
        problem: Why it cannot do so any more; empty if all is well.
    """

    def __init__(self, box: Path, name: str, pace: Pace) -> None:
        self.problem = ""
        self._box = box
        self._pace = pace
        self._said: dict[str, Any] = {"form": FORM, "head": name, "host": socket.gethostname(), "process": os.getpid()}
        self._count = 0
        self._over = threading.Event()
        try:
            self._write()
        except OSError as error:
            raise UsageError(f"Nothing can be written to {printable(box)}: {error.strerror or error}") from None
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        self._count += 1
        write_beat(self._box, {**self._said, "beat": self._count})

    def _go_on(self) -> None:
        while not self._over.wait(self._pace.beat):
            now = read_beat(self._box)
            if now and now.get("head") != self._said["head"]:
                who = f"process {now.get('process')} on {one_line(now.get('host'))}"
                self.problem = f"another head has taken it over, {who}"
                return
            with suppress(OSError):
                # One that fails, as where somebody reads the file on Windows, is made up for by the next.
                self._write()

    def close(self, ends: bool) -> None:
        """Say that this head is over.

        Args:
            ends: Whether its relays are to end, too.
        """
        self._over.set()
        self._thread.join()
        if not self.problem:
            with suppress(OSError):
                write_beat(self._box, {**self._said, "beat": self._count + 1, "over": True, "end": ends})
