"""Are latents clearer than neurons? ``python -m benchmarks.latents MODEL [FOLDER]`` prints it as a card's tables.

Of the sparse autoencoder in a folder, by default the shipped one, on scenes that no training has seen:

fit        R², latents active at a token, and the share that is never active, on scenes of held-out pairs.
selective  How many latents tell one concept from the rest, beside the neurons of the layer that they read and those of
           all blocks: units whose mean over all positions has an AUC of at least 0.95, each for its best concept.
rendered   With ``--render N``: pictures of the N most selective latents and of as many neurons of the layer, at most
           ``--per-concept`` for a concept; the share in which each judge names the concept. With ``--whole``, latents
           are rendered twice: with the gradient that turns activations, as ClipDesk renders by default, and with the
           whole one. With ``--best-of M``, pictures of M seeds, and those that the check scores highest, which the
           other embedded model reads, as `clipdesk render --best-of M` keeps them.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from torch import nn

from benchmarks.check_pictures import IMAGES, survey_with
from benchmarks.judges import MAKES
from benchmarks.quality.measures import recovered
from benchmarks.quality.methods import Preset
from benchmarks.quality.questions import PER_CONCEPT, Question
from clipdesk.activations.checking.picture import check_picture
from clipdesk.activations.checking.second import SecondReader
from clipdesk.activations.checking.usual import usual_reader
from clipdesk.activations.showing import ShownPictures
from clipdesk.demo.evaluate import HELD_OUT_SEED
from clipdesk.demo.selectivity import CONCEPTS, areas_under_curves, concepts_shown, layer_groups, unit_activations
from clipdesk.models.loading import load_model
from clipdesk.network.capture import LayerCapture
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.latents.algebra import Latents, Tokens
from clipdesk.network.latents.fitting import Fit, fit_of
from clipdesk.network.latents.opening import read_latents
from clipdesk.network.latents.source import chosen
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.paths import resource
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from clipdesk.scenes.captions import FACTORS
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes

AUC = 0.95
_BATCH, _GROUP = 100, 16

Areas = NDArray[np.float64]


def shipped(model: str) -> Path:
    """The folder of the sparse autoencoder that comes with an embedded model."""
    return resource(f"latents/{model}")


@torch.no_grad()
def token_rows(model: nn.Module, latents: Latents, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The activations that latents read, (images, tokens, width), of images of the model's input size.

    Args:
        model: The model.
        latents: The latents.
        images: uint8, (images, side, side, 3).
    """
    info = LayerInspector(model).visualizable(latents.layer)
    capture, parts, device = LayerCapture(model, [info]), [], next(model.parameters()).device
    for start in range(0, len(images), _BATCH):
        pixels = torch.from_numpy(np.array(images[start : start + _BATCH])).permute(0, 3, 1, 2).to(device).float() / 255
        output = capture.run(normalized(pixels))[info.name]
        parts.append(chosen(output, info, latents.tokens or Tokens.ALL).cpu().numpy())
    return np.concatenate(parts)


def fit_on(model: CLIP, latents: Latents, images: NDArray[np.uint8]) -> Fit:
    """The fit on all tokens of some images of the model's input size, uint8, (images, side, side, 3)."""
    return fit_of(latents, torch.from_numpy(token_rows(model, latents, images)))


@torch.no_grad()
def latent_means(latents: Latents, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each latent's mean over the tokens of an image, (images, latents)."""
    parts = [latents.encode(torch.from_numpy(part)).mean(dim=1) for part in np.array_split(rows, -(-len(rows) // 50))]
    return torch.cat(parts).numpy()


@dataclass(frozen=True)
class Selective:
    """How selective some units are.

    Attributes:
        name: What they are called.
        areas: (concepts, units), of `CONCEPTS`.
    """

    name: str
    areas: Areas

    @property
    def counts(self) -> dict[str, int]:
        """How many tell one concept from the rest, by the factor of their best concept."""
        factors = np.array([factor for factor, _ in CONCEPTS])
        best = factors[self.areas.argmax(axis=0)[self.areas.max(axis=0) >= AUC]]
        return {factor: int((best == factor).sum()) for factor in FACTORS}

    @property
    def concepts(self) -> int:
        """How many concepts at least one unit tells from the rest."""
        return int((self.areas.max(axis=1) >= AUC).sum())

    def row(self) -> list[str]:
        """A row of the table."""
        counts = self.counts
        together = sum(counts.values())
        count = self.areas.shape[1]
        share = f"{together} ({100 * together / count:.1f} %)"
        return [f"{self.name}, {count} units", *map(str, counts.values()), share, f"{self.concepts} of {len(CONCEPTS)}"]

    def first(self, count: int, each: int = PER_CONCEPT) -> list[tuple[int, int]]:
        """The most selective, as concept and unit: at most so many for `each` concept, each unit once."""
        found: list[tuple[int, int]] = []
        taken: dict[int, int] = {}
        for unit in np.argsort(-self.areas.max(axis=0), kind="stable").tolist():
            concept = int(self.areas[:, unit].argmax())
            if taken.get(concept, 0) < each:
                taken[concept] = taken.get(concept, 0) + 1
                found.append((concept, unit))
        return found[:count]


def compared(model: CLIP, latents: Latents, scenes: Scenes) -> list[Selective]:
    """Latents, the neurons of their layer, and those of the model's other groups of layers."""
    shown = concepts_shown(scenes.factors)
    groups = {
        "neurons of the layer": [latents.layer],
        **{f"all: {k}": names for k, names in layer_groups(model).items()},
    }
    activations = unit_activations(model, sorted({name for names in groups.values() for name in names}), scenes.images)
    means = latent_means(latents, token_rows(model, latents, scenes.images))
    of_layers = {name: areas_under_curves(values, shown) for name, values in activations.items()}
    beside = [(group, np.concatenate([of_layers[each] for each in names], axis=1)) for group, names in groups.items()]
    return [Selective("latents", areas_under_curves(means, shown)), *(Selective(*each) for each in beside)]


def questions(chosen_units: Sequence[tuple[int, int]], layer: str) -> list[Question]:
    """What units, as `Selective.first` gives them, are to show; the target of a latent has its number."""
    asked = []
    for concept, unit in chosen_units:
        factor, value = CONCEPTS[concept]
        asked.append(Question(Unit(layer=layer, index=unit), "unit", {factor: FACTORS[factor].index(value)}))
    return asked


def render_latents(
    opened: OpenModel, latents: Latents, units: Sequence[int], preset: str, seed: int, *, gradient: str
) -> NDArray[np.uint8]:
    """A picture of each latent, uint8, (units, side, side, 3).

    Args:
        opened: The model with the latents.
        latents: The latents.
        units: Which.
        preset: Name of the preset.
        seed: Of the first pictures.
        gradient: `RenderSettings.latent_gradient`.
    """
    layer, settings, parts = f"{latents.layer}.latents", make_settings(preset, latent_gradient=gradient), []
    for start in range(0, len(units), _GROUP):
        targets = [Unit(layer=layer, index=unit) for unit in units[start : start + _GROUP]]
        seeds = [seed * 1_000 + start + place for place in range(len(targets))]
        frames = render(opened.network, targets, settings, seeds=seeds, inspector=opened.inspector)
        parts.append(deque(frames, maxlen=1).pop().images())
    return np.concatenate(parts)


def scores(
    opened: OpenModel, targets: Sequence[Unit], images: NDArray[np.uint8], surveyed: str = IMAGES
) -> NDArray[np.float64]:
    """What the check scores pictures of latents of an embedded model, (pictures,); -inf where it has no score.

    Args:
        opened: The model with the latents.
        targets: Those of the pictures, all of one layer.
        images: The pictures, uint8, (pictures, side, side, 3).
        surveyed: The images of the survey that the check asks.
    """
    folder, survey = survey_with(opened, [targets[0].layer], surveyed)
    read, usual = ShownPictures(folder, survey, opened.side).read, usual_reader(opened.name)
    second = None if usual is None else SecondReader(open_model(str(usual)), survey, read)
    found = [
        check_picture(opened, survey, target, image, read=read, reader=second).score
        for target, image in zip(targets, images, strict=True)
    ]
    return np.array([-np.inf if np.isnan(each) else each for each in found], dtype=np.float64)


def seed_by_seed(
    opened: OpenModel, latents: Latents, units: Sequence[int], preset: str, seeds: Sequence[int], surveyed: str = IMAGES
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """The pictures of each seed, and of this and the seeds before it those that the check scores highest.

    Args:
        opened: The model with the latents.
        latents: The latents.
        units: Which.
        preset: Name of the preset.
        seeds: Of the first pictures.
        surveyed: The images of the survey that the check asks.

    Yields:
        Both uint8, (units, side, side, 3).
    """
    targets = [Unit(layer=f"{latents.layer}.latents", index=unit) for unit in units]
    images, found = list[NDArray[np.uint8]](), list[NDArray[np.float64]]()
    for seed in seeds:
        images.append(render_latents(opened, latents, units, preset, seed, gradient="turning"))
        found.append(scores(opened, targets, images[-1], surveyed))
        yield images[-1], np.stack(images)[np.argmax(found, axis=0), np.arange(len(units))]


def print_best(model: str, latents: Latents, of_latents: Selective, asked: argparse.Namespace) -> None:
    """Print in how many pictures of latents the judges name the concept, seed by seed, and of the best of the seeds."""
    opened = open_model(model).with_latents("shipped" if asked.folder is None else asked.folder)
    most = of_latents.first(asked.render, asked.per_concept)
    seeds = range(asked.seed, asked.seed + asked.best_of)
    made = seed_by_seed(opened, latents, [unit for _, unit in most], asked.preset, seeds)
    for count, (images, kept) in enumerate(made, 1):
        _print_shares(f"latents, seed {seeds[count - 1]}", questions(most, latents.layer), images)
        _print_shares(f"latents, best of {count}", questions(most, latents.layer), kept)


def print_pictures(
    model: CLIP, latents: Latents, of_latents: Selective, of_neurons: Selective, asked: argparse.Namespace
) -> None:
    """Print in how many pictures of latents and of neurons each judge names the concept."""
    print_row("pictures that show the concept", "pictures", *MAKES, "lowest", head=True)
    most = of_latents.first(asked.render, asked.per_concept)
    opened, units = OpenModel.of(model).with_latents(latents), [unit for _, unit in most]
    for gradient in ("turning", "whole") if asked.whole else ("turning",):
        images = render_latents(opened, latents, units, asked.preset, asked.seed, gradient=gradient)
        _print_shares(f"latents, the {gradient} gradient", questions(most, latents.layer), images)
    neurons = questions(of_neurons.first(asked.render, asked.per_concept), latents.layer)
    images = Preset(asked.preset).render(model, [question.target for question in neurons], asked.seed)
    _print_shares("neurons of the layer", neurons, images)


def _print_shares(name: str, asked: list[Question], images: NDArray[np.uint8]) -> None:
    shares = [float(right.mean()) for right in recovered(asked, images).values()]
    print_row(name, str(len(asked)), *(f"{100 * share:.0f} %" for share in (*shares, min(shares))))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latents", description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="name of an embedded model")
    parser.add_argument("folder", nargs="?", type=Path, help="a sparse autoencoder [the shipped one]")
    parser.add_argument("--scenes", type=int, default=4_000)
    parser.add_argument("--render", type=int, default=0, metavar="N", help="pictures of latents, and of neurons")
    parser.add_argument("--per-concept", type=int, default=PER_CONCEPT, metavar="N", help="most pictures of a concept")
    parser.add_argument("--whole", action="store_true", help="render latents with the whole gradient, too")
    parser.add_argument("--best-of", type=int, default=1, metavar="M", help="seeds of which the best picture is kept")
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    model = load_model(asked.model).float()
    latents = read_latents(asked.folder or shipped(asked.model))
    fit = fit_on(model, latents, draw_scenes(max(100, asked.scenes // 4), HELD_OUT_SEED, Kind.HELD_OUT).images)
    print_row("layer", "latents", "R²", "active at a token", "never active", "tokens", head=True)
    numbers = f"{fit.r2:.3f}", f"{fit.l0:.1f}", f"{100 * fit.dead:.1f} %", f"{fit.tokens:,}"
    print_row(latents.layer, f"{latents.count:,}", *numbers)
    print()
    found = compared(model, latents, draw_scenes(asked.scenes, HELD_OUT_SEED, Kind.SEEN))
    print_row(f"AUC >= {AUC}", "shape", "object colour", "texture", "background", "together", "concepts", head=True)
    for selective in found:
        print_row(*selective.row())
    if asked.render:
        print()
        print_pictures(model, latents, found[0], found[1], asked)
        if asked.best_of > 1:
            print_best(asked.model, latents, found[0], asked)


def print_row(*cells: str, head: bool = False) -> None:
    """Print a row of a table in Markdown, or its headings."""
    print(f"| {' | '.join(cells)} |" + ("\n" + "|---" * len(cells) + "|" if head else ""), flush=True)


if __name__ == "__main__":
    main()
