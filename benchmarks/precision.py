"""Compare pictures in bfloat16 with pictures in float32: ``python -m benchmarks.precision``.

Renders the same units from the same seeds in float32 and in bfloat16, and in float32 from other seeds for comparison.
"""

from __future__ import annotations

import argparse
from collections import deque

import numpy as np
from clip.model import CLIP
from numpy.typing import NDArray

from clipdesk.models.loading import load_model
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit

LAYERS = {"demo": "visual.transformer.resblocks.3.mlp.gelu", "demo-rn": "visual.layer3.1"}
GROUP = 10
_ALIVE = 0.05
"""Share of the largest activation from which a unit counts; ratios of smaller activations mean nothing."""

Pictures = tuple[NDArray[np.float32], NDArray[np.float64]]


def rendered(model: CLIP, layer: str, units: NDArray[np.int64], iterations: int, precision: str, seed: int) -> Pictures:
    """Clean activations, (units,), and pictures, (units, values)."""
    inspector = LayerInspector(model)
    settings = make_settings(iterations=iterations, precision=precision)
    activations, pictures = [], []
    for start in range(0, len(units), GROUP):
        group = units[start : start + GROUP]
        targets = [Unit(layer=layer, index=int(unit)) for unit in group]
        seeds = [seed + start + i for i in range(len(group))]
        last = deque(render(model, targets, settings, seeds=seeds, inspector=inspector), maxlen=1).pop()
        activations.append(last.clean_activations())
        pictures.append(last.images().reshape(len(group), -1).astype(np.float64))
    return np.concatenate(activations), np.concatenate(pictures)


def compared(reference: Pictures, other: Pictures) -> str:
    """A row of the table: activation relative to the reference, its spread, and the correlation of the pictures."""
    alive = reference[0] > _ALIVE * np.abs(reference[0]).max()
    shares = other[0][alive] / reference[0][alive]
    alike = [np.corrcoef(a, b)[0, 1] for a, b in zip(reference[1], other[1], strict=True)]
    mean = other[0][alive].mean() / reference[0][alive].mean()
    strays = 100 * np.median(np.abs(shares - 1))
    return f"{alive.sum()} | {np.median(shares):.3f} | {mean:.3f} | {strays:.1f} % | {np.median(alike):.2f}"


def main() -> None:
    """Parse the command line, render, print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.precision", description="Compare number formats.")
    parser.add_argument("--models", nargs="+", default=list(LAYERS), choices=list(LAYERS))
    parser.add_argument("--units", type=int, default=50)
    parser.add_argument("--iterations", type=int, default=make_settings().iterations)
    arguments = parser.parse_args()
    print("| model | compared with float32 | units | activation, median | mean | strays by | pictures correlate |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.models:
        model, layer = load_model(name), LAYERS[name]
        count = LayerInspector(model).visualizable(layer).units
        units = np.linspace(0, count - 1, arguments.units).astype(np.int64)
        exact = rendered(model, layer, units, arguments.iterations, "float32", 0)
        for label, precision, seed in (("bfloat16", "bfloat16", 0), ("float32, other seeds", "float32", 10_000)):
            row = compared(exact, rendered(model, layer, units, arguments.iterations, precision, seed))
            print(f"| {name} | {label} | {row} |", flush=True)


if __name__ == "__main__":
    main()
