"""A second kind of work for tests: it counts the words of pages, slowly. It knows nothing of rendering.

As a program, it works through a queue: ``python -m tests.toy_work QUEUE``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal

import numpy as np
from typing_extensions import Self, override

from clipdesk.jobs.events import Done, Event, Failure, Progress, UnitEvent
from clipdesk.jobs.executor import Hooks, Prepared
from clipdesk.jobs.kinds import KINDS
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.stored import StoredJob
from clipdesk.jobs.tasks import TASKS, Task
from clipdesk.jobs.work import Work

WEIGHTS = "c" * 64


class Counting(Work):
    """Pages to count."""

    kind: Literal["counting"] = "counting"
    pages: tuple[str, ...]
    patience: int = 3

    @property
    @override
    def units(self) -> tuple[str, ...]:
        return self.pages

    @property
    @override
    def steps(self) -> int:
        return self.patience

    @property
    @override
    def noun(self) -> str:
        return "pages"

    @override
    def of(self, units: Sequence[str]) -> Self:
        return self.model_copy(update={"pages": tuple(units)})

    @override
    def part(self, positions: Sequence[int]) -> Self:
        return self.model_copy(update={"pages": tuple(self.pages[i] for i in positions)})


class Counter:
    """Counts, two pages at a time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.counted: list[str] = []
        self._seconds = seconds

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`."""
        return Prepared(2, WEIGHTS)

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """As `Executor.run`."""
        for page in job.units:
            for step in range(1, job.steps + 1):
                time.sleep(self._seconds)
                # The generic event: rendering's field names, any unit.
                yield Progress((page,), step, job.steps, np.zeros(1, dtype=np.float32))
                if hooks.stop():
                    return
            self.counted.append(str(page))
            yield Failure(page, "the page is empty") if page == "" else Done(page, f"{page}.txt")


class CountingTask(Task):
    """Writes a file for each page, and skips those that are there."""

    def __init__(self, stored: StoredJob) -> None:
        if stored.folder is None:
            raise TypeError("pages are counted into a folder")
        self.settled = 0
        self._folder = stored.folder
        self._folder.mkdir(exist_ok=True)

    def before(self, part: Work) -> Sequence[UnitEvent]:
        """As `Task.before`."""
        return [Done(page, f"{page}.txt") for page in part.units if (self._folder / f"{page}.txt").exists()]

    def after(self, event: Event, name: str) -> Event:
        """As `Task.after`."""
        if isinstance(event, Done):
            with (self._folder / event.file).open("a") as file:
                file.write("counted\n")
        return event

    def settle(self) -> None:
        """As `Task.settle`."""
        (self._folder / "settled").touch()


def main() -> None:
    """Work through a queue, and say each step."""
    KINDS["counting"] = Counting
    TASKS["counting"] = CountingTask
    with closing(QueueService(Path(sys.argv[1]), Counter(seconds=0.05))) as service:
        for step in service.steps():
            print(type(step.event).__name__, flush=True)


if __name__ == "__main__":
    main()
