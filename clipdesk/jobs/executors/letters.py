"""Letters: messages between a head and its relays, as files of a folder that both see. Imports no torch.

Each has a box, which is a folder. Who has a box writes its beat there, a counter; others put letters there. Everything
is written aside and renamed, so that nobody reads half of it. Nothing is compared with another computer's clock.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from clipdesk.errors import UsageError, printable
from clipdesk.jobs.executors.wire import Message, WireError, read_message, unpacked, write_message

BEAT = "beat"
"""The file of a box in which its owner says that it lives."""
HELD_SECONDS = 10.0
"""How long a file is tried again that Windows refuses, since a scanner has it open."""
MOST_BYTES = 32_000_000
"""When so much was read, the rest of the letters stays in the box until the reader has dealt with that."""


@dataclass(frozen=True)
class Pace:
    """How often head and relays look, in seconds.

    Attributes:
        poll: From one look into the box to the next, and from one letter to the next.
        beat: From one sign of life to the next.
        silent: Without a sign of life for so long, the other side is taken to be gone.
    """

    poll: float = 0.1
    beat: float = 2.0
    silent: float = 60.0


def open_spool(folder: Path, *, boxes: bool = True) -> Path:
    """A folder for letters, made if there is none; as an absolute path.

    Args:
        folder: The folder.
        boxes: Whether boxes are to be in it.

    Raises:
        UsageError: it cannot be made, or somebody else may write to it and so could command the workers.
    """
    folder = folder.absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        places = [folder, *(folder / name for name in ("head", "relays") if boxes)]
        for place in places[1:]:
            place.mkdir(mode=0o700, exist_ok=True)
        found = [(place, place.stat()) for place in places]
    except OSError as error:
        raise UsageError(f"{printable(folder)} cannot be used by workers: {error.strerror or error}") from None
    for place, status in found if os.name == "posix" else ():
        if status.st_uid != os.getuid():
            raise UsageError(f"{printable(place)} belongs to another user, who could command your workers")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise UsageError(
                f"Others may write to {printable(place)}, and so could command your workers. "
                f"Let only yourself: chmod go-w '{printable(place)}'"
            )
    return folder


def unused_folder(base: Path) -> Path:
    """A folder below another, named by the time, which is not there yet."""
    name = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    names = itertools.chain([name], (f"{name}_{count}" for count in itertools.count(2)))
    return next(base / each for each in names if not (base / each).exists())


def head_box(spool: Path) -> Path:
    """Where a head gets its letters."""
    return spool / "head"


def relay_box(spool: Path, relay: str) -> Path:
    """Where a relay gets its letters."""
    return spool / "relays" / relay


def write_aside(path: Path, data: bytes) -> None:
    """Write a file that is either not there or complete.

    Raises:
        OSError: it cannot be written.
    """
    aside = path.with_name(f".{path.name}")
    try:
        aside.write_bytes(data)
        os.replace(aside, path)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise


def write_beat(box: Path, said: Mapping[str, Any]) -> None:
    """Say that the owner of a box lives.

    A client of NFS that changes a folder asks the server about it anew, and so finds the letters that have come.

    Raises:
        OSError: it cannot be written.
    """
    write_aside(box / BEAT, json.dumps(dict(said)).encode())


def read_beat(box: Path) -> dict[str, Any]:
    """What the owner of a box has said last; empty where there is nothing, or nothing that can be read."""
    try:
        said = json.loads((box / BEAT).read_bytes())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


class Watch:
    """Whether somebody lives: what it says must change, and this computer's clock alone says how long it has not.

    Args:
        silent: Seconds without a change after which it is taken to be gone.
        clock: Seconds.
    """

    def __init__(self, silent: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._silent = silent
        self._clock = clock
        self._said: object = None
        self._changed: float | None = None

    def see(self, said: object) -> None:
        """Take what it says now; the first time is no sign of life, as the dead have said something too."""
        if self._said is not None and said != self._said:
            self._changed = self._clock()
        self._said = said

    @property
    def lives(self) -> bool:
        """True if what it says has changed lately."""
        return self._changed is not None and self._clock() - self._changed <= self._silent


class Outbox:
    """Letters to one box, numbered.

    Args:
        box: The folder.
        to: The addressee's name.
        sender: The sender's name.
    """

    def __init__(self, box: Path, to: str, sender: str) -> None:
        self._box = box
        self._name = f"{to}.{sender}"
        self._written = 0
        self._pending = io.BytesIO()

    @property
    def pending(self) -> bool:
        """True if there is something to write."""
        return self._pending.tell() > 0

    @property
    def unread(self) -> bool:
        """True if the last letter has not been taken yet."""
        return self._written > 0 and self._path(self._written - 1).exists()

    def put(self, message: Message) -> None:
        """Have a message in the next letter."""
        write_message(self._pending, message.packed())

    def write(self) -> None:
        """Write a letter with all that there is, also if that is nothing.

        Raises:
            OSError: it cannot be written; the next one has the same messages.
        """
        write_aside(self._path(self._written), self._pending.getvalue())
        self._written += 1
        self._pending = io.BytesIO()

    def _path(self, number: int) -> Path:
        return self._box / f"{self._name}.{number:08d}"


class Inbox:
    """The letters of a box, each sender's in its order.

    Args:
        box: The folder.
        to: Its owner's name. Letters to another one are those of an earlier owner, and are removed.
        clock: Seconds.
    """

    def __init__(self, box: Path, to: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused: float | None = None
        self._box = box
        self._to = to
        self._next: dict[str, int] = {}
        self._forgotten: set[str] = set()
        self.emptied = True

    def take(self) -> Iterator[tuple[str, list[Message] | None]]:
        """Senders and what each letter of theirs says, None if it is no letter; it is removed when it is taken.

        After that `emptied` says whether all letters were read that were there.

        Raises:
            OSError: the box cannot be read.
        """
        self.emptied = False
        waiting: dict[str, deque[tuple[int, str]]] = {}
        for name in sorted(os.listdir(self._box)):
            # What is written aside has a dot before it; its writer may have been killed.
            to, _, rest = name.removeprefix(".").partition(".")
            sender, _, number = rest.partition(".")
            if not number.isdecimal():
                continue
            if to != self._to or sender in self._forgotten:
                # Where it is refused for now, the next look removes it.
                with suppress(FileNotFoundError, PermissionError):
                    (self._box / name).unlink()
                continue
            if name.startswith("."):
                continue
            waiting.setdefault(sender, deque()).append((int(number), name))
        room = MOST_BYTES
        for sender, letters in waiting.items():
            # One that is missing between is on its way: a folder's list may be older than its files.
            while letters and letters[0][0] == self._next.get(sender, 0):
                if room <= 0:
                    return
                path = self._box / letters.popleft()[1]
                try:
                    data = path.read_bytes()
                    path.unlink()
                except FileNotFoundError:
                    break
                except PermissionError as error:
                    self._bear(error)
                    break
                self._refused = None
                self._next[sender] = self._next.get(sender, 0) + 1
                room -= len(data)
                yield sender, _messages(data)
        self.emptied = True

    def _bear(self, error: PermissionError) -> None:
        """Leave a file that is refused for later, unless that has gone on for long."""
        now = self._clock()
        if self._refused is None:
            self._refused = now
        elif now - self._refused > HELD_SECONDS:
            raise error

    def forget(self, sender: str) -> None:
        """Nothing more comes of a sender: what it has written or writes yet is removed unread."""
        self._next.pop(sender, None)
        self._forgotten.add(sender)


def _messages(data: bytes) -> list[Message] | None:
    stream, messages = io.BytesIO(data), list[Message]()
    try:
        while stream.tell() < len(data):
            packed = read_message(stream)
            if packed is None:
                return None
            messages.append(unpacked(packed))
    except WireError:
        return None
    return messages
