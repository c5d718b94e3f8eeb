"""Train the judges and print their table: ``python -m benchmarks.judges train`` or ``measure``."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.judges.networks import MAKES, load_judge, save_judge, weights_file
from benchmarks.judges.training import Lessons, accuracy, draw_lessons, reduced, train_judge
from clipdesk.demo.evaluate import HELD_OUT_SEED
from clipdesk.scenes.dataset import Kind, draw_scenes

SEEDS = {"plain": 1, "separable": 2}
IMAGES = 1_000_000
"""Number of training pictures of each judge."""


def main() -> None:
    """Train the judges, or measure them on scenes of the CLIPs' test sets, clean and corrupted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judges", description=main.__doc__)
    parser.add_argument("task", choices=["train", "measure"])
    parser.add_argument("--judge", choices=list(MAKES), action="append", help="default: both")
    parser.add_argument("--scenes", type=int, default=120_000, help="scenes to train on")
    parser.add_argument("--images", type=int, default=IMAGES, help="number of training pictures")
    parser.add_argument("--test-scenes", type=int, default=4_000, help="scenes to measure on")
    parser.add_argument("--work-dir", type=Path, default=Path("build/judges"), help="drawn scenes")
    arguments = parser.parse_args()
    names = arguments.judge or list(MAKES)
    if arguments.task == "train":
        lessons = draw_lessons(arguments.scenes, cache=arguments.work_dir / f"{arguments.scenes}.npz")
        for name in names:
            torch.manual_seed(SEEDS[name])
            judge = MAKES[name]()
            train_judge(judge, lessons, arguments.images, seed=SEEDS[name])
            save_judge(judge, weights_file(name))
    _measure(names, arguments.test_scenes)


def _measure(names: list[str], count: int) -> None:
    """Print a row for each judge and set, for clean and for corrupted pictures."""
    print("| judge | scenes | shape | object colour | texture | background |\n|---|---|---|---|---|---|")
    for kind in (Kind.HELD_OUT, Kind.SEEN):
        scenes = draw_scenes(count, HELD_OUT_SEED, kind)
        test = Lessons(reduced(scenes.images), scenes.factors)
        for name in names:
            for corrupt in (False, True):
                figures = accuracy(load_judge(name), test, corrupt=corrupt)
                state = f"{kind.name.lower().replace('_', ' ')} pairs, {'corrupted' if corrupt else 'clean'}"
                print(
                    f"| {name} | {state} | " + " | ".join(f"{100 * share:.1f} %" for share in figures.values()) + " |"
                )


if __name__ == "__main__":
    main()
