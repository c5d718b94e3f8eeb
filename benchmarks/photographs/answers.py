"""Pictures of a CLIP that saw photographs, what the judges name in them, and the section of docs/quality.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from clip.model import CLIP
from numpy.typing import NDArray

from benchmarks.photographs.judges import MAKES, load_judge, named
from benchmarks.photographs.questions import Question
from benchmarks.quality.measures import activations, fitted, radial_spectrum
from benchmarks.quality.report import table
from clipdesk.network.inspector import input_side
from clipdesk.render.presets import DEFAULT_PRESET

HEADINGS = ("method", "pictures", *MAKES, "lowest", "both", "> 99 %", "x best photo", "spectrum dB", "s")


@dataclass(frozen=True)
class Answers:
    """The pictures of one method for the questions of one kind, measured.

    Attributes:
        method: The method's name.
        right: By judge, by the question's index: the share of its pictures in which the judge names the category.
        above: Share of the pictures that excite their target more than 99 % of the photographs do.
        ratio: Median of the activation over the most that a photograph reaches, where one excites the target.
        spectrum: Root mean square distance of the mean spectrum from the photographs', in decibels.
        seconds: Seconds per picture.
        count: Number of pictures of all seeds.
        samples: The pictures of the first seed, by the question's index.
    """

    method: str
    right: Mapping[str, Mapping[int, float]]
    above: float
    ratio: float
    spectrum: float
    seconds: float
    count: int
    samples: Mapping[int, NDArray[np.uint8]]

    def recovery(self, judge: str, places: Sequence[int] | None = None) -> float:
        """Share of the pictures in which a judge names the category, of all questions or of some."""
        shares = self.right[judge]
        return float(np.mean([shares[place] for place in (shares if places is None else places)]))

    def lowest(self, places: Sequence[int] | None = None) -> float:
        """The recovery by the judge that sees least: the one to quote."""
        return min(self.recovery(judge, places) for judge in self.right)

    @property
    def places(self) -> list[int]:
        """The indices of the questions."""
        return list(self.right[next(iter(self.right))])


def measure(
    model: CLIP,
    method: str,
    files: Sequence[Path],
    asked: Sequence[Question],
    reached: NDArray[np.float32],
    photographs: NDArray[np.uint8],
) -> Answers:
    """Measure the pictures of a method.

    Args:
        model: The CLIP.
        method: The method's name.
        files: As `benchmarks.quality.__main__.answer` writes them, one for each seed.
        asked: All questions of the kind.
        reached: Activation of each question's target for each photograph, (photographs, questions).
        photographs: These photographs at the model's input size, uint8, (photographs, side, side, 3).
    """
    kept = [np.load(file) for file in files]
    places = np.concatenate([data["places"] for data in kept])
    images = np.concatenate([fitted(data["images"], input_side(model)) for data in kept])
    wanted = np.array([asked[place].category for place in places])
    clean = activations(model, [asked[place].target for place in places], images)
    there = reached[:, places]
    best = there.max(axis=0)
    lit = best > 0
    right = {judge: named(load_judge(judge), images) == wanted for judge in MAKES}
    usual = radial_spectrum(photographs[:500])
    return Answers(
        method=method,
        right={judge: _by_place(places, row) for judge, row in right.items()},
        above=float(((there < clean).mean(axis=0) > 0.99).mean()),
        ratio=float(np.median(clean[lit] / best[lit])),
        spectrum=float(np.sqrt(np.mean((radial_spectrum(images) - usual) ** 2))),
        seconds=float(np.mean([data["seconds"] for data in kept])),
        count=len(images),
        samples=dict(zip(map(int, kept[0]["places"]), images, strict=False)),
    )


def _by_place(places: NDArray[np.int64], right: NDArray[np.bool_]) -> dict[int, float]:
    return {int(place): float(right[places == place].mean()) for place in np.unique(places)}


def rows(answers: Sequence[Answers]) -> list[Sequence[str]]:
    """The table of some answers, with its headings."""
    return [HEADINGS, *(_cells(each) for each in answers)]


def _cells(answers: Answers) -> list[str]:
    both = [min(answers.right[judge][place] for judge in MAKES) for place in answers.places]
    return [
        answers.method,
        str(answers.count),
        *(f"{100 * answers.recovery(judge):.0f} %" for judge in MAKES),
        f"{100 * answers.lowest():.0f} %",
        f"{100 * float(np.mean(both)):.0f} %",
        f"{100 * answers.above:.0f} %",
        f"{answers.ratio:.2f}",
        f"{answers.spectrum:.1f}",
        f"{answers.seconds:.1f}",
    ]


def side_by_side(answers: Sequence[Answers]) -> list[str]:
    """A table that compares each method with the default preset on the questions that both rendered."""
    default = next((each for each in answers if each.method == DEFAULT_PRESET), None)
    if default is None:
        return []
    lines = [["method", "questions", "names", f"{DEFAULT_PRESET} names", "ratio", "s", f"{DEFAULT_PRESET} s"]]
    for each in answers:
        both = sorted(set(each.places) & set(default.places))
        if each is not default and both:
            its, ours = each.lowest(both), default.lowest(both)
            ratio = f"{ours / its:.2f}" if its else "-"
            shares = f"{100 * its:.0f} %", f"{100 * ours:.0f} %"
            lines.append([each.method, str(len(both)), *shares, ratio, f"{each.seconds:.1f}", f"{default.seconds:.1f}"])
    return table(lines)
