"""What latents cost: ``python -m benchmarks.latents_cost [MODEL] [--latents N ...] [--survey-alone]``.

Renders latents of a sparse autoencoder beside neurons of the layer that it reads, and surveys drawn scenes with it and
without it, in turn. The seconds are the processor's, on one thread, the least of three turns; its weights are drawn by
chance.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Callable, Sequence

import torch

from clipdesk.activations.scan import scan
from clipdesk.imagesets.opening import open_image_set
from clipdesk.models.latents_names import LatentsName
from clipdesk.network.latents.activations import TopK
from clipdesk.network.latents.algebra import Latents
from clipdesk.network.latents.hooks import blocks_of
from clipdesk.network.latents.source import LatentsOf
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit

TURNS, STEPS, PICTURES = 3, 60, 4


def drawn(width: int, count: int) -> Latents:
    """A sparse autoencoder by chance: the 32 largest of each token."""
    generator = torch.Generator().manual_seed(0)
    encoder = torch.randn(width, count, generator=generator) / width**0.5
    return Latents(encoder, torch.zeros(count), encoder.T.contiguous(), torch.zeros(width), TopK(32))


def least(runs: Sequence[Callable[[], object]]) -> list[float]:
    """Seconds of the processor for each run: the least of its turns, which alternate."""
    seconds = [float("inf")] * len(runs)
    for _ in range(TURNS):
        for place, run in enumerate(runs):
            started = time.process_time()
            run()
            seconds[place] = min(seconds[place], time.process_time() - started)
    return seconds


def rendering(opened: OpenModel, layer: str) -> Callable[[], object]:
    """A render of some units of a layer."""
    targets, settings = [Unit(layer=layer, index=index) for index in range(PICTURES)], make_settings(iterations=STEPS)
    return lambda: deque(render(opened.network, targets, settings, inspector=opened.inspector), maxlen=0)


def surveying(opened: OpenModel, images: str) -> Callable[[], object]:
    """A survey of an image set that is kept nowhere."""
    return lambda: deque(scan(opened, open_image_set(images)), maxlen=0)


def main() -> None:
    """Print a row for each number of latents."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latents_cost", description="Time latents.")
    parser.add_argument("model", nargs="?", default="demo")
    parser.add_argument("--latents", type=int, nargs="+", default=[1_024, 49_152])
    parser.add_argument("--images", default="scenes:480")
    parser.add_argument("--survey-alone", action="store_true", help="Do not render.")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    plain = open_model(arguments.model, "cpu")
    base = blocks_of(plain.inspector.layers)[-2]
    print("| latents | render | survey | seconds of the survey |\n|---|---|---|---|")
    for count in arguments.latents:
        said = LatentsName("drawn by chance", layer=base.name, anyway=True)
        both = plain.with_read(drawn(base.units, count), said)
        layer = next(name for name, info in both.inspector.layers.items() if isinstance(info.source, LatentsOf))
        rendered = "-"
        if not arguments.survey_alone:
            neurons, latents = least([rendering(plain, base.name), rendering(both, layer)])
            rendered = f"{latents / neurons:.2f} x"
        without, with_it = least([surveying(plain, arguments.images), surveying(both, arguments.images)])
        times = f"{with_it / without:.2f} x | {with_it:.1f} instead of {without:.1f}"
        print(f"| {count:,} | {rendered} | {times} |", flush=True)


if __name__ == "__main__":
    main()
