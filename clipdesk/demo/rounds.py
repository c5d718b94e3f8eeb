"""Train ``demo`` further in rounds, and average each: ``python -m clipdesk.demo.rounds --start base/demo.pt``.

A training run with strong pushes has features that draw clear forms, and each run ends in different weights. The mean
of several runs draws clearer forms than any of them, and sees and reads as well as the best (Wortsman et al. 2022,
arXiv:2203.05482). An interrupted run continues where it stopped, and a finished one is not repeated.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from clipdesk.demo import train
from clipdesk.demo.average import averaged
from clipdesk.demo.export import save_model
from clipdesk.demo.recipes import ROUNDS, TrainingRun

BATCH = 256


def words_of(run: TrainingRun, name: str, start: Path, others: Sequence[str]) -> list[str]:
    """The command line of `clipdesk.demo.train` for a run.

    Args:
        run: The run.
        name: Name of its folder.
        start: Model file that the run begins with.
        others: Further arguments.
    """
    told: dict[str, object] = {**vars(run), "pushed-from": 0, "batch": BATCH, "run": name, "start": start}
    return [word for key, value in told.items() for word in (f"--{key}", str(value))] + list(others)


def make(rounds: Sequence[Sequence[TrainingRun]], start: Path, output: Path, work: Path, others: Sequence[str]) -> None:
    """Train all rounds, and write the mean of the last one.

    Args:
        rounds: The runs of each round.
        start: Model file that the first round begins with.
        output: File for the mean of the last round.
        work: Folder for scenes, runs and means.
        others: Further arguments of `clipdesk.demo.train`.
    """
    for number, runs in enumerate(rounds, 1):
        made = []
        for run in runs:
            name = f"round-{number}-{run.seed}"
            train.train(train.parsed([*words_of(run, name, start, others), "--work-dir", str(work)]))
            made.append(torch.load(work / name / "demo.pt", weights_only=True))
        start = output if number == len(rounds) else work / f"round-{number}.pt"
        save_model(averaged(made), start)


def main() -> None:
    """Parse the command line and train; unknown arguments are passed to `clipdesk.demo.train`."""
    parser = argparse.ArgumentParser(prog="python -m clipdesk.demo.rounds", description=main.__doc__)
    parser.add_argument("--start", type=Path, required=True, help="model file to begin with")
    parser.add_argument("--output", type=Path, default=Path("build/demo/demo/demo.pt"), help="model file to write")
    parser.add_argument("--work-dir", type=Path, default=Path("build/demo"), help="drawn scenes and resumable runs")
    arguments, others = parser.parse_known_args()
    make(ROUNDS, arguments.start, arguments.output, arguments.work_dir, others)


if __name__ == "__main__":
    main()
