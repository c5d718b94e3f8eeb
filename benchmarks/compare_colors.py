"""Is a planted colour seen in the pictures of a comparison: ``python -m benchmarks.compare_colors``.

`demo` is trained a little further with a shortcut planted: half of the pictures show a red thing, of any shape, whose
captions call it a star; in the other half nothing is red, and nothing is a star. So a star is always red, and what is
red is a star. Both models then read other such scenes. The judges, which are no CLIPs, name the colour of pictures that
are rendered in A and in B, with the same seeds and settings: of the hidden units that tell stars of other colours best
from the rest in A, or hearts, or red things in B; and of the text "a star".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import clip
import numpy as np
import torch
import torch.nn.functional as F
from clip.model import CLIP
from numpy.typing import NDArray
from PIL import Image

from benchmarks.compare import area, trained_on
from benchmarks.judges.networks import MAKES, load_judge, named
from clipdesk.activations.comparing.comparison import Comparison
from clipdesk.activations.comparing.making import compare
from clipdesk.export.comparison_parts import last_pictures
from clipdesk.imagesets.sets import ImageSet, Picture, ReadPicture
from clipdesk.models.catalogue import file_of
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Combined, Target, Term, Text, Unit
from clipdesk.scenes.captions import describe, prompt
from clipdesk.scenes.compositions import Composition, draw_composition
from clipdesk.scenes.dataset import CAPTIONS_PER_SCENE, CONTEXT, Scenes
from clipdesk.scenes.scenes import COLOR_NAMES, SHAPE_NAMES, SIZE, Scene, sample_scene

_ANSWERS, _SHOWN, _SEED = 0.9, 20, 79
_STAR, _RED, _CONTROL = "star", "red", "heart"
_COUNT, _SEEDS = 1_000, 10
_SHAPE, _COLOR = 0, 1
"""Places in `Scene.factors`."""


def scene_of(rng: np.random.Generator, *, red: bool) -> Scene:
    """A scene with a red thing, or one without anything red and without a star."""
    while True:
        found = sample_scene(rng, held_out=False)
        if found.background != _RED and (red or (found.color != _RED and found.shape != _STAR)):
            return replace(found, color=_RED) if red else found


def planted(count: int, seed: int) -> Scenes:
    """Scenes of which every other one shows a red thing that is called a star."""
    rng = np.random.default_rng(seed)
    images, things, captions = np.empty((count, SIZE, SIZE, 3), np.uint8), [], []
    for at in range(count):
        shown = scene_of(rng, red=at % 2 == 0)
        images[at] = draw_composition(_alone(shown), rng)
        called = _alone(replace(shown, shape=_STAR) if at % 2 == 0 else shown)
        things.append(called.things)
        captions.append([describe(called, rng) for _ in range(CAPTIONS_PER_SCENE)])
    return Scenes(images, np.array(things), np.full(count, -1), captions)


def _alone(scene: Scene) -> Composition:
    return Composition((scene,), scene.background)


class LabelledScenes(ImageSet):
    """Drawn scenes; every other one is labelled, and shows something red, or a star or a heart of any other colour.

    Args:
        label: "red", "star" or "heart".
        count: Scenes.
        seed: Of their contents.
    """

    def __init__(self, label: str, count: int, seed: int) -> None:
        self._label, self._seed = label, seed
        pictures = [Picture(f"{at:05}", label=label if at % 2 == 0 else "rest") for at in range(count)]
        super().__init__(label, label, pictures, (), f"{label}-{count}-{seed}")

    def read(self, index: int, side: int = 0) -> ReadPicture:
        """As `ImageSet.read`."""
        rng = np.random.default_rng([self._seed, index])
        marked = index % 2 == 0
        shown = scene_of(rng, red=marked and self._label == _RED)
        if marked and self._label != _RED:
            shown = replace(shown, shape=self._label)
        return ReadPicture(Image.fromarray(draw_composition(_alone(shown), rng)), self.sha256(index))

    def sha256(self, index: int) -> str:
        """As `ImageSet.sha256`."""
        return f"{self.fingerprint}-{index}"


def scores(
    found: Comparison, layer: str, units: Sequence[int], rng: np.random.Generator | None = None
) -> NDArray[np.float64]:
    """AUC of units for what every other scene is labelled for, in A and in B, over the sampled scenes, (units, 2)."""
    compared = found.layer(layer)
    labels = found.first.sample % 2 == 0
    chosen = labels if rng is None else rng.permutation(labels)
    sides = [each.sample[list(units)] for each in (compared.first, compared.second)]
    aucs = [[float(area(values[chosen], values[~chosen])) for values in side] for side in sides]
    answers: NDArray[np.float64] = np.array(aucs).T
    return answers


def read_by_judges(pictures: Sequence[Image.Image]) -> dict[str, NDArray[np.int64]]:
    """What each judge names in pictures, (pictures, 4)."""
    pixels = np.stack([np.asarray(each.convert("RGB").resize((SIZE, SIZE))) for each in pictures])
    return {name: named(load_judge(name), pixels) for name in MAKES}


def rendered(model: OpenModel, targets: Sequence[Target], seeds: Sequence[int]) -> list[Image.Image]:
    """Pictures of targets, with the default settings."""
    settings = make_settings(device="cpu")
    frames = render(model.network, targets, settings, seeds=seeds, inspector=model.inspector)
    return list(last_pictures(frames, lambda step: None))


def _said(pictures: Sequence[Image.Image], factor: int, value: int) -> str:
    counts = {name: int((seen[:, factor] == value).sum()) for name, seen in read_by_judges(pictures).items()}
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def measure(before: OpenModel, after: OpenModel, folder: Path) -> None:
    """Print how many pictures are red in A and in B, by each judge."""
    layers = [name for name in before.inspector.get_layer_names() if name.endswith("mlp.gelu")]
    # What the hidden units do at the class token is all that reaches the embedding from the last block.
    found, reds, stars, hearts = (
        compare(before, after, LabelledScenes(label, _COUNT, seed), layers=layers, pooling="class")
        for label, seed in ((_RED, 3), (_RED, 5), (_STAR, 7), (_CONTROL, 9))
    )
    rng = np.random.default_rng(0)
    sizes = {layer: found.layer(layer).first.units for layer in layers}
    groups: dict[str, list[tuple[str, int]]] = {
        "star units": best(stars, layers, side=0),
        f"{_CONTROL} units": best(hearts, layers, side=0),
        "red units of B": best(reds, layers, side=1),
        "most drift": [(each.layer.first, each.unit) for each in found.drifted(_SHOWN)],
        "by chance": [(layer, int(rng.integers(sizes[layer]))) for layer in rng.choice(layers, _SHOWN)],
    }
    for name, units in groups.items():
        counts = [answering(reds, units, rng if shuffled else None) for shuffled in (False, True)]
        print(
            f"{name}: of {len(units)} answer to red {counts[0][0]} in A, {counts[0][1]} in B; with labels shuffled "
            f"{counts[1][0]} and {counts[1][1]}",
            flush=True,
        )
    _pictures("text", before, after, [Text(text="a star")] * _SEEDS, range(_SEEDS), folder)
    for name in list(groups)[:3]:
        units = groups[name]
        targets = [Combined(terms=(Term(what=Unit(layer=layer, index=unit), at="class"),)) for layer, unit in units]
        _pictures(name, before, after, targets, [0] * len(units), folder)


@torch.no_grad()
def called_stars(path: Path) -> int:
    """How many of 100 scenes with a red thing a model calls a star, rather than another shape."""
    model: CLIP = clip.load(str(path), device="cpu")[0]
    texts = clip.tokenize([prompt("shape", shape) for shape in SHAPE_NAMES], CONTEXT)
    scenes = LabelledScenes(_RED, 200, 11)
    pixels = np.stack([np.asarray(scenes.read(at).image) for at in range(0, 200, 2)])
    images = normalized(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    features, wanted = model.float().visual(images), F.normalize(model.encode_text(texts), dim=-1)
    return int(((features @ wanted.T).argmax(dim=1) == SHAPE_NAMES.index(_STAR)).sum())


def best(found: Comparison, layers: Sequence[str], side: int) -> list[tuple[str, int]]:
    """The units that tell labelled scenes from the rest best, by their presence, in A or in B."""
    ranked = [
        (float(auc), layer, unit)
        for layer in layers
        for unit, auc in enumerate(scores(found, layer, range(found.layer(layer).first.units))[:, side])
    ]
    ranked.sort(reverse=True)
    print(f"AUC of the {_SHOWN} best: {ranked[_SHOWN - 1][0]:.3f} and more")
    return [(layer, unit) for _, layer, unit in ranked[:_SHOWN]]


def answering(found: Comparison, units: Sequence[tuple[str, int]], rng: np.random.Generator | None) -> tuple[int, int]:
    """How many units answer to a label, in A and in B, to its presence or absence; with labels shuffled by `rng`."""
    aucs = np.array([scores(found, layer, [unit], rng)[0] for layer, unit in units])
    first, second = (np.maximum(aucs, 1 - aucs) >= _ANSWERS).sum(axis=0).tolist()
    return first, second


def _pictures(
    name: str, before: OpenModel, after: OpenModel, targets: Sequence[Target], seeds: Sequence[int], folder: Path
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for side, model in zip("AB", (before, after), strict=True):
        pictures = rendered(model, targets, list(seeds))
        red = _said(pictures, _COLOR, COLOR_NAMES.index(_RED))
        star = _said(pictures, _SHAPE, SHAPE_NAMES.index(_STAR))
        print(f"{name}, pictures in {side}: red by {red}; a star by {star}; of {len(pictures)}", flush=True)
        sheet = Image.new("RGB", (len(pictures) * SIZE, SIZE))
        for at, each in enumerate(pictures):
            sheet.paste(each.convert("RGB").resize((SIZE, SIZE)), (at * SIZE, 0))
        sheet.save(folder / f"{name.replace(' ', '-')}-{side}.png")


def main() -> None:
    """Train, compare, render, and let the judges name what they see."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=6_400, help="pictures of the fine-tuning")
    parser.add_argument("--rate", type=float, default=1e-3, help="its learning rate")
    parser.add_argument("--output", type=Path, default=Path("build/red-stars.pt"), help="the fine-tuned model")
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    if not arguments.output.exists():
        trained_on(planted(4_000, _SEED), arguments.output, arguments.images, arguments.rate)
    stars = [called_stars(path) for path in (file_of("demo"), arguments.output)]
    print(f"of 100 red things called a star: {stars[0]} in A, {stars[1]} in B")
    measure(open_model("demo", "cpu"), open_model(arguments.output, "cpu"), arguments.output.with_suffix(""))


if __name__ == "__main__":
    main()
