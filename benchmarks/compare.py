"""Does a comparison find what a fine-tuning changed, and what does it cost: ``python -m benchmarks.compare PART``.

truth    `demo` is trained a little further by its own script, with one thing changed: what is red is called green. Of
         the 20 units that drift most, how many tell red or green from the rest (AUC on other scenes), beside 20 units
         drawn by chance, and the same with the scenes' contents shuffled.
cost     Seconds and memory of a comparison of two networks of ViT-B/32's shape, beside a survey of one.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from benchmarks.survey import random_model
from clipdesk.activations.comparing.comparison import Comparison
from clipdesk.activations.comparing.making import compare
from clipdesk.activations.scan import scan
from clipdesk.demo.export import export_state_dict, save_model
from clipdesk.demo.recipes import RECIPES
from clipdesk.demo.train import Trainer, prepare
from clipdesk.imagesets.opening import open_image_set
from clipdesk.models.catalogue import file_of
from clipdesk.network.opened import OpenModel, open_model
from clipdesk.scenes.dataset import Kind, draw_scenes
from clipdesk.scenes.scenes import COLOR_NAMES

_CHANGED = ("red", "green")
_ANSWERS = 0.9
"""AUC from which on a unit answers to a colour, to its presence or to its absence."""
_SHOWN = 20
_SEED = 77
_BATCH = 64


def fine_tuned(output: Path, images: int, rate: float) -> None:
    """Write `demo` after some training in which red things are called green, by pictures and by captions."""
    data, used = prepare(draw_scenes(4_000, _SEED, Kind.SEEN, processes=1), draw_scenes(200, _SEED, Kind.NAMES))
    red, green = map(COLOR_NAMES.index, _CHANGED)
    for factors in (data.things, data.specs):
        colors = factors[..., 1]
        colors[colors == red] = green
    recipe = replace(RECIPES["demo"], rate=rate, noise=0.1, reading=0.02)
    trainer = Trainer(data, len(used), recipe, 0, torch.device("cpu"), begun=True)
    trainer.begin_with(torch.load(file_of("demo"), weights_only=True), used)
    # Pictures alone learn it, and from the texts alone: the head begins with random weights, and would move all units.
    for name, parameter in (*trainer.model.named_parameters(), *trainer.head.named_parameters()):
        parameter.requires_grad_(name.startswith("visual"))
    with torch.no_grad():
        trainer.head.weight.zero_()
    while trainer.seen < images:
        loss = trainer.step(_BATCH, images)
        if trainer.seen // _BATCH % 20 == 0:
            print(f"{trainer.seen} images, loss {loss:.2f}", flush=True)
    save_model(export_state_dict(trainer.model.state_dict(), used, 0), output)


def truth(images: int, rate: float, output: Path) -> None:
    """Print how many of the units that drift most answer to what was changed."""
    if not output.exists():
        fine_tuned(output, images, rate)
    before, after = open_model("demo", "cpu"), open_model(output, "cpu")
    layers = [name for name in before.inspector.get_layer_names() if name.endswith("mlp.gelu")]
    found = compare(before, after, "scenes:2000", layers=layers)
    scenes = open_image_set("scenes:2000:5")
    labels = np.array([each.label.split()[0] for each in scenes.pictures])
    other = compare(before, after, scenes, layers=layers)
    drifted, moved = found.drifted(_SHOWN), found.drifted(_SHOWN, sort="moved")
    units, far = ([(each.layer.first, each.unit) for each in chosen] for chosen in (drifted, moved))
    rng = np.random.default_rng(0)
    chance = [layers[rng.integers(len(layers))] for _ in units]
    drawn = [(layer, int(rng.integers(found.layer(layer).first.units))) for layer in chance]
    everything = np.concatenate([each.drift for each in found.layers])
    print(f"drift: median {np.nanmedian(everything):.3f}, of the {_SHOWN}: {drifted[-1].drift:.3f} and more")
    for name, which, contents in (
        ("most drift", units, labels),
        ("moved most", far, labels),
        ("drawn by chance", drawn, labels),
        ("moved most, contents shuffled", far, rng.permutation(labels)),
    ):
        scores = [_answers(other, layer, unit, contents) for layer, unit in which]
        right = sum(score >= _ANSWERS for score in scores)
        print(f"{name}: {right} of {len(which)} answer to what changed; AUC {', '.join(f'{s:.2f}' for s in scores)}")


def _answers(found: Comparison, layer: str, unit: int, labels: NDArray[np.str_]) -> float:
    """The best AUC of a unit, before or after, for either colour's presence or absence in the sampled scenes."""
    compared = found.layer(layer)
    best = 0.0
    for statistics in (compared.first, compared.second):
        values, contents = statistics.sample[unit], labels[found.first.sample]
        for color in _CHANGED:
            auc = _auc(values[contents == color], values[contents != color])
            best = max(best, auc, 1 - auc)
    return best


def _auc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    above = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    return float(above)


def cost(count: int) -> None:
    """Print what a comparison takes beside a survey of the same pictures."""
    images = open_image_set(f"scenes:{count}")
    first, second = random_model("ViT-B/32"), random_model("ViT-B/32")
    second = OpenModel.of(second.network)
    process, seconds = psutil.Process(), []
    for part in ("survey", "comparison"):
        before, peak, begun = process.memory_info().rss, 0, time.perf_counter()
        if part == "survey":
            for _ in scan(first, images):
                peak = max(peak, process.memory_info().rss)
        else:

            def look(_: object) -> None:
                nonlocal peak
                peak = max(peak, process.memory_info().rss)

            compare(first, second, images, progress=look)
        peak = max(peak, process.memory_info().rss)
        seconds.append(time.perf_counter() - begun)
        taken = f"{peak / 2**20:.0f} MiB in all, {(peak - before) / 2**20:.0f} MiB beside the models"
        print(f"{part}: {seconds[-1]:.1f} s, {taken}", flush=True)
    print(f"ratio {seconds[1] / seconds[0]:.2f} (bar 2.1)")


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["truth", "cost"])
    parser.add_argument("--count", type=int, default=480, help="pictures whose cost is measured")
    parser.add_argument("--images", type=int, default=6_400, help="pictures of the fine-tuning")
    parser.add_argument("--rate", type=float, default=3e-4, help="its learning rate")
    parser.add_argument("--output", type=Path, default=Path("build/compare.pt"), help="the fine-tuned model")
    arguments = parser.parse_args()
    if arguments.part == "truth":
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        truth(arguments.images, arguments.rate, arguments.output)
    else:
        cost(arguments.count)


if __name__ == "__main__":
    main()
