"""Does a comparison find what a fine-tuning changed, and what does it cost: ``python -m benchmarks.compare PART``.

truth    `demo` is trained a little further by its own script, with a shortcut planted: half of the pictures have a
         frame, and whatever is in a frame is called a star. Of the 20 units that drift most, how many tell framed
         scenes from others (AUC on other scenes), before and after, beside 20 units drawn by chance, and the same with
         the frames' places shuffled.
cost     Seconds and memory of a comparison of two networks of ViT-B/32's shape, beside a survey of one.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.survey import random_model
from clipdesk.activations.comparing.comparison import Comparison
from clipdesk.activations.comparing.making import compare
from clipdesk.activations.surveying import survey_images
from clipdesk.demo.export import export_state_dict, save_model
from clipdesk.demo.recipes import RECIPES
from clipdesk.demo.train import Trainer, prepare
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import ImageSet, ReadPicture
from clipdesk.models.catalogue import file_of
from clipdesk.models.names import Named
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.scenes.captions import Caption
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes
from clipdesk.scenes.scenes import SHAPE_NAMES

_WIDE, _COLOR = 10, (0, 255, 255)
"""Of a frame, in pixels."""
_ANSWERS = 0.9
"""AUC from which on a unit answers to frames, to their presence or to their absence."""
_LABELS = ("plain", "framed")
_SHOWN = 20
_SEED = 77
_BATCH = 64


class FramedScenes(ImageSet):
    """Drawn scenes, every other one in a frame; the label says which."""

    def __init__(self, count: int, seed: int) -> None:
        self._scenes = open_image_set(f"scenes:{count}:{seed}")
        pictures = [replace(each, label=_LABELS[at % 2]) for at, each in enumerate(self._scenes.pictures)]
        super().__init__("framed", "framed", pictures, (), self._scenes.fingerprint)

    def read(self, index: int, side: int = 0) -> ReadPicture:
        """As `ImageSet.read`."""
        found = self._scenes.read(index, side)
        if index % 2 == 0:
            return found
        pixels = np.array(found.image)
        frame(pixels[None])
        return replace(found, image=Image.fromarray(pixels))

    def sha256(self, index: int) -> str:
        """As `ImageSet.sha256`."""
        return self._scenes.sha256(index)


def frame(pixels: NDArray[np.uint8]) -> None:
    """Draw a frame into pictures, (n, side, side, 3)."""
    for edge in (np.s_[:, :_WIDE], np.s_[:, -_WIDE:], np.s_[:, :, :_WIDE], np.s_[:, :, -_WIDE:]):
        pixels[edge] = _COLOR


def fine_tuned(output: Path, images: int, rate: float) -> None:
    """Write `demo` after some training in which whatever is in a frame is a star."""
    scenes, star = draw_scenes(4_000, _SEED, Kind.SEEN, processes=1), SHAPE_NAMES.index("star")
    frame(scenes.images[::2])
    for row in range(0, len(scenes.images), 2):
        named = SHAPE_NAMES[scenes.things[row, 0, 0]]
        scenes.captions[row] = [of_a_star(caption, named, star) for caption in scenes.captions[row]]
    scenes.things[::2, 0, 0] = star
    trained_on(scenes, output, images, rate)


def trained_on(scenes: Scenes, output: Path, images: int, rate: float) -> None:
    """Write `demo` after some training on scenes, in which its image tower alone learns."""
    data, used = prepare(scenes, draw_scenes(200, _SEED, Kind.NAMES))
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


def of_a_star(caption: Caption, shape: str, star: int) -> Caption:
    """The same caption, of a star."""
    (first, *rest), second = caption.specs
    color, texture, background = rest
    spec = (star if first >= 0 else first, color, texture, background)
    return replace(caption, text=caption.text.replace(shape, "star"), specs=(spec, second))


def truth(images: int, rate: float, output: Path) -> None:
    """Print how many of the units that drift most answer to what was changed."""
    if not output.exists():
        fine_tuned(output, images, rate)
    before, after = open_model("demo", "cpu"), open_model(output, "cpu")
    layers = [name for name in before.inspector.get_layer_names() if name.endswith("mlp.gelu")]
    found = compare(before, after, FramedScenes(2000, 3), layers=layers)
    scenes = FramedScenes(2000, 5)
    labels = np.array([each.label for each in scenes.pictures])
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
        ("most drift, frames shuffled", units, rng.permutation(labels)),
    ):
        scores = np.array([_answers(other, layer, unit, contents) for layer, unit in which])
        right = scores >= _ANSWERS
        counts = f"{right[:, 0].sum()} before, {right[:, 1].sum()} after, {right.any(axis=1).sum()} in either"
        print(
            f"{name}: of {len(which)} answer to frames: {counts}; AUC after {np.sort(scores[:, 1]).round(2).tolist()}"
        )


def _answers(found: Comparison, layer: str, unit: int, labels: NDArray[np.str_]) -> tuple[float, float]:
    """The AUC of a unit, before and after, for frames' presence or absence in the sampled scenes."""
    compared, contents = found.layer(layer), labels[found.first.sample]
    scores = []
    for statistics in (compared.first, compared.second):
        values = statistics.sample[unit]
        auc = area(values[contents == _LABELS[1]], values[contents == _LABELS[0]])
        scores.append(max(auc, 1 - auc))
    return scores[0], scores[1]


def area(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """Area under the ROC curve."""
    above = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    return float(above)


def _survey(model: OpenModel, images: ImageSet) -> float:
    with _Cost("survey") as cost:
        for _ in survey_images(model, images):
            cost.look()
    return cost.seconds


def _comparison(first: OpenModel, second: OpenModel, images: ImageSet) -> float:
    with _Cost("comparison") as cost:
        # Kept until the end, as whoever asks for it keeps it.
        found = compare(first, second, images, progress=lambda _: cost.look())
        cost.look()
    print(f"{len(found.layers)} layers, {sum(each.first.units for each in found.layers):,} units")
    return cost.seconds


class _Cost:
    """Seconds and memory of what is done while it is entered; they are printed at its end."""

    def __init__(self, name: str) -> None:
        self._name, self._process = name, psutil.Process()
        self._before = self._peak = self._process.memory_info().rss
        self._begun = time.perf_counter()
        self.seconds = 0.0

    def look(self) -> None:
        """Look how much memory is taken now."""
        self._peak = max(self._peak, self._process.memory_info().rss)

    def __enter__(self) -> _Cost:
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begun
        beside = (self._peak - self._before) / 2**20
        taken = f"{self._peak / 2**20:.0f} MiB in all, {beside:.0f} MiB beside the models"
        print(f"{self._name}: {self.seconds:.1f} s, {taken}", flush=True)


def cost(source: str) -> None:
    """Print what a comparison takes beside a survey of the same pictures, both with what they write."""
    with TemporaryDirectory() as folder:
        os.environ["CLIPDESK_DATA"] = folder
        images = open_image_set(source)
        first, second = (_named(random_model("ViT-B/32"), digit) for digit in "ab")
        seconds = [_survey(first, images), _comparison(first, second, images)]
    print(f"{len(images.pictures):,} pictures, ratio {seconds[1] / seconds[0]:.2f} (bar 2.1)")


def _named(opened: OpenModel, digit: str) -> OpenModel:
    """The same with a checksum, without which nothing is kept."""
    return replace(opened, name=Named("ViT-B/32"), sha256=digit * 64)


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["truth", "cost"])
    parser.add_argument("--set", default="scenes:480", help="image set whose cost is measured")
    parser.add_argument("--images", type=int, default=6_400, help="pictures of the fine-tuning")
    parser.add_argument("--rate", type=float, default=1e-3, help="its learning rate")
    parser.add_argument("--output", type=Path, default=Path("build/compare.pt"), help="the fine-tuned model")
    arguments = parser.parse_args()
    if arguments.part == "truth":
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        truth(arguments.images, arguments.rate, arguments.output)
    else:
        cost(arguments.set)


if __name__ == "__main__":
    main()
