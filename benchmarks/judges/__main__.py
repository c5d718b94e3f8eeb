"""Train the judges and print their table: ``python -m benchmarks.judges train`` or ``measure``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.judges.foreign import FOREIGN_MORE_SEED, FOREIGN_SEED, FOREIGN_TEST_SEED, draw_foreign
from benchmarks.judges.networks import MAKES, load_judge, save_judge, weights_file
from benchmarks.judges.training import Lessons, accuracy, draw_lessons, reduced, train_judge
from clipdesk.demo.evaluate import HELD_OUT_SEED
from clipdesk.scenes.dataset import Kind, draw_scenes

SEEDS = {"plain": 1, "separable": 2, "foreign": 3}
IMAGES = {"plain": 1_000_000, "separable": 1_000_000, "foreign": 150_000}
"""Number of training pictures of each judge."""
SCENES = {"plain": 120_000, "separable": 120_000, "foreign": 40_000}
"""Number of scenes that each judge learns from."""


def main() -> None:
    """Train the judges, or measure them on scenes of the CLIPs' test sets, clean and corrupted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judges", description=main.__doc__)
    parser.add_argument("task", choices=["train", "measure"])
    parser.add_argument("--judge", choices=list(MAKES), action="append", help="default: all")
    parser.add_argument("--scenes", type=int, help="scenes to train on, instead of each judge's own number")
    parser.add_argument("--images", type=int, help="number of training pictures, likewise")
    parser.add_argument("--go-on", action="store_true", help="begin with the kept weights; foreign on other scenes")
    parser.add_argument("--test-scenes", type=int, default=4_000, help="scenes to measure on")
    parser.add_argument("--work-dir", type=Path, default=Path("build/judges"), help="drawn scenes")
    arguments = parser.parse_args()
    names = arguments.judge or list(MAKES)
    if arguments.task == "train":
        for name in names:
            count = arguments.scenes or SCENES[name]
            if name == "foreign":
                lessons = draw_foreign(count, FOREIGN_MORE_SEED if arguments.go_on else FOREIGN_SEED)
            else:
                lessons = draw_lessons(count, cache=arguments.work_dir / f"{count}.npz")
            torch.manual_seed(SEEDS[name])
            judge = load_judge(name) if arguments.go_on else MAKES[name]()
            train_judge(judge, lessons, arguments.images or IMAGES[name], seed=SEEDS[name])
            save_judge(judge, weights_file(name))
    _measure(names, arguments.test_scenes)


def _measure(names: list[str], count: int) -> None:
    """Print a row for each judge and set, for clean and for corrupted pictures."""
    print("| judge | scenes | shape | object colour | texture | background |\n|---|---|---|---|---|---|")
    for title, test in _tests(count):
        for name in names:
            for corrupt in (False, True):
                figures = accuracy(load_judge(name), test, corrupt=corrupt)
                state = f"{title}, {'corrupted' if corrupt else 'clean'}"
                print(
                    f"| {name} | {state} | " + " | ".join(f"{100 * share:.1f} %" for share in figures.values()) + " |"
                )


def _tests(count: int) -> Iterator[tuple[str, Lessons]]:
    """The sets that judges are measured on, with their titles."""
    for kind in (Kind.HELD_OUT, Kind.SEEN):
        scenes = draw_scenes(count, HELD_OUT_SEED, kind)
        yield f"{kind.name.lower().replace('_', ' ')} pairs", Lessons(reduced(scenes.images), scenes.factors)
    yield "drawn by the other hand", draw_foreign(count, FOREIGN_TEST_SEED)


if __name__ == "__main__":
    main()
