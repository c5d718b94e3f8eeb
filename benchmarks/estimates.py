"""Compare what the window foresees with what a render takes: ``xvfb-run python -m benchmarks.estimates``.

Each case has a window of its own, which has rendered nothing yet, so that it cannot have learnt from a run before. The
estimate is right where the time lies in the range that is shown, or within a factor of 1.5 of its middle.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.desk import open_window, wait
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Unit

_FACTOR = 1.5


class Case(NamedTuple):
    """A render.

    Attributes:
        model: Name of the model; ``b32`` for random weights of the shape of ViT-B/32.
        layer: Dotted name of the layer.
        pictures: How many of its neurons.
        preset: The preset.
        changes: Other settings.
    """

    model: str
    layer: str
    pictures: int
    preset: str
    changes: dict[str, int]


_BLOCK = "visual.transformer.resblocks"
CASES = (
    Case("demo", f"{_BLOCK}.3.mlp.gelu", 1, "standard", {}),
    Case("demo", f"{_BLOCK}.3.mlp.gelu", 8, "standard", {}),
    Case("demo", f"{_BLOCK}.5.mlp.gelu", 60, "standard", {"iterations": 12}),
    Case("demo", f"{_BLOCK}.0", 20, "draft", {}),
    Case("demo", f"{_BLOCK}.5", 3, "maco", {"iterations": 64}),
    Case("demo", f"{_BLOCK}.2.attn", 4, "standard", {"image_size": 256, "iterations": 30}),
    Case("demo-rn", "visual.layer4", 8, "draft", {"stages": 3}),
    Case("demo-rn", "visual.layer2", 1, "lucid", {"iterations": 128}),
    Case("b32", f"{_BLOCK}.6.mlp.gelu", 1, "draft", {}),
    Case("b32", f"{_BLOCK}.11.mlp.gelu", 10, "standard", {"iterations": 10}),
)


class Taken(NamedTuple):
    """Seconds that were foreseen, at least and at most, and that it took."""

    low: float
    high: float
    seconds: float

    @property
    def right(self) -> bool:
        """Whether it took as long as foreseen, or the middle of that within a factor of 1.5."""
        middle = math.sqrt(self.low * self.high)
        return self.low <= self.seconds <= self.high or middle / _FACTOR <= self.seconds <= middle * _FACTOR


def render(case: Case) -> Taken:
    """Foresee a case in a new window, then render it."""
    settings = make_settings(case.preset, device="cpu", **case.changes)
    targets: tuple[Target, ...] = tuple(Unit(layer=case.layer, index=index) for index in range(case.pictures))
    with tempfile.TemporaryDirectory() as folder:
        name = _random_b32(Path(folder)) if case.model == "b32" else case.model
        with open_window(name) as window:
            window.parameters.show_settings(settings)
            window.estimates.text(case.pictures, case.layer, settings)
            wait(lambda: window.estimates.foreseen(case.pictures, case.layer, settings) is not None)
            low, high = window.estimates.foreseen(case.pictures, case.layer, settings) or (0.0, 0.0)
            started = time.monotonic()
            window.asking.render(targets)
            wait(lambda: {run.state.finished for run in window.controller.queue} == {True})
            return Taken(low, high, time.monotonic() - started)


def _random_b32(folder: Path) -> str:
    from clip.model import CLIP

    torch.manual_seed(0)
    path = folder / "b32.pt"
    torch.save(CLIP(512, 224, 12, 768, 32, 77, 49408, 512, 8, 12).state_dict(), path)
    return str(path)


def main() -> None:
    """Measure and print; the exit code is 1 if an estimate was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, nargs="*", default=list(range(1, len(CASES) + 1)), help="1 to 10")
    arguments = parser.parse_args()
    wrong = 0
    for number in arguments.cases:
        case = CASES[number - 1]
        # A process each: what torch has warmed up in one case must not help the next.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            low, high, seconds = taken = Taken(*pool.apply(render, (case,)))
        wrong += not taken.right
        layer = case.layer.removeprefix("visual.")
        what = f"{case.pictures} of {layer} in {case.model}, {case.preset} {case.changes or ''}"
        mark = "right" if taken.right else "WRONG"
        print(f"{number:2}: {low:6.1f} to {high:6.1f} s foreseen, {seconds:6.1f} s taken, {mark}: {what}", flush=True)
    print(f"{len(arguments.cases) - wrong} of {len(arguments.cases)} right")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
