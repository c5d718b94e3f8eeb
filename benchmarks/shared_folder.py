"""Several queues, as of several people, render the same batch into one folder: is each picture made once?

    python -m benchmarks.shared_folder --rounds 20

In each round 2, 4 or 8 processes work on 1, 2 or 3 queues that hold the same batch for the same folder. Afterwards
files, metadata and queues are compared. POSIX only: the processes are forked, so that they need not import torch each.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
from clip.model import CLIP

from clipdesk.checksums import read_sha256
from clipdesk.export.metadata import BatchMetadata
from clipdesk.export.png import read_recipe
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.store import JobStore
from clipdesk.models.names import Checkpoint
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
SHAPES = tuple((processes, queues) for processes in (2, 4, 8) for queues in (1, 2, 3) if queues <= processes)
"""Processes and queues of a round; each queue has a process."""


@dataclass(frozen=True)
class Round:
    """What was found after a round.

    Attributes:
        processes: How many worked.
        queues: On how many queues.
        lost: Units without a picture.
        twice: Pictures of which there is more than one of the same unit.
        unlisted: Units that the metadata does not list with their file and its checksum.
        unfinished: Units that a queue does not call done.
    """

    processes: int
    queues: int
    lost: int
    twice: int
    unlisted: int
    unfinished: int

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.twice or self.unlisted or self.unfinished)


def play(folder: Path, processes: int, queues: int, units: int = 40, iterations: int = 2) -> Round:
    """Play a round in an empty folder."""
    checkpoint, out = folder / "small.pt", folder / "out"
    paths = [folder / f"queue-{number}.sqlite" for number in range(queues)]
    _run([(_begin, checkpoint, out, path, units, iterations) for path in paths[:1]])
    _run([(_begin, checkpoint, out, path, units, iterations) for path in paths[1:]])
    _run([(_work, paths[number % queues]) for number in range(processes)])
    return _compare(out, paths, checkpoint, processes, units)


def _run(calls: list[tuple[object, ...]]) -> None:
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=call[0], args=call[1:]) for call in calls]  # type: ignore[arg-type]
    for process in running:
        process.start()
    for process in running:
        process.join()
        if process.exitcode:
            raise RuntimeError(f"a process ended with {process.exitcode}")


def _begin(checkpoint: Path, out: Path, queue: Path, units: int, iterations: int) -> None:
    if not checkpoint.exists():
        torch.manual_seed(0)
        torch.save(CLIP(32, 32, 2, 64, 8, 77, 49408, 64, 1, 1).state_dict(), checkpoint)
    targets = tuple(Unit(layer=LAYER, index=index) for index in range(units))
    settings = make_settings(iterations=iterations, image_size=64, device="cpu")
    JobStore(queue).add(Job(model=checkpoint, targets=targets, settings=settings), out)


def _work(queue: Path) -> None:
    torch.set_num_threads(1)
    service = QueueService(queue, Here())
    for _ in service.steps():
        pass
    service.close()


def _compare(out: Path, queues: list[Path], checkpoint: Path, processes: int, units: int) -> Round:
    paths = list(out.glob("*.png"))
    made = Counter(read_recipe(path).target.index for path in paths)
    listed = BatchMetadata.open(out, LAYER, Checkpoint(checkpoint)).units
    sums = {path.name: read_sha256(path) for path in paths}
    unlisted = sum(
        1 for i in range(units) if i not in listed or sums.get(listed[i].file or "") != (listed[i].sha256 or "none")
    )
    unfinished = sum(units - JobStore(path).get(1).counts.get("done", 0) for path in queues)
    lost = sum(1 for index in range(units) if not made[index])
    return Round(processes, len(queues), lost, sum(count - 1 for count in made.values() if count), unlisted, unfinished)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--units", type=int, default=40)
    arguments = parser.parse_args()
    started, clean = time.monotonic(), True
    for number, (processes, queues) in zip(range(arguments.rounds), itertools.cycle(SHAPES), strict=False):
        with tempfile.TemporaryDirectory() as name:
            os.environ["CLIPDESK_DATA"] = name
            found = play(Path(name), processes, queues, arguments.units)
        clean = clean and found.clean
        print(f"{number + 1:3}  {found}", flush=True)
    print(f"{'clean' if clean else 'NOT CLEAN'}, {time.monotonic() - started:.0f} s")
    sys.exit(not clean)


if __name__ == "__main__":
    main()
