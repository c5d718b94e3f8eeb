"""Measure what a long batch leaves behind: ``python -m benchmarks.soak``.

Renders very many small pictures in one process, as a batch over night does, with files and metadata. After every tenth
of them it prints the resident memory, the part of it in use, the open files and the threads. Then it prints the memory
of one more picture in a group, at common sizes.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import psutil

from clipdesk.jobs.events import Saved
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.service import QueueService
from clipdesk.models.loading import load_model
from clipdesk.models.names import parse_name
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.pool import default_pool
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Unit

_BATCH = 100
_GROUPS = 1, 17


def main() -> None:
    """Parse the command line, render, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="A very long batch, in small.")
    parser.add_argument("--model", default="demo")
    parser.add_argument("--pictures", type=int, default=1_000)
    parser.add_argument("--steps", type=int, default=4, help="steps of each picture")
    parser.add_argument("--sizes", type=int, nargs="*", default=[128, 224, 512], help="sides in pixels")
    arguments = parser.parse_args()
    # First, before large freed blocks could hide a leak.
    soak(arguments.model, arguments.pictures, arguments.steps)
    for size in arguments.sizes:
        print(f"{size} px: {per_picture(arguments.model, size):.1f} MB for each picture of a group", flush=True)


def soak(name: str, pictures: int, steps: int) -> None:
    """Render the pictures in batches of a hundred, each into its own folder."""
    opened = default_pool().open(parse_name(name))
    targets = units(opened.inspector)
    settings = make_settings(iterations=steps, image_size=64)
    sizes: list[float] = []
    started, made = time.monotonic(), 0
    while made < pictures:
        job = Job(model=opened.name, targets=tuple(islice(targets, min(_BATCH, pictures - made))), settings=settings)
        with tempfile.TemporaryDirectory() as folder, closing(QueueService(None, Here(opened=opened))) as service:
            service.add(job, Path(folder))
            made += sum(isinstance(step.event, Saved) for step in service.steps())
        if made * 10 // pictures > len(sizes):
            process = psutil.Process()
            held = resident()
            give_back()
            sizes.append(resident())
            print(
                f"{made} pictures, {made / (time.monotonic() - started):.0f} a second: {held:.1f} MB, "
                f"{sizes[-1]:.1f} MB of it in use, {process.num_fds()} files, {process.num_threads()} threads, "
                f"{threading.active_count()} of Python's",
                flush=True,
            )
    print(f"most in use after the first tenth: {max(sizes) / sizes[0] - 1:+.1%}")


def units(inspector: LayerInspector) -> Iterator[Target]:
    """Cycle through the units of the model's MLPs."""
    names = [name for name in inspector.get_layer_names() if name.endswith(("gelu", "relu3"))]
    layers = [inspector.visualizable(name) for name in names]
    while True:
        for info in layers:
            yield from (Unit(layer=info.name, index=index) for index in range(info.units))


def per_picture(name: str, size: int) -> float:
    """Memory of one more picture in megabytes, from the peaks of a large group and of a single picture."""
    model = load_model(name)
    settings = make_settings(iterations=3, image_size=size)
    peaks = []
    for count in _GROUPS:
        for _ in render(model, list(islice(units(LayerInspector(model)), count)), settings):
            pass
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return (peaks[1] - peaks[0]) / (_GROUPS[1] - _GROUPS[0])


def give_back() -> None:
    """Make the C library return the free part of its heap, which would otherwise hide leaks."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None  # glibc's
    if trim is not None:
        trim(0)


def resident() -> float:
    """Resident memory of this process in megabytes, after a garbage collection."""
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


if __name__ == "__main__":
    main()
