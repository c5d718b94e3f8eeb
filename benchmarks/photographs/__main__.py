"""Judges of photographs, and a CLIP that saw photographs: ``python -m benchmarks.photographs judge FOLDER``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from clip.model import CLIP

from benchmarks.check import report
from benchmarks.judges.networks import save_judge
from benchmarks.photographs.answers import Answers, measure, rows, side_by_side
from benchmarks.photographs.checked import checked
from benchmarks.photographs.judges import (
    IMAGES,
    MAKES,
    SEEDS,
    load_judge,
    named,
    train_judge,
    weights_file,
)
from benchmarks.photographs.questions import Question, at_size, text_questions, unit_questions
from benchmarks.quality.__main__ import answer, spread
from benchmarks.quality.answers import place_of
from benchmarks.quality.measures import scene_activations
from benchmarks.quality.methods import methods
from benchmarks.quality.report import draw_sheet, sections, table, write_section
from clipdesk.activations.checking.usual import usual_reader
from clipdesk.demo.photographs import Photographs, read_photographs
from clipdesk.models.loading import load_model
from clipdesk.network.inspector import input_side
from clipdesk.network.pool import open_model
from clipdesk.render.presets import DEFAULT_PRESET, PRESETS

TITLES = {"text": "Texts that name a category", "unit": "Units that tell one category from the rest"}
_WORDS = """\
Weights {weights}. This section is written by `python -m benchmarks.photographs judge FOLDER --model photo --report
docs/quality.md` from {photographs:,} photographs of {categories} categories, on which the model was trained, and
{apart} that were kept apart. **full** and **mobile** are the judges of `benchmarks/photographs`: the share of the
pictures in which each names the category that was asked for, by chance {chance:.1f} %. **lowest** is the share by
the judge that sees least, **both** that in which both name it, **x best photo** the picture's activation over the
most that any of the photographs reaches, median. The rest is as above. `detailed` renders a text by what is its own
(`--text-direction own`); its pictures' cosine to the whole text, which these columns have, is lower than photographs'.
"""
EVERY = 96
"""Largest number of questions of a kind."""


def main() -> None:
    """Train the judges, measure them on photographs that were kept apart, judge a model's pictures, or its check."""
    usual = methods(PRESETS[DEFAULT_PRESET].settings.iterations)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photographs", description=main.__doc__)
    parser.add_argument("task", choices=["train", "measure", "judge", "check"])
    parser.add_argument("folder", type=Path, help="a folder of photographs for each category")
    parser.add_argument("--judge", choices=list(MAKES), action="append", help="judges to train or measure")
    parser.add_argument("--images", type=int, default=IMAGES, help="number of training pictures of a judge")
    parser.add_argument("--model", default="photo", help="name or file of the model")
    parser.add_argument("--reader", help="name or file of a second model, for check [the model's usual reader]")
    parser.add_argument("--methods", nargs="+", default=list(usual), choices=list(usual))
    parser.add_argument("--kinds", nargs="+", default=list(TITLES), choices=list(TITLES))
    parser.add_argument("--most", type=int, default=EVERY, help="number of questions of each kind, spread evenly")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, help="threads of torch; default: all")
    parser.add_argument("--pictures", type=Path, default=Path("build/photographs"), help="folder that keeps pictures")
    parser.add_argument("--report", type=Path, help="file whose section of the model is written: docs/quality.md")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.task == "judge":
        judge(arguments)
        return
    if arguments.task == "check":
        check(arguments)
        return
    photographs, apart = read_photographs(arguments.folder)
    names = arguments.judge or list(MAKES)
    if arguments.task == "train":
        for name in names:
            torch.manual_seed(SEEDS[name])
            trained = MAKES[name](len(photographs.categories))
            train_judge(trained, photographs, arguments.images, seed=SEEDS[name])
            save_judge(trained, weights_file(name))
    print("\n".join(table(known(names, apart))))


def known(names: list[str], apart: Photographs) -> list[list[str]]:
    """A row for each judge: the share of photographs whose category it names, clean and under noise."""
    lines = [["judge", f"of {len(apart.images)} photographs", "under noise of 0.25"]]
    for name in names:
        network = load_judge(name)
        shares = [float((named(network, apart.images, noise=noise) == apart.labels).mean()) for noise in (0.0, 0.25)]
        lines.append([name, *(f"{100 * share:.1f} %" for share in shares)])
    return lines


def judge(arguments: argparse.Namespace) -> None:
    """Render a model's pictures, unless they are there, measure all that are, and write the report's section."""
    photographs, apart = read_photographs(arguments.folder)
    model = load_model(arguments.model).float()
    asked = ask(model, photographs, apart)
    ways = methods(PRESETS[DEFAULT_PRESET].settings.iterations)
    for seed in arguments.seeds:
        for kind in arguments.kinds:
            for name in arguments.methods:
                place = place_of(arguments.pictures, arguments.model, ways[name])
                some = [(at, question.target) for at, question in spread(asked[kind], arguments.most)]
                answer(arguments.model, ways[name], kind, some, seed, place)
    found: dict[str, list[Answers]] = {}
    images = at_size(photographs, input_side(model))
    for kind, questions in asked.items():
        reached = scene_activations(model, [question.target for question in questions], images)
        found[kind] = []
        for method in ways.values():
            files = sorted(place_of(arguments.pictures, arguments.model, method).glob(f"{kind}-*.npz"))
            if files:
                found[kind].append(measure(model, method.name, files, questions, reached, images))
    first = _WORDS.format(
        weights=place_of(arguments.pictures, arguments.model, ways[DEFAULT_PRESET]).parent.name,
        photographs=len(photographs.images),
        apart=len(apart.images),
        categories=len(photographs.categories),
        chance=100 / len(photographs.categories),
    )
    name = Path(arguments.model).stem
    text = "\n".join(section(name, [first, *table(known(list(MAKES), apart))], found, arguments.report))
    print(text)
    if arguments.report:
        write_section(name, text, arguments.report)


def check(arguments: argparse.Namespace) -> None:
    """Print whether the check tells pictures that both judges name from others, of those that `judge` has rendered."""
    opened = open_model(arguments.model, "cpu")
    asked = ask(load_model(arguments.model).float(), *read_photographs(arguments.folder))
    ways = methods(PRESETS[DEFAULT_PRESET].settings.iterations)
    some = [ways[name] for name in arguments.methods if name in PRESETS]
    usual = arguments.reader or usual_reader(opened.name)
    reader = open_model(str(usual), "cpu") if usual else None
    found = checked(opened, arguments.folder, asked, some, arguments.pictures, arguments.most, reader)
    report({str(opened.name): found})


def ask(model: CLIP, photographs: Photographs, apart: Photographs) -> dict[str, list[Question]]:
    """All questions for a model, by kind."""
    return {
        "text": text_questions(photographs.categories),
        "unit": unit_questions(model, photographs, apart, 100),
    }


def section(
    name: str, introduction: Sequence[str], found: Mapping[str, Sequence[Answers]], report: Path | None
) -> list[str]:
    """The lines of a model's section; its sheets are written beside the report.

    Args:
        name: The model's name.
        introduction: What is said first.
        found: What was measured, by kind of question. Where a kind has no pictures, what the report says of it stays.
        report: The report; None writes no sheets.
    """
    lines = [f"## `{name}`\n", *introduction]
    before = sections(report.read_text("utf-8")).get(name, "") if report and report.exists() else ""
    kept = {part.partition("\n")[0]: part for part in re.split(r"^(?=### )", before, flags=re.MULTILINE)[1:]}
    for kind, answers in found.items():
        title = f"### {TITLES[kind]}"
        if not answers:
            lines += [f"{kept[title].rstrip()}\n"] if title in kept else []
            continue
        lines += [f"{title}\n", *side_by_side(answers), *table(rows(answers))]
        if report:
            sheet = report.parent / "images" / f"quality-{name}-{kind}.webp"
            draw_sheet({each.method: each.samples for each in answers}).save(sheet, quality=80)
            lines.append(f"![{TITLES[kind]}, a row for each method](images/{sheet.name})\n")
    return lines


if __name__ == "__main__":
    main()
