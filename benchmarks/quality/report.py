"""The report: tables, and sheets with the pictures of all methods side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.judges.networks import MAKES, load_judge, named
from benchmarks.quality.answers import Answers
from benchmarks.quality.questions import KINDS, NAMED
from clipdesk.render.presets import DEFAULT_PRESET
from clipdesk.scenes.captions import FACTORS
from clipdesk.scenes.dataset import Scenes

_SHEET_SIDE, _LABEL, _COLUMNS = 72, 150, 16
_HEADINGS = (
    "method",
    "pictures",
    *MAKES,
    "lowest",
    "seeds",
    "> 99 %",
    "x best scene",
    "kept",
    "transfer",
    "spectrum dB",
    "s",
)


def _cells(answers: Answers) -> list[str]:
    lowest, highest = min(answers.by_seed), max(answers.by_seed)
    return [
        answers.method,
        str(answers.count),
        *(f"{100 * answers.recovery[judge]:.0f} %" for judge in MAKES),
        f"{100 * answers.lowest:.0f} %",
        f"{100 * lowest:.0f}-{100 * highest:.0f} %" if answers.seeds > 1 else "1",
        f"{100 * answers.above:.0f} %",
        f"{answers.ratio:.2f}",
        f"{100 * answers.kept:.0f} %",
        f"{100 * answers.transfer:.0f} %",
        f"{answers.spectrum:.1f}",
        f"{answers.seconds:.1f}",
    ]


def print_table(answers: Sequence[Answers]) -> None:
    """Print the measurements, one line per model, kind and method."""
    for kind in KINDS:
        rows = [_cells(answer) for answer in answers if answer.kind == kind]
        if rows:
            widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
            print(f"\n{answers[0].model}: {kind}")
            for row in (_HEADINGS, *rows):
                print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def write_report(answers: Sequence[Answers], scenes: Scenes, file: Path) -> None:
    """Write the tables as Markdown, and the sheets into ``images/`` beside it.

    Sections of other models stay unchanged.
    """
    known = sections(file.read_text("utf-8")) if file.exists() else {}
    for model in dict.fromkeys(answer.model for answer in answers):
        known[model] = _section([answer for answer in answers if answer.model == model], file.parent / "images")
    file.write_text("\n".join([_INTRODUCTION, _judges(scenes), *known.values()]), "utf-8")


def write_section(model: str, section: str, file: Path) -> None:
    """Write the section of one model into a report that exists; all others stay unchanged."""
    text = file.read_text("utf-8")
    known = sections(text)
    known[model] = section
    introduction = re.split(r"^(?=## `)", text, maxsplit=1, flags=re.MULTILINE)[0].rstrip() + "\n"
    file.write_text("\n".join([introduction, *known.values()]), "utf-8")


def sections(text: str) -> dict[str, str]:
    """The sections of a report by model."""
    parts = re.split(r"^(?=## `)", text, flags=re.MULTILINE)[1:]
    return {part.split("`")[1]: part.strip() + "\n" for part in parts}


def _section(answers: Sequence[Answers], images: Path) -> str:
    """The section of one model; its sheets are written into a folder."""
    first = answers[0]
    lines = [f"## `{first.model}`\n\nWeights {first.weights}; the other model, for the transfer, {first.critic}.\n"]
    lines += _against(answers)
    for kind in KINDS:
        rows = [answer for answer in answers if answer.kind == kind]
        if not rows:
            continue
        lines.append(f"### {_TITLES[kind]}\n\nChance: {100 * rows[0].chance:.1f} %.\n")
        lines += table([_HEADINGS, *(_cells(row) for row in rows)])
        if kind in ("shape", "unit"):
            sheet = images / f"quality-{first.model}-{kind}.webp"
            images.mkdir(parents=True, exist_ok=True)
            draw_sheet({row.method: row.samples for row in rows}).save(sheet, quality=80)
            lines.append(f"![{_TITLES[kind]}, a row for each method](images/{sheet.name})\n")
    return "\n".join(lines)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of Markdown; the first row is the headings."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|---" * len(rows[0]) + "|", *lines[1:], ""]


def _against(answers: Sequence[Answers]) -> list[str]:
    """A table that compares each method with the default preset on the texts that both rendered."""
    texts = [answer for answer in answers if answer.kind != "unit"]
    rows = [["method", "texts", "names", f"{DEFAULT_PRESET} names", "ratio", "s", f"{DEFAULT_PRESET} s"]]
    for method in dict.fromkeys(answer.method for answer in texts if answer.method != DEFAULT_PRESET):
        theirs, ours, seconds = _shared(texts, method)
        if theirs:
            its, mine = float(np.mean(theirs)), float(np.mean(ours))
            ratio = f"{mine / its:.2f}" if its else "-"
            names = f"{100 * its:.0f} %", f"{100 * mine:.0f} %"
            rows.append([method, str(len(theirs)), *names, ratio, *(f"{s:.1f}" for s in np.mean(seconds, axis=0))])
    return ["### Texts, side by side\n", *table(rows)] if len(rows) > 1 else []


def _shared(answers: Sequence[Answers], method: str) -> tuple[list[float], list[float], list[tuple[float, float]]]:
    """Recovery of the questions that a method and the default both rendered, and their seconds per question."""
    theirs, ours, seconds = list[float](), list[float](), list[tuple[float, float]]()
    for their in (answer for answer in answers if answer.method == method):
        for our in (answer for answer in answers if (answer.method, answer.kind) == (DEFAULT_PRESET, their.kind)):
            both = sorted(their.shares.keys() & our.shares.keys())
            theirs += [their.shares[place] for place in both]
            ours += [our.shares[place] for place in both]
            seconds += [(their.seconds, our.seconds)] * len(both)
    return theirs, ours, seconds


def _judges(scenes: Scenes) -> str:
    rows = [["judge", *NAMED, "background"]]
    for judge in MAKES:
        right = (named(load_judge(judge), scenes.images[:2_000]) == scenes.factors[:2_000]).mean(axis=0)
        rows.append([judge, *(f"{100 * share:.1f} %" for share in right)])
    return "\n".join(table(rows))


def draw_sheet(rows: Mapping[str, Mapping[int, NDArray[np.uint8]]]) -> Image.Image:
    """A sheet with one row per method, with its name at the left, and one column per question.

    Args:
        rows: By method, the pictures by the question's index.
    """
    fullest = max(rows.values(), key=len)
    asked = sorted(fullest)
    columns = [asked[i] for i in np.unique(np.linspace(0, len(asked) - 1, _COLUMNS).round().astype(int))]
    sheet = Image.new("RGB", (_LABEL + len(columns) * (_SHEET_SIDE + 2), len(rows) * (_SHEET_SIDE + 2)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for i, (method, samples) in enumerate(rows.items()):
        top = i * (_SHEET_SIDE + 2)
        pen.text((6, top + _SHEET_SIDE // 2 - 8), method, fill="black", font=font)
        for j, place in enumerate(columns):
            if place in samples:
                picture = Image.fromarray(np.array(samples[place]))
                small = picture.resize((_SHEET_SIDE, _SHEET_SIDE), Image.Resampling.LANCZOS)
                sheet.paste(small, (_LABEL + j * (_SHEET_SIDE + 2), top))
    return sheet


_TITLES = {
    "shape": f"Texts that name a shape ({len(FACTORS['shape'])})",
    "color": f"Texts that name a colour ({len(FACTORS['color'])})",
    "texture": f"Texts that name a texture ({len(FACTORS['texture'])})",
    "combination": "Texts that name a shape and a colour or texture",
    "unit": "Units that tell one concept from the rest",
}
_INTRODUCTION = f"""\
# Do the pictures show what the units look for?

`demo` and `demo-rn` were trained on drawn scenes with known contents, so it can be measured whether a picture that
excites a text or a unit shows what it should. This page is written by `python -m benchmarks.quality --report
docs/quality.md`; `--models` rewrites only the sections of those models, so each section names its weights.

- **{", ".join(MAKES)}**: the share of the pictures in which each judge names what was asked for. They are
  convolutional networks, not CLIPs, trained on scenes with noise, blur, colour casts and occlusion; their own accuracy
  on clean scenes is below. In a combination both words must be right. `foreign` saw only scenes that other code draws,
  so it shares no outline with the models; sections without its column are older than it.
- **lowest**: the share by the judge that sees least, which is the one to quote.
- **seeds**: the lowest and the highest share of a seed, averaged over the judges; 1 if there was only one seed.
- **> 99 %**: the share of the pictures that excite their target more than 99 % of 5,000 scenes do.
- **x best scene**: the picture's activation over the most that any of the scenes reaches, median.
- **kept**: the share of the activation that is left after a shift of 3 px, a blur of 0.7 px and a JPEG, median.
- **transfer**: the share of the pictures in which the other one of these models finds what was asked for.
- **spectrum dB**: the root mean square difference between the power spectra of the pictures and the scenes.
- **s**: seconds per picture on this machine's CPU, with its other load at the time; presets render sixteen side by
side,
  peers one at a time.

`lucent` is torch-lucent 0.1.8 with its defaults, `lucent-corrected` the same with CLIP's normalisation. `horama-*` are
Horama 0.3.0's, with the side of the picture scaled to the model. Peers get as many steps as the default preset.
*Side by side* compares a method with the default preset on the texts that both rendered. A method with fewer pictures
rendered fewer of the same questions, spread evenly: on a slow machine not all fit in. `plain` is not shipped: it is a
twin of `demo` that never saw noise (`resources/models/demo.md`). For its transfer, `demo` is the other model.
"""
