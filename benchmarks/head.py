"""How far one head goes: a queue of many units, and workers that answer at once.

    python -m benchmarks.head --units 100000 --workers 8
    python -m benchmarks.head --units 10000 --workers 1000 --group 1

The units are put into a queue and worked through as by ``clipdesk queue run``, with pictures of 8 x 8 pixels that are
saved and noted as all others are. The workers are in this process, and their time is taken off. Nothing is rendered,
and torch is not loaded, as by a head whose workers are elsewhere.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from clipdesk.export.recipe import Activations, Recipe
from clipdesk.jobs.events import Event, Failure, Result
from clipdesk.jobs.executor import Hooks, Prepared
from clipdesk.jobs.executors.fleet import Gone
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.executors.rounds import Limits
from clipdesk.jobs.executors.worker import Worker
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.work import Work
from clipdesk.render.targets import Unit

WEIGHTS = "0" * 64
MEGABYTE = 1_000_000


class Instant:
    """Answers at once, with the same small picture.

    Args:
        group: Pictures side by side.
    """

    def __init__(self, group: int) -> None:
        self._group = group
        self._image = np.zeros((8, 8, 3), np.uint8)
        self._curve = np.linspace(0, 1, 3, dtype=np.float32)

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`."""
        return Prepared(self._group, WEIGHTS)

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """As `Executor.run`."""
        if not isinstance(job, Job):
            raise TypeError("pictures are what is asked for")
        for target in job.targets:
            settings = job.settings_of(target).model_copy(update={"precision": "float32"})
            recipe = Recipe(
                clipdesk="0",
                torch="0",
                model=str(job.model),
                weights=WEIGHTS,
                target=target,
                settings=settings,
                steps=settings.iterations,
                activation=Activations.of(self._curve),
                device="cpu",
                seconds=0.0,
                date="",
            )
            yield Result(target, settings, self._image, self._curve, 1.0, 0.0, True, recipe)


class Simulated:
    """Workers in this process.

    Args:
        workers: How many.
        group: Pictures that each makes side by side.

    Attributes:
        spent: How long they have worked, as `clocks` has it.
        messages: How many they have written.
    """

    def __init__(self, workers: int, group: int) -> None:
        self.spent = np.zeros(2)
        self.messages = 0
        self._places = [f"worker {number + 1}" for number in range(workers)]
        self._executor = Instant(group)
        self._workers: list[Worker] = []
        self._inboxes: list[deque[bytes]] = []
        self._awake: dict[int, None] = {}
        self._came: list[tuple[int, bytes | Gone]] = []

    def places(self) -> Sequence[str]:
        """As `Fleet.places`."""
        return self._places

    def awaited(self) -> str:
        """As `Fleet.awaited`."""
        return ""

    def start(self, place: str) -> int:
        """As `Fleet.start`."""
        started = clocks()
        inbox = deque[bytes]()
        number = len(self._workers) + 1
        worker = Worker(
            self._executor,
            lambda _: inbox.popleft() if inbox else None,
            lambda data: self._came.append((number, data)),
        )
        worker.greet()
        self._workers.append(worker)
        self._inboxes.append(inbox)
        self.spent += clocks() - started
        return number

    def lacks(self, number: int) -> str:
        """As `Fleet.lacks`: nothing."""
        return ""

    def send(self, number: int, data: bytes) -> None:
        """As `Fleet.send`."""
        self._inboxes[number - 1].append(data)
        self._awake[number] = None

    def receive(self, seconds: float) -> Sequence[tuple[int, bytes | Gone]]:
        """As `Fleet.receive`: those that were told something work until they have to wait."""
        started = clocks()
        awake, self._awake = self._awake, {}
        for number in awake:
            worker = self._workers[number - 1]
            before = -1
            while self._inboxes[number - 1] or len(self._came) != before:
                before = len(self._came)
                worker.turn()
        came, self._came = self._came, []
        self.messages += len(came)
        self.spent += clocks() - started
        return came

    def end(self, number: int) -> None:
        """As `Fleet.end`."""

    def close(self) -> None:
        """As `Fleet.close`."""
        self._workers.clear()


@dataclass(frozen=True)
class Cost:
    """What a queue has cost its head.

    Attributes:
        units: How many pictures.
        workers: How many workers.
        adding: Seconds to put them into the queue.
        first: Seconds until the first picture was saved.
        head: Seconds of the head, without the workers'.
        processor: Those of them that the processor worked for it, whatever else the machine did.
        simulated: Seconds of the workers.
        messages: Messages of the workers.
        before: Bytes of memory before there was a queue.
        most: The most bytes of memory.
        database: Bytes of the queue's files.
    """

    units: int
    workers: int
    adding: float
    first: float
    head: float
    processor: float
    simulated: float
    messages: int
    before: int
    most: int
    database: int

    def __str__(self) -> str:
        """What the bars are held against."""
        return (
            f"{self.units} units, {self.workers} workers\n"
            f"put into the queue: {self.adding:.1f} s; the first picture after {self.first:.1f} s\n"
            f"head: {self.head:.1f} s, {1000 * self.head / self.units:.2f} ms for each unit, "
            f"{1000 * self.processor / self.units:.2f} ms of them by the processor; "
            f"workers: {self.simulated:.1f} s, {self.messages} messages\n"
            f"memory: {self.before / MEGABYTE:.0f} MB before, {self.most / MEGABYTE:.0f} MB at most\n"
            f"queue: {self.database / MEGABYTE:.1f} MB, {self.database / self.units:.0f} bytes for each unit"
        )


def clocks() -> NDArray[np.float64]:
    """Seconds by the clock on the wall, and those that the processor has worked for this process."""
    return np.array([time.perf_counter(), time.process_time()])


def peak() -> int:
    """The most bytes of memory that this process has had."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return 1024 * int(line.split()[1])
    raise OSError("this system does not say")


def cost(folder: Path, units: int, workers: int, group: int, layers: int, jobs: int) -> Cost:
    """Put units into a queue and drain it; see the module."""
    before = psutil.Process().memory_info().rss
    queue = folder / "queue.sqlite"
    fleet = Simulated(workers, group)
    # As the command line has it for workers elsewhere.
    executor = Many(fleet, Instant(group), limits=Limits(credit=64, every=2.0))
    with closing(executor), closing(QueueService(queue, executor)) as service:
        started = time.perf_counter()
        share = -(-units // jobs)
        for number in range(jobs):
            positions = range(number * share, min(units, (number + 1) * share))
            targets = tuple(Unit(layer=f"layer{i % layers}", index=i // layers) for i in positions)
            service.add(Job(model="demo", targets=targets), folder / "out")
            del targets
        adding = time.perf_counter() - started
        # The clock of the head stands while workers work.
        begun = clocks()
        first, done = 0.0, 0
        for step in service.steps():
            if isinstance(step.event, Failure):
                raise RuntimeError(step.event.reason)
            done += hasattr(step.event, "path")
            first = first or float(clocks()[0] - begun[0]) * bool(done)
        head, processor = (clocks() - begun - fleet.spent).tolist()
        if done != units:
            raise RuntimeError(f"{done} of {units} were saved")
    database = sum(path.stat().st_size for path in folder.glob("queue.sqlite*") if path.is_file())
    simulated = float(fleet.spent[0])
    return Cost(units, workers, adding, first, head, processor, simulated, fleet.messages, before, peak(), database)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--group", type=int, default=16, help="pictures that a worker makes side by side")
    parser.add_argument("--layers", type=int, default=1, help="layers that the units are of")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    if "torch" in sys.modules:
        raise RuntimeError("torch would count as the head's memory")
    with tempfile.TemporaryDirectory() as name:
        os.environ["CLIPDESK_DATA"] = name
        options = (arguments.units, arguments.workers, arguments.group, arguments.layers, arguments.jobs)
        print(cost(Path(name), *options))


if __name__ == "__main__":
    main()
