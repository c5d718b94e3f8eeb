"""What a command that works through the queue says of itself and its workers, for windows that look on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager

from clipdesk.errors import ClipDeskError, first_line
from clipdesk.jobs.events import Began, Ended, Event, Halted, Paused, Progress
from clipdesk.jobs.executor import Executor
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.executors.roster import Member
from clipdesk.jobs.heads import HeadFile, Reached, WorkerRow
from clipdesk.jobs.rescue import open_store
from clipdesk.jobs.store import default_store
from clipdesk.jobs.stored import StoredJob
from clipdesk.network.layer_names import short_label
from clipdesk.paths import log_file

_EVERY = 1.0
_MINUTE = 60.0
_MOST_WORKERS = 2_000
"""Those that windows are told of. Of a larger file of a head they read nothing."""


def first_of(members: Sequence[Member]) -> list[Member]:
    """Those that windows are told of: the ones that live, then the ones that were lost last.

    Jobs of a cluster that are put into its queue again come back as other workers, so days leave many that are lost.
    """
    lost = [each for each in members if each.state == "lost"]
    return [*(each for each in members if each.state != "lost"), *reversed(lost)][:_MOST_WORKERS]


class Report:
    """Says once a second what becomes of the work.

    Args:
        file: Where.
    """

    def __init__(self, file: HeadFile) -> None:
        self._file = file
        self._executor: Executor | None = None
        self._jobs: dict[int, None] = {}
        self._reached: dict[int, Reached] = {}
        self._next: int | None = None
        self._counts: dict[str, deque[tuple[float, int]]] = {}
        self._groups: dict[str, tuple[int, str]] = {}
        self._ended = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._say_again, daemon=True)
        self._thread.start()

    def begin(self, executor: Executor) -> None:
        """What does the work is there."""
        self._executor = executor

    def limit(self, numbers: Container[int] | None) -> None:
        """Only the jobs of these numbers are worked on, where they are named."""
        if isinstance(numbers, set):
            self._file.show(only=tuple(sorted(numbers)))

    def prepare(self, number: int, stage: str) -> None:
        """Something is done before a job begins, or goes on."""
        self._next = number
        known = self._reached.get(number, Reached())
        self._reached[number] = known.model_copy(update={"stage": stage})

    def take(self, stored: StoredJob, event: Event) -> None:
        """Something has happened to a job."""
        number = stored.number
        if isinstance(event, Began):
            self._jobs[number], self._next = None, None
            self._reached.pop(number, None)
        elif isinstance(event, Progress):
            if event.worker is not None:
                self._groups[event.worker.name] = number, _in_words(event.targets)
            if len(stored.job.units) == 1:
                self._reached[number] = Reached(share=event.step / event.iterations)
        elif isinstance(event, Ended | Paused | Halted):
            self._jobs.pop(number, None)
            self._reached.pop(number, None)
            self._groups = {name: group for name, group in self._groups.items() if group[0] != number}

    def asked_to_stop(self) -> bool:
        """Whether somebody has asked this process to stop."""
        return self._stopped

    def _say_again(self) -> None:
        while not self._ended.wait(_EVERY):
            self._stopped = self._file.asked_to_stop
            self._say()

    def _say(self) -> None:
        executor = self._executor
        many = executor if isinstance(executor, Many) else None
        workers = [] if many is None else [self._row(member) for member in first_of(many.workers)]
        dashboard = "" if many is None else many.dashboard
        jobs, known = tuple(self._jobs), self._reached.copy()
        reached = {number: known[number] for number in (*jobs, self._next) if number in known}
        self._file.show(jobs=jobs, reached=reached, workers=tuple(workers), dashboard=dashboard)

    def _row(self, member: Member) -> WorkerRow:
        now = time.monotonic()
        counts = self._counts.setdefault(member.place, deque([(now, member.pictures)]))
        counts.append((now, member.pictures))
        while now - counts[0][0] > _MINUTE:
            counts.popleft()
        since, before = counts[0]
        job, group = self._groups.get(member.place, (0, "")) if member.busy else (0, "")
        pace = _MINUTE * (member.pictures - before) / max(now - since, _EVERY)
        return WorkerRow(
            name=member.place,
            node=member.host,
            device=member.device,
            state=member.state,
            reason=member.reason,
            busy=member.busy,
            pace=round(pace, 1),
            job=job,
            group=group,
        )

    def close(self) -> None:
        """Say nothing more."""
        self._ended.set()
        self._thread.join()


def _in_words(units: Sequence[object]) -> str:
    """The units of a group, for people: there may be hundreds."""
    first = short_label(str(getattr(units[0], "label", units[0])))
    return f"{first} and {len(units) - 1} more" if len(units) > 1 else first


@contextmanager
def reported(place: str | None, *, for_window: bool) -> Iterator[Report]:
    """In the block, windows see this process and its workers.

    Args:
        place: As ``--on`` has it.
        for_window: Whether an error that ends the block is kept for a window to say, since nobody sees the terminal.
    """
    try:
        file = HeadFile(default_store(), place or "this computer")
    except ClipDeskError:
        # Where the queue cannot be opened either, that is what there is to say.
        open_store(default_store())[0].close()
        raise
    report, problem = Report(file), ""
    try:
        yield report
    except ClipDeskError as error:
        problem = str(error) if for_window else ""
        raise
    except Exception as error:
        # Without a word of it the window would start the next one, and the next.
        details = f"{type(error).__name__}: {first_line(error)}. Details are in {log_file()}"
        problem = details if for_window else ""
        raise
    finally:
        report.close()
        file.close(problem)
