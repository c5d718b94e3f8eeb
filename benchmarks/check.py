"""Whether the check tells good pictures from poor ones: ``python -m benchmarks.check FOLDER``.

Renders texts and units of the embedded models in ways of which some are good and some poor, and asks the judges what
they see. For units, it prints the AUC of the check's score and of its parts: how probably a picture that most judges
name rightly stands above one that they do not. Beside them stands what the check does not have yet: how near the
picture is to the unit's top pictures in the embedding of the other embedded model. FOLDER keeps the pictures.

Needs a survey of each model over ``scenes:5000``; units of layers that it does not have are left out. Those of
`demo-rn` are in layers such as ``visual.layer4.0``, which must be asked for by ``--layers``.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from PIL import Image

from benchmarks.quality.measures import fitted, recovered
from benchmarks.quality.questions import SCENES, SCENES_SEED, Question, text_questions, unit_questions
from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.picture import check_picture
from clipdesk.activations.questions.lookup import poolings_of
from clipdesk.activations.showing import ShownPictures
from clipdesk.activations.storing import all_surveys, open_survey
from clipdesk.activations.survey import Survey
from clipdesk.demo.selectivity import areas_under_curves
from clipdesk.errors import UsageError
from clipdesk.models.catalogue import SHOWPIECES
from clipdesk.models.loading import load_model
from clipdesk.network.inspector import input_side
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel, open_model
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Unit
from clipdesk.scenes.dataset import Kind, draw_scenes

PICTURES = 160
"""Of each model, half of them of texts."""
_GROUP = 16
_ORDER_SEED = 5
_TOP = 20
"""Top pictures of a unit that another model compares the picture with."""


def _ways() -> dict[str, RenderSettings]:
    """Ways to render, from good ones to poor ones; all take seconds."""
    return {
        "standard": make_settings("standard", iterations=120),
        "draft": make_settings("draft"),
        "few": make_settings("draft", iterations=16),
        "lucid": make_settings("lucid", iterations=128),
        "classic": make_settings("classic", iterations=128),
    }


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


def rendered(opened: OpenModel, folder: Path) -> Rendered:
    """Render the pictures of a model, unless they are there already."""
    questions = _questions(opened, folder)
    ways = list(_ways())
    chosen = [ways[i % len(ways)] for i in range(len(questions))]
    name = f"{opened.name}-{(opened.sha256 or 'none')[:8]}"
    parts: dict[str, NDArray[np.uint8]] = {}
    for way, settings in _ways().items():
        file = folder / name / f"{way}.npz"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            own = [i for i, each in enumerate(chosen) if each == way]
            np.savez(file, images=_render(opened, [questions[i] for i in own], own, settings))
            print(f"{name}: {len(own)} pictures, {way}", flush=True)
        with np.load(file) as kept:
            parts[way] = kept["images"]
    ordered = {way: iter(images) for way, images in parts.items()}
    return Rendered(questions, chosen, np.stack([next(ordered[way]) for way in chosen]))


def _questions(opened: OpenModel, folder: Path) -> list[Question]:
    """Texts and units in an order of chance, so that each way gets some of every kind."""
    scenes = draw_scenes(SCENES, SCENES_SEED, Kind.SEEN, cache=folder / "scenes")
    texts, units = text_questions(), unit_questions(load_model(str(opened.name)).float(), scenes, PICTURES)
    rng = np.random.default_rng(_ORDER_SEED)
    some = [rng.permutation(len(each))[: PICTURES // 2] for each in (texts, units)]
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


def measure(opened: OpenModel, other: CLIP, shown: Rendered) -> None:
    """Print how many pictures the judges name rightly, and the AUC of what could tell them."""
    seen = np.sum(list(recovered(shown.questions, shown.images).values()), axis=0)
    right = seen >= 2
    for way in _ways():
        print(f"{way}: {100 * right[np.array(shown.ways) == way].mean():.0f} % named rightly by most judges")
    folder, survey = survey_of(opened)
    read = ShownPictures(folder, survey, opened.side).read
    layers = {layer for layer, _ in survey.statistics}
    places, checks, near = [], [], []
    for i, question in enumerate(shown.questions):
        unit = question.target
        if isinstance(unit, Unit) and unit.layer in layers:
            picture = Image.fromarray(shown.images[i])
            places.append(i)
            checks.append(check_picture(opened, survey, unit, picture, read=read))
            tops = survey.statistics[unit.layer, poolings_of(survey, unit.layer)[0]].top.pictures[unit.index, :_TOP]
            near.append(nearness(other, picture, [each for top in tops if (each := read(int(top))) is not None]))
    if not places:
        print(f"{opened.name}: the survey has none of the units' layers")
        return
    print(f"{opened.name}: {len(places)} units, {100 * right[places].mean():.0f} % right; AUC:")
    scores = {**_parts(checks), "near the top pictures in the other model": near}
    for name, values in scores.items():
        numbers = np.nan_to_num(np.array(values, dtype=np.float32))[:, None]
        print(f"  {name}: {areas_under_curves(numbers, right[places][:, None])[0, 0]:.2f}", flush=True)


def _parts(checks: list[Check]) -> dict[str, list[float]]:
    return {
        "score": [each.score for each in checks],
        "activation alone: share of the set below it": [each.rank.share for each in checks],
        "activation alone: times the best": [each.rank.ratio for each in checks],
        "few units higher": [-float(each.higher) for each in checks],
        "kept": [each.kept for each in checks],
        "path": [each.path for each in checks],
    }


def survey_of(opened: OpenModel) -> tuple[Path, Survey]:
    """The newest survey of a model, with its folder.

    Raises:
        UsageError: there is none.
    """
    for folder, manifest in all_surveys():
        if manifest.weights == opened.sha256:
            return folder, open_survey(folder)
    raise UsageError(f"There is no survey of {opened.name}: clipdesk survey scenes:5000 --model {opened.name}")


def nearness(other: CLIP, picture: Image.Image, tops: Sequence[Image.Image]) -> float:
    """Cosine of a picture and the mean of a unit's top pictures, in another model's embedding."""
    side = input_side(other)
    images = np.concatenate([fitted(np.asarray(each.convert("RGB"))[None], side) for each in (picture, *tops)])
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        rows = torch.nn.functional.normalize(other.encode_image(normalized(pixels)), dim=1)
    return float(torch.nn.functional.cosine_similarity(rows[0], rows[1:].mean(dim=0), dim=0))


def main() -> None:
    """Parse the command line, render what is not there yet, and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description="Measure the check.")
    parser.add_argument("folder", type=Path, help="folder that keeps the pictures")
    parser.add_argument("--models", nargs="+", default=list(SHOWPIECES))
    parser.add_argument("--threads", type=int, help="threads of torch; default: all")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    for model in arguments.models:
        opened = open_model(model, "cpu")
        other = next(name for name in SHOWPIECES if name != model)
        measure(opened, load_model(other).float(), rendered(opened, arguments.folder))


if __name__ == "__main__":
    main()
