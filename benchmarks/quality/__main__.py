"""Measure whether pictures show what they should: ``python -m benchmarks.quality``.

Renders texts and units of the embedded models, whose correct answers are known, with ClipDesk's presets and with its
peers (``pip install 'clipdesk[peers]'``), asks the judges what they see, and writes docs/quality.md with contact
sheets.

The work folder keeps the pictures, so that the benchmark can be interrupted, continued, and run in parts.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from benchmarks.quality.answers import Answers, measure, place_of
from benchmarks.quality.methods import Method, methods
from benchmarks.quality.questions import KINDS, SCENES, SCENES_SEED, Question, text_questions, unit_questions
from benchmarks.quality.report import print_table, write_report
from clipdesk.models.catalogue import OF_SCENES
from clipdesk.models.loading import load_model
from clipdesk.render.presets import DEFAULT_PRESET, PRESETS
from clipdesk.render.targets import Target
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes

_Asked = TypeVar("_Asked")


def spread(questions: list[_Asked], most: int) -> list[tuple[int, _Asked]]:
    """At most `most` questions, spread evenly, each with its index among all questions."""
    places = np.unique(np.linspace(0, len(questions) - 1, min(most, len(questions))).round().astype(int))
    return [(int(place), questions[place]) for place in places]


def answer(model: str, method: Method, kind: str, asked: list[tuple[int, Target]], seed: int, folder: Path) -> None:
    """Render the pictures of the targets, each with its index among all questions, unless they exist."""
    file = folder / f"{kind}-{seed}.npz"
    if file.exists():
        return
    started = time.monotonic()
    images = method.render(load_model(model).float(), [target for _, target in asked], seed)
    seconds = (time.monotonic() - started) / len(images)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, places=[place for place, _ in asked], images=images, seconds=seconds)
    print(f"{model}  {method.name}  {kind}  seed {seed}: {len(images)} pictures, {seconds:.1f} s each", flush=True)


def main() -> None:
    """Parse the command line, render, measure, report."""
    steps = PRESETS[DEFAULT_PRESET].settings.iterations
    usual = methods(steps)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description="Judge pictures.")
    parser.add_argument("--models", nargs="+", default=list(OF_SCENES), help="names or files")
    parser.add_argument("--methods", nargs="+", default=list(usual), choices=list(usual))
    parser.add_argument(
        "--set",
        nargs=2,
        action="append",
        default=[],
        metavar=("SETTING", "VALUE"),
        help="try presets with another setting",
    )
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--most", type=int, default=100, help="number of questions of each kind, spread evenly")
    parser.add_argument("--most-slow", type=int, default=8, help="the same for methods with many views per step")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, help="threads of torch; default: all")
    parser.add_argument("--folder", type=Path, default=Path("build/quality"), help="folder that keeps the pictures")
    parser.add_argument("--report", type=Path, help="file to write, e.g. docs/quality.md")
    arguments = parser.parse_args()
    ways = methods(steps, dict(arguments.set))
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    scenes = draw_scenes(SCENES, SCENES_SEED, Kind.SEEN, cache=arguments.folder / "scenes")
    questions = {model: ask(model, scenes) for model in arguments.models}
    for model, asked in questions.items():
        # Every method in turn for each kind, so that a machine that slows down affects all methods alike.
        for seed in arguments.seeds:
            for kind in arguments.kinds:
                of_kind = [question for question in asked if question.kind == kind]
                for name in arguments.methods:
                    most = arguments.most_slow if ways[name].slow else arguments.most
                    some = [(place, question.target) for place, question in spread(of_kind, most)]
                    answer(model, ways[name], kind, some, seed, place_of(arguments.folder, model, ways[name]))
    every = {method.name: method for method in [*usual.values(), *ways.values()]}
    answers: list[Answers] = []
    for model, asked in questions.items():
        other = next(name for name in OF_SCENES if name != Path(model).stem)
        answers += measure(model, other, asked, every.values(), arguments.folder, scenes)
        print_table([answer for answer in answers if answer.model == Path(model).stem])
    if arguments.report:
        write_report(answers, scenes, arguments.report)


def ask(model: str, scenes: Scenes) -> list[Question]:
    """All questions for a model: those about texts, and about its own units."""
    return [*text_questions(), *unit_questions(load_model(model).float(), scenes, 100)]


if __name__ == "__main__":
    main()
