"""Do the pictures excite their units? ``python benchmarks/selective_units.py``.

Finds the embedded model's most selective units on 5,000 scenes, renders each, and compares the picture's activation
with the 99th percentile over the scenes. Prints a table and writes a contact sheet.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from clipdesk import load_model
from clipdesk.demo.dataset import Kind, draw_scenes
from clipdesk.demo.selectivity import SelectiveUnit, layer_groups, selective_units
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import Result, run_job
from clipdesk.render.presets import make_settings

SCENES, SEED = 5_000, 11


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description="Do the pictures excite their units?")
    parser.add_argument("--model", default="demo")
    parser.add_argument("--units", type=int, default=20)
    parser.add_argument("--iterations", type=int, default=500)
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--sheet", type=Path, default=Path("build/selective_units.png"))
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    scenes = draw_scenes(SCENES, SEED, Kind.SEEN)
    layers = [name for group in layer_groups(model).values() for name in group]
    chosen = selective_units(model, layers, scenes, arguments.units)
    settings = make_settings(arguments.preset, iterations=arguments.iterations)
    job = Job(model=arguments.model, targets=tuple(unit.unit for unit in chosen), settings=settings)
    started = time.monotonic()
    results = [event for event in run_job(model, job) if isinstance(event, Result)]
    seconds = time.monotonic() - started
    above = 0
    for unit, result in zip(chosen, results, strict=True):
        above += result.activation > unit.percentile99
        print(
            f"{unit.factor:10} {unit.value:9} AUC {unit.auc:.3f}  99th percentile {unit.percentile99:8.3f}  "
            f"picture {result.activation:8.3f}  {unit.unit.label}"
        )
    print(f"{above} of {len(chosen)} above the 99th percentile; {seconds:.0f} s for {len(results)} pictures")
    arguments.sheet.parent.mkdir(parents=True, exist_ok=True)
    _sheet(chosen, results).save(arguments.sheet)
    print(arguments.sheet)


def _sheet(units: list[SelectiveUnit], results: list[Result], columns: int = 5) -> Image.Image:
    side, caption = results[0].image.shape[0] * 2, 18
    rows = -(-len(units) // columns)
    sheet = Image.new("RGB", (columns * (side + 6), rows * (side + caption + 6)), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (unit, result) in enumerate(zip(units, results, strict=True)):
        x, y = i % columns * (side + 6), i // columns * (side + caption + 6)
        sheet.paste(Image.fromarray(np.array(result.image)).resize((side, side), Image.Resampling.LANCZOS), (x, y))
        pen.text((x + 2, y + side + 2), f"{unit.factor}: {unit.value}  {unit.unit.label[30:]}", fill="black")
    return sheet


if __name__ == "__main__":
    main()
