"""Measure the detail of large pictures: ``python -m benchmarks.large_pictures``.

Renders one target at the model's input size and at larger sizes, and compares the power at frequencies that the
enlarged small picture cannot have. Also prints seconds per step and the process's peak memory.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.quality.measures import radial_spectrum
from benchmarks.speed import base_model
from clipdesk.models.loading import load_model
from clipdesk.network.inspector import input_side
from clipdesk.render.expressions import parse_target
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings

BINS = 64


def fine_power(image: NDArray[np.uint8], side: int) -> float:
    """Mean power, in decibels, at frequencies that a picture of `side` pixels cannot have."""
    spectrum = radial_spectrum(image[None], BINS)
    first = round(BINS * side / len(image))
    return float(10 * np.log10(np.mean(10 ** (spectrum[first:] / 10))))


def main() -> None:
    """Render, measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large_pictures", description="Detail of large pictures."
    )
    parser.add_argument("--model", default="demo-rn", help="name, checkpoint file, or random: ViT-B/32's shape")
    parser.add_argument("--target", default='"a red star"')
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--iterations", type=int, default=250)
    parser.add_argument("--folder", type=Path, default=Path("build/large_pictures"), help="folder for the pictures")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    model = base_model() if arguments.model == "random" else load_model(arguments.model)
    target = parse_target(arguments.target)
    side = input_side(model)
    pictures: dict[int, NDArray[np.uint8]] = {}
    for size in (side, *arguments.sizes):
        settings = make_settings(image_size=size, iterations=arguments.iterations)
        started = time.monotonic()
        pictures[size] = deque(render(model, [target], settings), maxlen=1).pop().images()[0]
        seconds = (time.monotonic() - started) / arguments.iterations
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        Image.fromarray(pictures[size]).save(arguments.folder / f"{size}.png")
        line = f"{size} px: {seconds:.3f} s a step, peak {memory:.0f} MB"
        if size > side:
            small = Image.fromarray(pictures[side]).resize((size, size), Image.Resampling.BICUBIC)
            blown, own = fine_power(np.asarray(small), side), fine_power(pictures[size], side)
            line += f", fine detail {own:.1f} dB, of the small one blown up {blown:.1f} dB"
        print(line, flush=True)


if __name__ == "__main__":
    main()
