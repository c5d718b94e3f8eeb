"""Work divided among workers: is anything lost when they die, and what does it cost?

    python -m benchmarks.cluster chaos --on ray --blows 20
    python -m benchmarks.cluster chaos --on spool --blows 20
    python -m benchmarks.cluster pace --on ray
    python -m benchmarks.cluster survey --on ray --pictures 2000

`chaos`: while a batch of tiny renders is worked on, a worker is killed, or the head is killed and started again, at
random. On Ray one of three nodes is removed and another added, too; with a spool one of three relays is killed and
another started. Then files, metadata and queue are compared, and every picture with one that this process renders, bit
by bit.

`pace`: seconds for the same units in this process, with one worker and with two, each with one thread, once the workers
are there. The best of three rounds, which take turns, so that what else the computer does is no one's alone. The bars:
one worker costs at most 5 % more than this process, and two are at least 1.7 times as fast.

`survey`: the same for a survey of scenes, by the median, with one worker and two, or on Ray with three nodes; and
whether the surveys are those of one pass: equal in everything, sums to 1e-6.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from clip.model import CLIP
from PIL import Image

from benchmarks.divided import survey_pace
from benchmarks.left import left_in
from clipdesk.export.png import read_recipe
from clipdesk.jobs.events import Result
from clipdesk.jobs.executor import Executor, Hooks
from clipdesk.jobs.executors import letters
from clipdesk.jobs.executors.fleet import Fleet
from clipdesk.jobs.executors.local import LocalFleet
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.executors.on_ray import RayFleet
from clipdesk.jobs.executors.relay import Relay
from clipdesk.jobs.executors.rounds import Limits
from clipdesk.jobs.executors.spool import SpoolFleet
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.store import JobStore
from clipdesk.models.names import Checkpoint
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
"""Ray's nodes listen at 127.0.0.1 alone, and send no statistics."""


@dataclass(frozen=True)
class Found:
    """The state after the last head.

    Attributes:
        blows: How many blows were dealt while there was work.
        missing: Units without a picture.
        twice: Units with more than one picture.
        broken: Files that are neither complete pictures nor the metadata.
        disagree: Units for which queue, metadata and files differ.
        different: Pictures that differ from this process's in a bit.
    """

    blows: int
    missing: int
    twice: int
    broken: int
    disagree: int
    different: int

    @property
    def clean(self) -> bool:
        """True if every unit is complete, once, and as it should be."""
        return not (self.missing or self.twice or self.broken or self.disagree or self.different)


def batch(checkpoint: Path, units: int, iterations: int) -> Job:
    """A job of tiny renders, on a CLIP with random weights, which is written to a file."""
    torch.manual_seed(0)
    torch.save(CLIP(32, 32, 2, 64, 8, 77, 49408, 64, 1, 1).state_dict(), checkpoint)
    targets = tuple(Unit(layer=LAYER, index=index) for index in range(units))
    settings = make_settings(iterations=iterations, views=1, device="cpu")
    return Job(model=Checkpoint(checkpoint), targets=targets, settings=settings)


SOON = letters.Pace(poll=0.05, beat=0.5, silent=15.0)
"""Of a spool: a relay that was killed is given up soon, but not one that a busy machine holds up."""


def fleet_on(place: str, workers: int, address: str) -> Fleet:
    """Workers on this computer, on the nodes of a Ray, or of relays that look into a folder."""
    if place == "spool":
        return SpoolFleet(Path(address), pace=SOON)
    return LocalFleet(count=workers) if place == "local" else RayFleet(address)


class Nodes:
    """Three nodes of a Ray on this computer."""

    def __init__(self) -> None:
        os.environ.update(ALONE)
        cluster_utils = importlib.import_module("ray.cluster_utils")
        first = {"node_ip_address": "127.0.0.1", "num_cpus": 0, "include_dashboard": False}
        self._cluster: Any = cluster_utils.Cluster(initialize_head=True, head_node_args=first)
        self._nodes = [self._node() for _ in range(3)]

    @property
    def address(self) -> str:
        """Where a head finds them."""
        return str(self._cluster.address)

    def _node(self) -> object:
        return self._cluster.add_node(node_ip_address="127.0.0.1", num_cpus=1)

    def replace(self, choose: random.Random) -> None:
        """Remove a node, with what runs on it, and add another."""
        node = self._nodes.pop(choose.randrange(len(self._nodes)))
        self._cluster.remove_node(node, allow_graceful=False)
        self._nodes.append(self._node())

    def close(self) -> None:
        """End all nodes."""
        self._cluster.shutdown()


class Relays:
    """Three processes that each lend a worker through a folder."""

    def __init__(self, spool: Path) -> None:
        self.address = str(spool)
        self._relays = [self._relay() for _ in range(3)]

    def _relay(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.cluster", "relay", "--address", self.address]
        return subprocess.Popen(command)

    def replace(self, choose: random.Random) -> None:
        """Kill one, and start another."""
        relay = self._relays.pop(choose.randrange(len(self._relays)))
        relay.kill()
        relay.wait()
        self._relays.append(self._relay())

    def close(self) -> None:
        """End all."""
        for relay in self._relays:
            relay.kill()
            relay.wait()


class Head:
    """A process with the queue."""

    def __init__(self, queue: Path, place: str, address: str) -> None:
        self._command = [sys.executable, "-W", "ignore", "-m", "benchmarks.cluster", "head", "--on", place]
        self._command += ["--queue", str(queue), "--address", address]
        self.process = subprocess.Popen(self._command)

    def again(self) -> None:
        """Kill it and start another."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = subprocess.Popen(self._command)

    def finish(self) -> None:
        """Wait until there is no more work."""
        if self.process.wait(600):
            raise RuntimeError(f"the head ended with {self.process.returncode}")


def kill_a_worker(choose: random.Random) -> None:
    """Kill one of the workers, which are below this process or below Ray."""
    found = [each for each in psutil.Process().children(recursive=True) if _is_worker(each)]
    if found:
        choose.choice(found).kill()


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "worker" in process.cmdline()[-3:] or "RayWorker" in process.name()
    except psutil.Error:
        return False


def chaos(folder: Path, place: str, blows: int, units: int, iterations: int, longest: float, seed: int = 0) -> Found:
    """Do a batch while workers, nodes and heads die; see the module."""
    queue, out = folder / "queue.sqlite", folder / "out"
    job = batch(folder / "small.pt", units, iterations)
    with closing(JobStore(queue)) as store:
        store.add(job, out)
    nodes = Nodes() if place == "ray" else Relays(folder / "spool") if place == "spool" else None
    choose, dealt = random.Random(seed), 0
    head = Head(queue, place, "" if nodes is None else nodes.address)
    try:
        strikes: list[Callable[[], object]] = [lambda: kill_a_worker(choose), head.again]
        if nodes is not None:
            strikes.append(lambda: nodes.replace(choose))
        while dealt < blows:
            time.sleep(choose.uniform(longest / 4, longest))
            if head.process.poll() is not None:
                break
            choose.choice(strikes)()
            dealt += 1
        head.finish()
    finally:
        head.process.kill()
        head.process.wait()
        if nodes is not None:
            nodes.close()
    return compare(job, queue, out, dealt)


def compare(job: Job, queue: Path, out: Path, blows: int) -> Found:
    """What is in the folder, by the queue, the metadata, and this process's own pictures."""
    left = left_in(out, queue, LAYER, len(job.targets))
    different = sum(not _same(job, paths[0]) for paths in left.pictures.values() if paths)
    return Found(blows, left.missing, left.twice, left.broken, left.disagree, different)


def _same(job: Job, path: Path) -> bool:
    """Whether a picture is what this process renders, bit by bit."""
    (result,) = (
        event for event in Here().run(job.of([read_recipe(path).target]), Hooks()) if isinstance(event, Result)
    )
    return np.array_equal(np.asarray(Image.open(path)), result.pixels)


def seconds(executor: Executor, job: Job, folder: Path) -> float:
    """Time for a job through a queue of its own."""
    folder.mkdir()
    with closing(QueueService(folder / "queue.sqlite", executor)) as service:
        service.add(job, folder / "out")
        started = time.perf_counter()
        for _ in service.steps():
            pass
        return time.perf_counter() - started


@dataclass(frozen=True)
class Pace:
    """Seconds for the same job."""

    here: float
    one: float
    two: float

    def __str__(self) -> str:
        """The seconds, and what the bars are held against."""
        return (
            f"here: {self.here:.2f} s\n"
            f"one worker: {self.one:.2f} s, {100 * (self.one / self.here - 1):+.1f} %\n"
            f"two workers: {self.two:.2f} s, {self.here / self.two:.2f} times as fast as here, "
            f"{self.one / self.two:.2f} times as fast as one"
        )


def pace(folder: Path, place: str, units: int, iterations: int) -> Pace:
    """The pace of this process, of one worker and of two, which take turns."""
    job = batch(folder / "small.pt", units, iterations)
    if place == "ray":
        os.environ.update(ALONE)
        # Three cores by name: the one worker keeps its own while the two are measured, and is idle then.
        importlib.import_module("ray").init(
            address="local", num_cpus=3, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False
        )
    with contextlib.ExitStack() as ended:
        executors: list[Executor] = [Here(most=lambda *_: 1)]
        for count in (1, 2):
            fleet: Fleet = LocalFleet(count=count) if place == "local" else _Some(count)
            executors.append(ended.enter_context(closing(Many(fleet, Here(), limits=Limits(most=1)))))
        return Pace(*best_of(executors, job, folder))


def best_of(executors: Sequence[Executor], job: Job, folder: Path, rounds: int = 3) -> list[float]:
    """The shortest time of each executor for a job; they take turns, after a few units that warm each up."""
    for i, executor in enumerate(executors):
        seconds(executor, job.part(range(min(8, len(job.targets)))), folder / f"warm {i}")
    times = [
        [seconds(executor, job, folder / f"{turn} {i}") for i, executor in enumerate(executors)]
        for turn in range(rounds)
    ]
    return [min(each) for each in zip(*times, strict=True)]


class _Some(RayFleet):
    """The first places of Ray's."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def places(self) -> list[str]:
        """As `Fleet.places`."""
        return list(super().places())[: self._count]


def survey(place: str, pictures: int) -> str:
    """The pace of surveys in this process and divided, and how they agree."""
    if place == "local":
        return survey_pace({"one worker": LocalFleet(count=1), "two workers": LocalFleet(count=2)}, pictures)
    with closing(Nodes()) as nodes:
        return survey_pace({"three nodes": RayFleet(nodes.address)}, pictures)


def work(queue: Path, place: str, address: str) -> None:
    """Work through a queue, as a head that may be killed."""
    with (
        closing(Many(fleet_on(place, 3, address), Here(), limits=Limits(most=1))) as executor,
        closing(QueueService(queue, executor)) as service,
    ):
        for _ in service.steps():
            pass


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["chaos", "pace", "survey", "head", "relay"])
    parser.add_argument("--on", choices=["local", "ray", "spool"], default="local")
    parser.add_argument("--blows", type=int, default=20)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--longest", type=float, default=10.0, help="longest time between two blows in seconds")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--queue", type=Path)
    parser.add_argument("--address", default="")
    arguments = parser.parse_args()
    # Of the workers as well: with more, the last bits of a picture depend on how many each has.
    os.environ["OMP_NUM_THREADS"] = "1"
    if arguments.on == "spool" and arguments.part in ("pace", "survey"):
        parser.error(f"{arguments.part} has no relays of a spool: --on local or --on ray")
    torch.set_num_threads(1)
    if arguments.part == "head":
        work(arguments.queue, arguments.on, arguments.address)
        return
    if arguments.part == "relay":
        Relay(Path(arguments.address), lambda: LocalFleet(count=1), pace=SOON, idle=600.0).run()
        return
    with tempfile.TemporaryDirectory() as name:
        os.environ["CLIPDESK_DATA"] = name
        if arguments.part == "pace":
            print(pace(Path(name), arguments.on, arguments.units, arguments.iterations))
            return
        if arguments.part == "survey":
            print(survey(arguments.on, arguments.pictures))
            return
        options = (arguments.blows, arguments.units, arguments.iterations, arguments.longest)
        found = chaos(Path(name), arguments.on, *options)
    print(f"{found}: {'clean' if found.clean else 'NOT CLEAN'}")
    sys.exit(not found.clean)


if __name__ == "__main__":
    main()
