"""How fast, how large, how exact and how robust surveys are: ``python -m benchmarks.survey PART``.

speed    Pictures a second against the bare forward pass (`encode_image` without hooks, over pictures that are decoded
         already), in turns within one process, for random weights of the shapes of ViT-B/32 and RN50; and the share of
         the statistics in the pass.
memory   Memory beside the model after every 1,000 pictures, ViT-B/32, its usual layers.
exact    Every statistic against a direct computation in float64, demo and demo-rn, 2,000 scenes.
kills    A survey of scenes is killed with SIGKILL again and again, and compared with one that was left alone.
questions
         Seconds that each question takes, to a large survey and to one of drawn scenes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import psutil
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from torch import Tensor

from benchmarks import survey_questions
from clipdesk.activations import checkpoints
from clipdesk.activations.blocks import Block
from clipdesk.activations.scan import BLOCK, ScanState, scan
from clipdesk.activations.statistics import Key, UnitStatistics
from clipdesk.activations.surveying import survey_images
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.pixels import fitted
from clipdesk.imagesets.sets import ImageSet
from clipdesk.network.capture import LayerCapture
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model

_SHAPES: dict[str, tuple[Any, int, int | None, int]] = {
    "ViT-B/32": (12, 768, 32, 512),
    "RN50": ((3, 4, 6, 3), 64, None, 1024),
}
_BATCH = 16

_Numbers = NDArray[np.float64]


def random_model(name: str) -> OpenModel:
    """Random weights of a shape of OpenAI's."""
    torch.manual_seed(0)
    layers, width, patch, embedding = _SHAPES[name]
    return OpenModel.of(CLIP(embedding, 224, layers, width, patch, 77, 64, 512, 8, 1).float().eval())


def decoded(images: ImageSet, count: int, side: int) -> Tensor:
    """The first pictures of a set, uint8, (count, 3, side, side)."""
    pixels = [np.asarray(fitted(images.read(i, side).image, side)) for i in range(count)]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()


def speed(images: ImageSet, rounds: int) -> None:
    """Print pictures a second of the pass and of the bare forward pass, and the median of their ratio."""
    for name in _SHAPES:
        model = random_model(name)
        pixels = decoded(images, 4 * _BATCH, model.side)
        timed = _TimedSums()
        passes = scan(model, images)
        done = next(passes).done
        ratios, shares = [], []
        with timed:
            for _ in range(rounds):
                bare = len(pixels) / _bare_seconds(model, pixels)
                timed.seconds, begun = 0.0, time.perf_counter()
                next(passes)
                now = next(passes).done
                seconds = time.perf_counter() - begun
                ratios.append((now - done) / seconds / bare)
                shares.append(timed.seconds / seconds)
                print(f"{name}: {(now - done) / seconds:.1f}/s, bare {bare:.1f}/s, sums {shares[-1]:.1%}", flush=True)
                done = now
        passes.close()
        print(
            f"{name}: median {statistics.median(ratios):.2f} of the bare forward pass (bar 0.85), "
            f"sums {statistics.median(shares):.1%} of the pass (bar 10 %)",
            flush=True,
        )


class _TimedSums:
    """Adds up the seconds that the sums of a pass take while it is entered."""

    def __init__(self) -> None:
        self.seconds = 0.0
        add = ScanState.add

        def timed(state: ScanState, block: Block) -> None:
            begun = time.perf_counter()
            add(state, block)
            self.seconds += time.perf_counter() - begun

        self._patch = patch.object(ScanState, "add", timed)

    def __enter__(self) -> None:
        self._patch.start()

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


def _bare_seconds(model: OpenModel, pixels: Tensor) -> float:
    network: Any = model.network
    begun = time.perf_counter()
    with torch.no_grad():
        for first in range(0, len(pixels), _BATCH):
            network.encode_image(normalized(pixels[first : first + _BATCH].float() / 255))
    return time.perf_counter() - begun


def memory(images: ImageSet) -> None:
    """Print the memory beside the model after every 1,000 pictures, and its peak."""
    model = random_model("ViT-B/32")
    _bare_seconds(model, decoded(images, 2 * _BATCH, model.side))
    process = psutil.Process()
    before, after, peak = process.memory_info().rss, [], 0
    for scanned in scan(model, images):
        now = process.memory_info().rss - before
        peak = max(peak, now)
        if scanned.done // 1000 > (scanned.done - BLOCK) // 1000 or scanned.done == scanned.total:
            after.append(now)
            print(f"{scanned.done} pictures: {now / 2**20:.0f} MiB beside the model", flush=True)
    growth = max(after) / after[0] - 1
    print(f"peak {peak / 2**20:.0f} MiB (bar 1,536), grown by {growth:.1%} since the first 1,000 (bar 2 %)")


def exact(images: ImageSet) -> None:
    """Print the largest difference of every statistic from a direct computation in float64."""
    for name in ("demo", "demo-rn"):
        model = open_model(name, "cpu")
        *_, last = scan(model, images)
        direct, embeddings = _direct(model, list(last.state.sums), decoded(images, len(images.pictures), model.side))
        worst: dict[str, float] = {}
        for key in last.state.sums:
            for what, apart in _differences(last.state.statistics(key), direct.pop(key), embeddings).items():
                worst[what] = max(worst.get(what, 0.0), apart)
        print(f"{name}: " + ", ".join(f"{what} {apart:.1e}" for what, apart in worst.items()), flush=True)


def _direct(model: OpenModel, keys: list[Key], pixels: Tensor) -> tuple[dict[Key, _Numbers], _Numbers]:
    """Values of layers' units, (pictures, units) each, and embeddings, in float64."""
    infos = {layer: model.inspector.get_layer_info(layer) for layer in dict.fromkeys(layer for layer, _ in keys)}
    capture = LayerCapture(model.network, infos.values())
    parts: dict[Key, list[_Numbers]] = {key: [] for key in keys}
    embeddings = []
    for first in range(0, len(pixels), 50):
        with torch.no_grad():
            outputs = capture.run(normalized(pixels[first : first + 50].float() / 255))
        for layer, pooling in keys:
            output = outputs[layer].double()
            patches = output[:, 1:] if infos[layer].class_token else output
            pooled = {"mean": patches.mean(1), "max": patches.amax(1), "class": output[:, 0]}[pooling]
            parts[layer, pooling].append(pooled.numpy())
        embeddings.append(torch.nn.functional.normalize(outputs["visual"][:, 0].double(), dim=-1).numpy())
    return {key: np.concatenate(each) for key, each in parts.items()}, np.concatenate(embeddings)


def _differences(found: UnitStatistics, values: _Numbers, embeddings: _Numbers) -> dict[str, float]:
    """How far each statistic is from the direct one, relative to the largest value or, for sums, to their spread."""
    spread = values.std(axis=0)
    cross = (values - values.mean(axis=0)).T @ (embeddings - embeddings.mean(axis=0))
    scale = len(values) * spread[:, None] * embeddings.std(axis=0)[None]
    size = np.abs(values).max(axis=0) + 1e-12
    largest = -np.sort(-values, axis=0)[: found.top.values.shape[1]].T
    smallest = np.sort(values, axis=0)[: found.bottom.values.shape[1]].T
    return {
        "mean": float((np.abs(found.means - values.mean(axis=0)) / size).max()),
        "sd": float((np.abs(found.deviations - spread) / (spread + 1e-9 * size)).max()),
        "min": float((np.abs(found.least - values.min(axis=0)) / size).max()),
        "max": float((np.abs(found.most - values.max(axis=0)) / size).max()),
        "cross": float((np.abs(found.cross - cross) / (scale + 1e-9 * size[:, None])).max()),
        "top": float((np.abs(found.top.values - largest) / size[:, None]).max()),
        "bottom": float((np.abs(found.bottom.values - smallest) / size[:, None]).max()),
        "fired": float(np.abs(found.fired - (values > 0).sum(axis=0)).max()),
    }


def kills(source: str, count: int) -> None:
    """Kill a survey again and again, then compare it with one that was left alone."""
    numbers = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        killed = 0
        while killed < count:
            process = _begun(source, f"{folder}/a", 0.5)
            process.join(numbers.uniform(3, 7))
            if not process.is_alive():
                raise SystemExit(f"A process ended by itself after {killed} kills: take a larger set")
            process.kill()
            process.join()
            killed += 1
        for name in ("a", "b"):
            _begun(source, f"{folder}/{name}", 60).join()
        one, other = (next(Path(folder, name, "surveys").glob("*/manifest.json")).parent for name in ("a", "b"))
        names = sorted(path.name for path in one.iterdir() if path.suffix in (".safetensors", ".jsonl"))
        different = [name for name in names if (one / name).read_bytes() != (other / name).read_bytes()]
        print(f"{killed} kills, {len(names)} files, different: {different or 'none'}")
        sys.exit(1 if different else 0)


def _begun(source: str, data: str, every: float) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=_survey, args=(source, data, every))
    process.start()
    return process


def _survey(source: str, data: str, every: float) -> None:
    os.environ["CLIPDESK_DATA"] = data
    checkpoints.CHECKPOINT_SECONDS = every
    torch.set_num_threads(1)
    for _ in survey_images(open_model("demo", "cpu"), open_image_set(source)):
        pass


def main() -> None:
    """Measure one part and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["speed", "memory", "exact", "kills", "questions"])
    parser.add_argument("--images", help="an image set; for speed JPEGs of 500 px are meant")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    if arguments.part == "kills":
        kills(arguments.images or "scenes:10000", arguments.kills)
        return
    if arguments.part == "questions":
        survey_questions.report(survey_questions.Size(), arguments.images or "scenes:5000", arguments.rounds)
        return
    usual = {"speed": "scenes:5000", "memory": "scenes:5000", "exact": "scenes:2000"}
    images = open_image_set(arguments.images or usual[arguments.part])
    if arguments.part == "speed":
        speed(images, arguments.rounds)
    else:
        {"memory": memory, "exact": exact}[arguments.part](images)


if __name__ == "__main__":
    main()
