"""Rendered pictures and their measurements, by model, method and kind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from clip.model import CLIP
from numpy.typing import NDArray

from benchmarks.quality.measures import (
    activations,
    fitted,
    perturbed,
    radial_spectrum,
    recovered,
    scene_activations,
    transferred,
)
from benchmarks.quality.methods import Method
from benchmarks.quality.questions import KINDS, Question
from clipdesk.models.loading import load_model
from clipdesk.models.names import parse_name
from clipdesk.network.inspector import input_side
from clipdesk.network.pool import default_pool
from clipdesk.scenes.dataset import Scenes


@dataclass(frozen=True)
class Answers:
    """The pictures of one method for one model's questions of one kind, measured.

    Attributes:
        model: The model's name.
        weights: The model's name and the first digits of its weights' checksum.
        critic: The same for the other embedded model.
        method: The method's name.
        kind: One of `KINDS`.
        count: Number of pictures of all seeds.
        seeds: Number of seeds.
        recovery: By judge, the share of the pictures in which it names what was asked for.
        by_seed: The same for each seed, averaged over the judges.
        chance: The recovery of blind guessing.
        percentile: Median over the pictures of the share of scenes that excite the target less.
        above: Share of the pictures that excite their target more than 99 % of the scenes do.
        ratio: Median of the activation over the most that a scene reaches.
        kept: Median share of a positive activation that is left after a mild perturbation.
        transfer: Share of the pictures in which the other embedded model finds what was asked for.
        spectrum: Root mean square distance of the mean spectrum from the scenes', in decibels.
        seconds: Seconds per picture.
        shares: Recovery of each question, averaged over judges and seeds, by its index among all of the kind.
        samples: The pictures of the first seed, by the question's index among all of the kind.
    """

    model: str
    weights: str
    critic: str
    method: str
    kind: str
    count: int
    seeds: int
    recovery: dict[str, float]
    by_seed: list[float]
    chance: float
    percentile: float
    above: float
    ratio: float
    kept: float
    transfer: float
    spectrum: float
    seconds: float
    shares: dict[int, float]
    samples: dict[int, NDArray[np.uint8]]

    @property
    def lowest(self) -> float:
        """The recovery by the judge that sees least: the one to quote."""
        return min(self.recovery.values())


def place_of(folder: Path, model: str, method: Method) -> Path:
    """The folder of a method's pictures of a model; other weights or another recipe have another folder.

    Args:
        folder: Folder of all pictures.
        model: Name or file of the model.
        method: The method that renders them.
    """
    recipe = hashlib.sha256(method.recipe.encode()).hexdigest()
    return folder / _known_as(model) / f"{method.name}-{recipe[:8]}"


def _known_as(model: str) -> str:
    """A model's name and the first digits of its weights' checksum."""
    opened = default_pool().open(parse_name(model))
    return f"{Path(model).stem}-{(opened.sha256 or 'none')[:8]}"


def measure(
    model: str, other: str, asked: Sequence[Question], methods: Iterable[Method], folder: Path, scenes: Scenes
) -> list[Answers]:
    """Measure all existing pictures of a model.

    Args:
        model: Name or file of the model.
        other: Another embedded model, for the transfer.
        asked: The model's questions.
        methods: Methods whose pictures are measured.
        folder: Folder of all pictures.
        scenes: Scenes that the pictures are compared with.
    """
    opened, critic = load_model(model).float(), load_model(other).float()
    usual = radial_spectrum(scenes.images[:500])
    found: list[Answers] = []
    everything = scene_activations(opened, [question.target for question in asked], scenes.images)
    for kind in KINDS:
        places = [place for place, question in enumerate(asked) if question.kind == kind]
        questions, reached = [asked[place] for place in places], everything[:, places]
        for method in methods:
            files = sorted(place_of(folder, model, method).glob(f"{kind}-*.npz"))
            if files:
                names = {"model": Path(model).stem, "weights": _known_as(model), "critic": _known_as(other)}
                found.append(_measured(names, method.name, questions, files, reached, opened, critic, usual))
    return found


def _measured(
    names: Mapping[str, str],
    method: str,
    questions: Sequence[Question],
    files: Sequence[Path],
    reached: NDArray[np.float32],
    opened: CLIP,
    critic: CLIP,
    usual: NDArray[np.float64],
) -> Answers:
    kept = [np.load(file) for file in files]
    places = np.concatenate([data["places"] for data in kept])
    shown = [fitted(data["images"], input_side(opened)) for data in kept]
    images, some = np.concatenate(shown), [questions[place] for place in places]
    targets = [question.target for question in some]
    right = recovered(some, images)
    clean, after = activations(opened, targets, images), activations(opened, targets, perturbed(images))
    scenes = reached[:, places]
    percentile, active = (scenes < clean).mean(axis=0), clean > 0
    mean = np.mean(list(right.values()), axis=0)
    ends = np.cumsum([len(part) for part in shown])[:-1]
    return Answers(
        model=names["model"],
        weights=names["weights"],
        critic=names["critic"],
        method=method,
        kind=some[0].kind,
        count=len(images),
        seeds=len(files),
        recovery={judge: float(row.mean()) for judge, row in right.items()},
        by_seed=[float(part.mean()) for part in np.split(mean, ends)],
        chance=float(np.mean([question.chance for question in some])),
        percentile=float(np.median(percentile)),
        above=float((percentile > 0.99).mean()),
        ratio=float(np.median(clean / scenes.max(axis=0))),
        kept=float(np.median(after[active] / clean[active])) if active.any() else 0.0,
        transfer=float(transferred(some, images, critic).mean()),
        spectrum=float(np.sqrt(np.mean((radial_spectrum(images) - usual) ** 2))),
        seconds=float(np.mean([data["seconds"] for data in kept])),
        shares={int(place): float(mean[places == place].mean()) for place in places},
        samples=dict(zip(map(int, kept[0]["places"]), shown[0], strict=True)),
    )
