"""Do pictures of words show what the words say? ``python -m benchmarks.text_targets --model demo``.

Renders the prompt of every shape, colour and texture ("a star", "a red object", "a striped object"), asks the judges
what they see, and prints how many they name. Writes a contact sheet, on which a person should name them too.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.judges.networks import MAKES, load_judge, named
from clipdesk.demo.captions import FACTORS, prompt
from clipdesk.export.files import make_folder
from clipdesk.export.sheet import save_sheet
from clipdesk.jobs.batch import write_result
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import Result, run_job
from clipdesk.models.loading import load_model
from clipdesk.render.presets import DEFAULT_PRESET, PRESETS, make_settings
from clipdesk.render.targets import Text

ASKED = ("shape", "color", "texture")
"""The factors whose values are rendered; a background is no thing that a picture can be of."""


def render_texts(model: str, settings: dict[str, object], preset: str) -> list[Result]:
    """Render the prompt of each value of `ASKED`, in order."""
    targets = tuple(Text(text=prompt(factor, value)) for factor in ASKED for value in FACTORS[factor])
    job = Job(model=model, targets=targets, settings=make_settings(preset, **settings))
    return [event for event in run_job(load_model(model), job) if isinstance(event, Result)]


def recovered(images: NDArray[np.uint8]) -> dict[str, dict[str, float]]:
    """For each judge and factor of `ASKED` the share of the pictures that the judge names rightly, in [0, 1]."""
    shares: dict[str, dict[str, float]] = {}
    for judge in MAKES:
        seen = named(load_judge(judge), images)
        start, shares[judge] = 0, {}
        for column, factor in enumerate(ASKED):
            values = len(FACTORS[factor])
            right = seen[start : start + values, column] == np.arange(values)
            shares[judge][factor], start = float(right.mean()), start + values
    return shares


def main() -> None:
    """Render, ask, print, draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.text_targets", description=main.__doc__)
    parser.add_argument("--model", default="demo", help="name or checkpoint file")
    parser.add_argument("--preset", default=DEFAULT_PRESET, choices=list(PRESETS))
    parser.add_argument("--set", nargs=2, action="append", default=[], metavar=("SETTING", "VALUE"))
    parser.add_argument("--folder", type=Path, default=Path("build/text_targets"), help="where the pictures go")
    arguments = parser.parse_args()
    started = time.monotonic()
    results = render_texts(arguments.model, dict(arguments.set), arguments.preset)
    print(f"{len(results)} pictures in {time.monotonic() - started:.0f} s")
    for judge, shares in recovered(np.stack([result.image for result in results])).items():
        print(f"{judge:10}" + "".join(f"  {factor} {100 * share:.0f} %" for factor, share in shares.items()))
    sheet = arguments.folder / "sheet.png"
    make_folder(arguments.folder)
    save_sheet([(write_result(result, arguments.folder), result.recipe) for result in results], sheet, columns=8)
    print(sheet)


if __name__ == "__main__":
    main()
