"""Measure the figures of a model card.

``python -m clipdesk.demo.evaluate`` prints the card's tables for an embedded model: zero-shot accuracy on drawn scenes,
clean and under noise, accuracy on written names, and the number of units that tell one concept from the rest. With
``--photographs FOLDER`` it prints how many photographs a model names that were kept apart from its training.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from clipdesk.demo.photographs import read_photographs
from clipdesk.demo.photos import named_share
from clipdesk.demo.selectivity import CONCEPTS, areas_under_curves, concepts_shown, layer_groups, unit_activations
from clipdesk.models.loading import load_model
from clipdesk.models.texts import tokenize
from clipdesk.network.normalization import normalized
from clipdesk.scenes.captions import FACTORS, prompt
from clipdesk.scenes.compositions import FACES, Composition, draw_composition
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes
from clipdesk.scenes.scenes import COLOR_NAMES, SHAPE_NAMES

HELD_OUT_SEED = 3
"""Seed of the scenes for the published figures; training never uses it."""


@torch.no_grad()
def zero_shot_accuracy(model: CLIP, scenes: Scenes, *, noise: float = 0.0, seed: int = 0) -> dict[str, float]:
    """Share of scenes for which the right word of each factor is nearest by cosine similarity.

    Args:
        model: A CLIP in float32.
        scenes: The scenes to classify.
        noise: Standard deviation of Gaussian noise added to the pictures, as a share of the pixel range.
        seed: Seed of that noise.

    Returns:
        The accuracy in [0, 1] for each factor (shape, color, texture, background).
    """
    embeddings = embed_images(model, scenes.images, noise=noise, seed=seed)
    return {
        factor: float((nearest_values(model, embeddings, factor) == scenes.factors[:, column]).mean())
        for column, factor in enumerate(FACTORS)
    }


@torch.no_grad()
def nearest_values(model: CLIP, embeddings: Tensor, factor: str) -> NDArray[np.int64]:
    """Index of the factor's value whose prompt is nearest to each embedding by cosine similarity, (count,)."""
    texts = model.encode_text(tokenize([prompt(factor, value) for value in FACTORS[factor]]).to(embeddings.device))
    guesses: NDArray[np.int64] = (embeddings @ normalize(texts, dim=-1).T).argmax(dim=-1).cpu().numpy()
    return guesses


def embed_images(model: CLIP, images: NDArray[np.uint8], *, noise: float = 0.0, seed: int = 0) -> Tensor:
    """Unit-length image embeddings, (count, embedding size), of uint8 pictures (count, side, side, 3)."""
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), 250):
            pixels = torch.from_numpy(np.array(images[start : start + 250])).permute(0, 3, 1, 2).float() / 255
            pixels += noise * torch.randn(pixels.shape, generator=generator)
            parts.append(normalize(model.encode_image(normalized(pixels.to(device))), dim=-1))
    return torch.cat(parts)


@dataclass(frozen=True)
class WrittenNames:
    """Pictures of shapes' names.

    Attributes:
        images: uint8, (count, 128, 128, 3).
        shapes: Index of the written name in `SHAPE_NAMES`, (count,).
        faces: Index of its face in `FACES`, (count,).
    """

    images: NDArray[np.uint8]
    shapes: NDArray[np.int64]
    faces: NDArray[np.int64]


def draw_written_names(seed: int) -> WrittenNames:
    """Draw the name of each shape in each face and ink, on a random other colour: 960 pictures."""
    rng = np.random.default_rng(seed)
    images, shapes, faces = [], [], []
    for (shape, word), (number, face), ink in product(enumerate(SHAPE_NAMES), enumerate(FACES), COLOR_NAMES):
        backgrounds = [name for name in COLOR_NAMES if name != ink]
        composition = Composition((), backgrounds[rng.integers(len(backgrounds))], word, ink)
        images.append(draw_composition(composition, rng, face=face))
        shapes.append(shape)
        faces.append(number)
    return WrittenNames(np.stack(images), np.array(shapes), np.array(faces))


@torch.no_grad()
def written_accuracy(model: CLIP, names: WrittenNames) -> dict[str, float]:
    """Share of names whose nearest shape prompt is that of the named shape.

    Returns:
        The accuracy in [0, 1] for each face, and for ``all``.
    """
    right = nearest_values(model, embed_images(model, names.images), "shape") == names.shapes
    by_face = {face: float(right[names.faces == number].mean()) for number, face in enumerate(FACES)}
    return {"all": float(right.mean()), **by_face}


def count_selective_units(model: CLIP, scenes: Scenes, *, auc: float = 0.95) -> dict[str, dict[str, int]]:
    """Count the units that tell one concept from the rest, each for the factor of its best concept.

    Args:
        model: A CLIP in float32.
        scenes: Scenes of one object.
        auc: Smallest area under the ROC curve that counts.

    Returns:
        The number of units per factor, and the total as ``of``: for the hidden layers of the MLPs, if the model has
        any, and for the residual stream.
    """
    groups = layer_groups(model)
    shown, factors = concepts_shown(scenes.factors), np.array([factor for factor, _ in CONCEPTS])
    activations = unit_activations(model, [name for group in groups.values() for name in group], scenes.images)
    result = {}
    for group, names in groups.items():
        areas = np.concatenate([areas_under_curves(activations[name], shown) for name in names], axis=1)
        best = factors[areas.argmax(axis=0)[areas.max(axis=0) >= auc]]
        result[group] = {factor: int((best == factor).sum()) for factor in FACTORS} | {"of": areas.shape[1]}
    return result


def main() -> None:
    """Print the tables of the model card in Markdown: of held-out shape x colour pairs, or of photographs."""
    parser = argparse.ArgumentParser(prog="python -m clipdesk.demo.evaluate", description=main.__doc__)
    parser.add_argument("--model", default="demo", help="name or checkpoint file")
    parser.add_argument("--scenes", type=int, default=4_000)
    parser.add_argument("--photographs", type=Path, help="a folder of photographs for each category, instead of scenes")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    if arguments.photographs is not None:
        _print_photographs(model.float(), arguments.photographs)
        return
    scenes = draw_scenes(arguments.scenes, HELD_OUT_SEED, Kind.HELD_OUT)
    _print_row("noise (sigma)", "shape", "object colour", "texture", "background", head=True)
    for noise in (0.0, 0.25, 0.5):
        shares = zero_shot_accuracy(model, scenes, noise=noise).values()
        _print_row(f"{noise:.2f}" if noise else "none", *(f"{100 * share:.1f} %" for share in shares))
    print()
    figures = written_accuracy(model, draw_written_names(HELD_OUT_SEED))
    _print_row("face", *figures, head=True)
    _print_row("name read", *(f"{100 * share:.1f} %" for share in figures.values()))
    print()
    # All pairs but the held-out ones, in which a shape has only one or two colours.
    units = count_selective_units(model, draw_scenes(arguments.scenes, HELD_OUT_SEED, Kind.SEEN))
    _print_row("units with AUC >= 0.95", "shape", "object colour", "texture", "background", "together", head=True)
    for group, counts in units.items():
        of = counts.pop("of")
        _print_row(f"{group}, {of} units", *map(str, counts.values()), str(sum(counts.values())))


def _print_photographs(model: CLIP, folder: Path) -> None:
    """Print how many of the photographs that are kept apart a model names, under noise of several strengths."""
    _, apart = read_photographs(folder)
    _print_row("noise (sigma)", f"named, of {len(apart.images)} in {len(apart.categories)} categories", head=True)
    for noise in (0.0, 0.25, 0.4):
        _print_row(f"{noise:.2f}" if noise else "none", f"{100 * named_share(model, apart, noise=noise):.1f} %")


def _print_row(*cells: str, head: bool = False) -> None:
    print(f"| {' | '.join(cells)} |" + ("\n" + "|---" * len(cells) + "|" if head else ""), flush=True)


if __name__ == "__main__":
    main()
