"""Heads as others see them: the processes that work through a queue, each with a small file beside it.

A head says in its file where its workers are and what they do. Whoever shares the queue can look, and can ask it to
stop. Imports no torch.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from clipdesk.errors import UsageError, one_line
from clipdesk.files import read_bytes
from clipdesk.jobs.owners import Owner, is_alive

_MOST_BYTES = 2_000_000
_MOST_WORKERS = 10_000
_LONGEST = 1_000
_ADDRESS = re.compile(r"https?://[\w.:\[\]/#?=&%~-]+")


def _cut(value: object) -> object:
    """The beginning of what is too long: a head is not to be hidden for one of its words."""
    most = _LONGEST if isinstance(value, str) else _MOST_WORKERS
    return value[:most] if isinstance(value, str | list | tuple) else value


def _address(value: object) -> object:
    """An address that a window may open; none where it could be something else."""
    return value if isinstance(value, str) and len(value) <= _LONGEST and _ADDRESS.fullmatch(value) else ""


_Text = Annotated[str, BeforeValidator(_cut)]
_KILLED = "its process was killed"


class WorkerRow(BaseModel):
    """A worker.

    Attributes:
        name: Where it is, such as ``GPU 0``.
        node: Its computer's name; empty as long as it has not said a word.
        device: What it computes with; empty where it has not said so.
        state: ``starting``, ``ready`` or ``lost``.
        reason: Why it is lost, or what it waits for before it can begin.
        busy: How many units it has in hand.
        pace: Pictures that it has rendered or read in the last minute.
        job: The number of the job whose group it has last done a step of; 0 where it has nothing in hand.
        group: The pictures of that group, in a few words.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: _Text
    node: _Text = ""
    device: _Text = ""
    state: Literal["starting", "ready", "lost"] = "starting"
    reason: _Text = ""
    busy: int = 0
    pace: float = 0.0
    job: int = 0
    group: _Text = ""


class Reached(BaseModel):
    """How far a head is with a job of one unit, of which the queue says nothing until it is done.

    Attributes:
        share: How much of it is done, 0 to 1.
        stage: What is done before it begins, in words; empty where that is not said.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    share: Annotated[float, Field(ge=0, le=1)] = 0.0
    stage: _Text = ""


class HeadRow(BaseModel):
    """What a head says of itself.

    Attributes:
        place: Where its work is done, as ``--on`` has it.
        host: Its computer's name.
        process: The number of its process there.
        dashboard: Address of a page that shows the cluster; empty if there is none.
        jobs: Numbers of the jobs that it works on now.
        reached: How far those of one unit are, by their numbers; and what is done before the next one begins.
        only: Numbers of the jobs that it works on at all; empty where it takes what comes.
        workers: Its workers; empty where it does the work itself.
        problem: Why it has ended; empty if it has not, or has come to the end of its work.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    place: _Text
    host: _Text = ""
    process: int = 0
    dashboard: Annotated[str, BeforeValidator(_address)] = ""
    jobs: tuple[int, ...] = ()
    reached: dict[int, Reached] = {}
    only: tuple[int, ...] = ()
    workers: Annotated[tuple[WorkerRow, ...], BeforeValidator(_cut)] = ()
    problem: _Text = ""


@dataclass(frozen=True)
class Head:
    """A head that was looked at.

    Attributes:
        name: Unique.
        row: What it has said last.
        alive: Whether its process lives.
    """

    name: str
    row: HeadRow
    alive: bool


def heads_of(queue: Path) -> Path:
    """The folder of the heads of a queue."""
    return queue.with_name(f"{queue.name}-heads")


class HeadFile:
    """What this process says of itself while it works through a queue.

    Args:
        queue: The queue's file.
        place: Where its work is done.

    Raises:
        ClipDeskError: there can be no file, as on a full disk.
    """

    def __init__(self, queue: Path, place: str) -> None:
        self._folder = heads_of(queue)
        self._owner = Owner(self._folder)
        self._row = HeadRow(place=place, host=socket.gethostname(), process=os.getpid())
        # A command and the thread that tells of its workers both have something to say.
        self._lock = threading.Lock()
        self._written = False
        self._write()

    def show(self, **changes: object) -> None:
        """Say something new, if it is, or what could not be written before; attributes of `HeadRow` by name."""
        with self._lock:
            # Checked, as it is by those who read it.
            row = HeadRow.model_validate({**dict(self._row), **changes})
            if row != self._row or not self._written:
                self._row = row
                self._write()

    def _write(self) -> None:
        self._written = False
        # Others look on; the work does not depend on it. On Windows it fails where one of them reads at this moment.
        with suppress(OSError):
            whole = self._path("partial")
            whole.write_text(self._row.model_dump_json(), encoding="utf-8")
            whole.replace(self._path("json"))
            self._written = True

    def _path(self, kind: str) -> Path:
        return self._folder / f"{self._owner.name}.{kind}"

    @property
    def asked_to_stop(self) -> bool:
        """Whether somebody has asked this process to stop."""
        return self._path("stop").exists()

    def close(self, problem: str = "") -> None:
        """This process works no more.

        Args:
            problem: Why, for the user, who may not see its terminal; empty if all is well.
        """
        if problem:
            self.show(problem=one_line(problem, 500), jobs=(), workers=())
        else:
            forget(self._folder, self._owner.name)
        with suppress(OSError):
            self._owner.close()


def look_at_heads(queue: Path) -> list[Head]:
    """The heads of a queue, those that live and those that have ended with a problem; `forget` removes the latter."""
    folder, found = heads_of(queue), []
    for path in folder.glob("*.partial"):
        # Of one that was killed before its first word, and that nobody would ask for.
        if not is_alive(folder, path.stem):
            forget(folder, path.stem)
    for path in sorted(folder.glob("*.json")):
        try:
            row = HeadRow.model_validate_json(read_bytes(path, _MOST_BYTES))
        except (UsageError, ValidationError, ValueError, OSError):
            # Gone at this moment, or of another version.
            continue
        alive = is_alive(folder, path.stem)
        if alive or path.exists():
            problem = row.problem or ("" if alive else _KILLED)
            found.append(Head(path.stem, row.model_copy(update={"problem": problem}), alive))
    return found


def ask_to_stop(queue: Path, name: str) -> None:
    """Ask a head to stop; what it has reached is kept, and its jobs wait.

    Raises:
        OSError: it cannot be asked.
    """
    folder = heads_of(queue)
    if (folder / f"{name}.json").exists():
        (folder / f"{name}.stop").touch()


def forget(folder: Path, name: str) -> None:
    """Remove what a head has said.

    Args:
        folder: As `heads_of` names it.
        name: The head's.
    """
    for kind in ("json", "stop", "partial"):
        with suppress(OSError):
            (folder / f"{name}.{kind}").unlink(missing_ok=True)


def head_command(place: str) -> list[str]:
    """What starts a head for a window, also where this program is a bundle.

    Args:
        place: Where its work is to be done, as ``--on`` has it.
    """
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "clipdesk"]
    return [*program, "queue", "run", f"--on={place}", "--for-window"]
