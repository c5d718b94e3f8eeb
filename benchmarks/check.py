"""Whether the check tells good pictures from poor ones: ``python -m benchmarks.check FOLDER``.

Renders texts and units of the embedded models in ways of which some are good and some poor, and asks three judges what
they see. Of each number of the check it prints the AUC: how probably a picture that most judges name rightly stands
above one that they do not, 0.5 by chance. Beside it stand chance, and weights of the parts that were fitted on one of
the models (logistic regression) and are measured on the other. FOLDER keeps the pictures.

Two series: the pictures that the check was made with, and others (another choice of texts and units, other seeds and
presets), which were rendered when it was done. Surveys that are missing are made.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.check_pictures import Series, all_series, rendered, survey_of
from benchmarks.quality.measures import recovered
from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.picture import check_picture
from clipdesk.activations.checking.second import SecondReader
from clipdesk.activations.directions import vocabulary_of
from clipdesk.activations.showing import ShownPictures
from clipdesk.models.catalogue import OF_SCENES
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.render.targets import Text

_PARTS = ("near", "reader near", "kept", "path", "few higher", "percentile")
"""What weights are fitted to."""
_PENALTY = 0.5
_DRAWS = 2_000


@dataclass(frozen=True, eq=False)
class Measured:
    """The checks of a model's pictures.

    Attributes:
        right: Whether most judges name what was asked for, (pictures,).
        texts: Which pictures are of texts, (pictures,).
        ways: How each was rendered.
        checks: One for each picture.
        numbers: What could tell right pictures from wrong ones, by name, (pictures,).
    """

    right: NDArray[np.bool_]
    texts: NDArray[np.bool_]
    ways: Sequence[str]
    checks: Sequence[Check]
    numbers: Mapping[str, NDArray[np.float64]]


def measured(opened: OpenModel, reader: OpenModel, series: Series, folder: Path) -> Measured:
    """Render, judge and check the pictures of a model."""
    shown = rendered(opened, series, folder)
    seen = np.sum(list(recovered(shown.questions, shown.images).values()), axis=0)
    at, survey = survey_of(opened)
    read = ShownPictures(at, survey, opened.side).read
    second, vocabulary = SecondReader(reader, survey, read, vocabulary=vocabulary_of(reader)), vocabulary_of(opened)
    checks = [
        check_picture(
            opened, survey, question.target, Image.fromarray(image), read=read, reader=second, vocabulary=vocabulary
        )
        for question, image in zip(shown.questions, shown.images, strict=True)
    ]
    texts = np.array([isinstance(question.target, Text) for question in shown.questions])
    return Measured(seen >= 2, texts, shown.ways, checks, numbers_of(checks))


def numbers_of(checks: Sequence[Check]) -> dict[str, NDArray[np.float64]]:
    """What could tell right pictures from wrong ones, by name, (pictures,)."""
    chance = np.random.default_rng(0)
    columns = {
        "score": [each.score for each in checks],
        "near": [each.near for each in checks],
        "reader near": [math.nan if each.seen is None else each.seen.near for each in checks],
        "kept": [each.kept for each in checks],
        "path": [each.path for each in checks],
        "few higher": [-math.log1p(each.higher) for each in checks],
        "few higher to the reader": [-math.log1p(0 if each.seen is None else each.seen.higher) for each in checks],
        "percentile": [each.rank.share for each in checks],
        "times the best": [each.rank.ratio for each in checks],
        "chance": chance.random(len(checks)).tolist(),
    }
    return {name: np.nan_to_num(np.array(values, dtype=np.float64)) for name, values in columns.items()}


def report(found: Mapping[str, Measured]) -> None:
    """Print what the judges name, the AUCs and what verdicts are worth."""
    for model, each in found.items():
        print(f"{model}: {len(each.right)} pictures, {100 * each.right.mean():.0f} % named rightly by most judges")
        for way in dict.fromkeys(each.ways):
            print(f"  {way}: {100 * each.right[np.array(each.ways) == way].mean():.0f} %")
    heads = [f"{model} {kind}" for model in found for kind in ("units", "texts", "all")]
    print(f"{'AUC':26}" + "".join(f"{head:>15}" for head in heads))
    for name in next(iter(found.values())).numbers:
        _print_row(name, {model: each.numbers[name] for model, each in found.items()}, found)
    if len(found) > 1:
        _print_row("weights of the other model", _fitted_on_the_other(found), found)
    for model, each in found.items():
        low, high = _interval(each.numbers["score"], each.right)
        print(f"{model}: AUC of the score within {low:.2f} to {high:.2f} (95 %, drawn anew {_DRAWS:,} times)")
        for verdict in ("trust", "doubt", "no"):
            own = each.right[[check.verdict == verdict for check in each.checks]]
            named = f", {100 * own.mean():.0f} % named rightly" if len(own) else ""
            print(f"  {verdict}: {len(own)} pictures{named}")


def _print_row(name: str, values: Mapping[str, NDArray[np.float64]], found: Mapping[str, Measured]) -> None:
    cells = []
    for model, each in found.items():
        for some in (~each.texts, each.texts, np.full(len(each.texts), True)):
            cells.append(auc(values[model][some], each.right[some]))
    print(f"{name:26}" + "".join(f"{cell:15.2f}" for cell in cells), flush=True)


def auc(values: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """How probably a right picture stands above a wrong one."""
    # All pairs, since many numbers are the same: those count a half.
    ahead = np.sign(values[right][:, None] - values[~right])
    return float((ahead.mean() + 1) / 2) if ahead.size else math.nan


def _interval(values: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = (rng.integers(len(values), size=len(values)) for _ in range(_DRAWS))
    low, high = np.quantile([auc(values[some], right[some]) for some in drawn], (0.025, 0.975))
    return float(low), float(high)


def _fitted_on_the_other(found: Mapping[str, Measured]) -> dict[str, NDArray[np.float64]]:
    """For each model, its parts with the weights that tell the other model's pictures best."""
    tables = {model: np.stack([each.numbers[name] for name in _PARTS], axis=1) for model, each in found.items()}
    values = {}
    for model in found:
        others = [other for other in found if other != model]
        mean, deviation = tables[others[0]].mean(axis=0), tables[others[0]].std(axis=0) + 1e-9
        weights = _weights((tables[others[0]] - mean) / deviation, found[others[0]].right)
        values[model] = ((tables[model] - mean) / deviation) @ weights
    return values


def _weights(table: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Logistic regression with a penalty on its squared weights, by Newton's method."""
    rows = np.column_stack([table, np.ones(len(table))])
    found = np.zeros(rows.shape[1])
    for _ in range(50):
        shares = 1 / (1 + np.exp(-rows @ found))
        curvature = (rows * (shares * (1 - shares))[:, None]).T @ rows + _PENALTY * np.eye(len(found))
        found += np.linalg.solve(curvature, rows.T @ (right - shares) - _PENALTY * found)
    return found[:-1]


def main() -> None:
    """Parse the command line, render what is not there yet, and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description="Measure the check.")
    parser.add_argument("folder", type=Path, help="folder that keeps the pictures")
    parser.add_argument("--models", nargs="+", default=list(OF_SCENES), choices=list(OF_SCENES))
    parser.add_argument("--threads", type=int, help="threads of torch; default: all")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    opened = {model: open_model(model, "cpu") for model in OF_SCENES}
    for series in all_series():
        print(f"\n{series.name}:")
        found = {}
        for model in arguments.models:
            other = next(name for name in OF_SCENES if name != model)
            found[model] = measured(opened[model], opened[other], series, arguments.folder)
        report(found)


if __name__ == "__main__":
    main()
