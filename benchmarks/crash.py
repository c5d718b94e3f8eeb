"""Kill a batch again and again, then check that every picture exists exactly once.

    python -m benchmarks.crash --kills 100

A batch of 64 tiny renders is put into a queue. A process works on it and is killed with SIGKILL at a random moment, and
the next process starts. At every other kill two processes share the work, and one of them is killed; the other goes on
until the next kill. After the last kill, one process finishes the batch; then files, metadata and queue are compared.
Where a batch is done before all kills, another one follows.
POSIX only: the processes are forked, so that each of them need not import torch.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import astuple, dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from clip.model import CLIP

from benchmarks.left import left_in
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.store import JobStore
from clipdesk.models.names import Checkpoint
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
UNITS = 64


@dataclass(frozen=True)
class Report:
    """The state after the last process.

    Attributes:
        kills: Number of processes that were killed while there was work.
        shared: How many of them were killed while another process worked, too.
        missing: Units without a picture.
        twice: Units with more than one picture.
        broken: Files that are neither complete pictures nor the metadata.
        disagree: Units for which queue, metadata and files differ.
        finished_between: Number of units that were finished before the last kill.
    """

    kills: int
    shared: int
    missing: int
    twice: int
    broken: int
    disagree: int
    finished_between: int

    @property
    def clean(self) -> bool:
        """True if every unit is complete and consistent."""
        return not (self.missing or self.twice or self.broken or self.disagree)


def torture(folder: Path, kills: int, seed: int = 0, iterations: int = 90, longest: float = 1.0) -> Report:
    """Run the benchmark in an empty folder.

    Args:
        folder: Folder for the queue, the model and the pictures.
        kills: Number of processes to kill; fewer if the batch is finished before.
        seed: Seed of the moments of the kills.
        iterations: Steps of each render.
        longest: Longest life of a process in seconds; shorter than the batch, so that most processes are killed in it.
    """
    checkpoint, out, queue = folder / "small.pt", folder / "out", folder / "queue.sqlite"
    # In a separate process, since torch's threads must not run while others are forked.
    _run(_make_checkpoint, checkpoint)
    settings = make_settings(iterations=iterations, device="cpu")
    targets = tuple(Unit(layer=LAYER, index=index) for index in range(UNITS))
    _run(_add, queue, Job(model=Checkpoint(checkpoint), targets=targets, settings=settings), out)
    moments = random.Random(seed)
    done = 0
    hit = 0
    shared = 0
    working: list[BaseProcess] = []
    for kill in range(kills):
        while len(working) < 1 + kill % 2:
            started = multiprocessing.get_context("fork").Process(target=_work, args=(queue,))
            started.start()
            working.append(started)
        time.sleep(moments.uniform(0, longest))
        alive = [process for process in working if process.is_alive()]
        if alive:
            victim = moments.choice(alive)
            victim.kill()
            victim.join()
            hit += 1
            shared += len(alive) > 1
        working = [process for process in working if process.is_alive()]
        done = len(list(out.glob("*.png"))) if out.is_dir() else 0
        if done == UNITS:
            # There is no more work during which somebody could be killed.
            break
    for process in working:
        process.kill()
        process.join()
    _run(_work, queue)
    left = left_in(out, queue, LAYER, UNITS)
    return Report(hit, shared, left.missing, left.twice, left.broken, left.disagree, done)


def _run(target: object, *arguments: object) -> None:
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{target} ended with {process.exitcode}")


def _make_checkpoint(path: Path) -> None:
    torch.manual_seed(0)
    torch.save(CLIP(32, 32, 2, 64, 8, 77, 49408, 64, 1, 1).state_dict(), path)


def _add(queue: Path, job: Job, out: Path) -> None:
    JobStore(queue).add(job, out)


def _work(queue: Path) -> None:
    torch.set_num_threads(1)
    with closing(QueueService(queue, Here())) as service:
        for _ in service.steps():
            pass


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--iterations", type=int, default=90)
    parser.add_argument("--longest", type=float, default=1.0, help="longest life of a process in seconds")
    arguments = parser.parse_args()
    started = time.monotonic()
    reports: list[Report] = []
    while (left := arguments.kills - sum(report.kills for report in reports)) > 0:
        seed = arguments.seed + len(reports)
        with tempfile.TemporaryDirectory() as name:
            os.environ["CLIPDESK_DATA"] = name
            reports.append(torture(Path(name), left, seed, arguments.iterations, arguments.longest))
        if not reports[-1].kills:
            sys.exit("The batch was done before anybody could be killed. Use more --iterations, or a shorter --longest")
    total = Report(*map(sum, zip(*map(astuple, reports), strict=True)))
    print(f"{total}, in {len(reports)} batches")
    print(f"{'clean' if total.clean else 'NOT CLEAN'}, {time.monotonic() - started:.0f} s")
    sys.exit(not total.clean)


if __name__ == "__main__":
    main()
