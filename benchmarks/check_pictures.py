"""The pictures that the check is measured with, and the surveys that it needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.questions import SCENES, SCENES_SEED, Question, text_questions, unit_questions
from clipdesk.activations.choosing import surveys_of
from clipdesk.activations.layers import usual_layers
from clipdesk.activations.storing import open_survey
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import survey_images
from clipdesk.demo.selectivity import layer_groups
from clipdesk.imagesets.opening import open_image_set
from clipdesk.models.loading import load_model
from clipdesk.network.opened import OpenModel
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.scenes.dataset import Kind, draw_scenes

IMAGES = "scenes:5000"
_OF_A_KIND = 80
"""Texts, and units, of each model in each series."""
_GROUP = 16
_TOP = 20
"""Top pictures of a unit that another model compares the picture with."""


@dataclass(frozen=True)
class Series:
    """Pictures that are rendered in ways from good ones to poor ones; all take seconds.

    Attributes:
        name: Its name.
        ways: By name.
        order: Seed of the order of the questions, and of which are asked.
        first: Seed of the first picture.
    """

    name: str
    ways: Mapping[str, RenderSettings]
    order: int
    first: int


def all_series() -> tuple[Series, Series]:
    """The pictures that the check was made with, and those that were rendered when it was done."""
    seen = {
        "standard": make_settings("standard", iterations=120),
        "draft": make_settings("draft"),
        "few": make_settings("draft", iterations=16),
        "lucid": make_settings("lucid", iterations=128),
        "classic": make_settings("classic", iterations=128),
    }
    later = {
        "short": make_settings("standard", iterations=48),
        "ghiasi": make_settings("ghiasi", iterations=60, views=2),
        "direct-ascent": make_settings("direct-ascent", iterations=40, views=4),
        "maco": make_settings("maco", image_size=128, iterations=96, views=4),
        "hasty": make_settings("lucid", iterations=24),
    }
    return Series("seen", seen, 5, 0), Series("later", later, 6, 1_000)


@dataclass(frozen=True)
class Rendered:
    """The pictures of a model.

    Attributes:
        questions: What each is to show.
        ways: The name of the way that each was rendered in.
        images: uint8, (pictures, side, side, 3).
    """

    questions: list[Question]
    ways: list[str]
    images: NDArray[np.uint8]


def rendered(opened: OpenModel, series: Series, folder: Path) -> Rendered:
    """Render the pictures of a model, unless they are there already."""
    questions, ways = _questions(opened, series, folder), list(series.ways)
    chosen = [ways[i % len(ways)] for i in range(len(questions))]
    name = f"{opened.name}-{(opened.sha256 or 'none')[:8]}-{series.name}"
    parts: dict[str, NDArray[np.uint8]] = {}
    for way, settings in series.ways.items():
        file = folder / name / f"{way}.npz"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            own = [i for i, each in enumerate(chosen) if each == way]
            seeds = [series.first + i for i in own]
            np.savez(file, images=_render(opened, [questions[i] for i in own], seeds, settings))
            print(f"{name}: {len(own)} pictures, {way}", flush=True)
        with np.load(file) as kept:
            parts[way] = kept["images"]
    ordered = {way: iter(images) for way, images in parts.items()}
    return Rendered(questions, chosen, np.stack([next(ordered[way]) for way in chosen]))


def _questions(opened: OpenModel, series: Series, folder: Path) -> list[Question]:
    """Texts and units in an order of chance, so that each way gets some of every kind."""
    scenes = draw_scenes(SCENES, SCENES_SEED, Kind.SEEN, cache=folder / "scenes")
    texts, units = text_questions(), unit_questions(load_model(str(opened.name)).float(), scenes, 2 * _OF_A_KIND)
    rng = np.random.default_rng(series.order)
    some = [rng.permutation(len(each))[:_OF_A_KIND] for each in (texts, units)]
    asked = [*(texts[i] for i in some[0]), *(units[i] for i in some[1])]
    return [asked[i] for i in rng.permutation(len(asked))]


def _render(
    opened: OpenModel, questions: list[Question], seeds: list[int], settings: RenderSettings
) -> NDArray[np.uint8]:
    parts = []
    for start in range(0, len(questions), _GROUP):
        some = slice(start, start + _GROUP)
        targets = [question.target for question in questions[some]]
        frames = render(opened.network, targets, settings, seeds=seeds[some], inspector=opened.inspector)
        parts.append(deque(frames, maxlen=1).pop().images())
    return np.concatenate(parts)


def survey_of(opened: OpenModel, images: str = IMAGES) -> tuple[Path, Survey]:
    """A survey of a model with the layers of all units that are rendered, with its folder; made if there is none."""
    own = [name for names in layer_groups(opened.network).values() for name in names]
    return survey_with(opened, list(dict.fromkeys([*usual_layers(opened.inspector), *own])), images)


def survey_with(opened: OpenModel, layers: Sequence[str], images: str = IMAGES) -> tuple[Path, Survey]:
    """A survey of a model over some images that has some layers, with its folder; made if there is none."""
    for folder, manifest in surveys_of(opened.sha256 or "", images=images, layers=layers):
        if set(layers) <= {file.layer for file in manifest.layers}:
            return folder, open_survey(folder)
    print(f"{opened.name} is surveyed over {images}", flush=True)
    last = deque(survey_images(opened, open_image_set(images), layers), maxlen=1).pop()
    if last.folder is None:
        raise RuntimeError("the last step names the folder")
    return last.folder, open_survey(last.folder)
