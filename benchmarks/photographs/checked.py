"""Whether the check tells good pictures of a CLIP that saw photographs from poor ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.check import Measured, numbers_of
from benchmarks.check_pictures import survey_with
from benchmarks.photographs.judges import MAKES, load_judge, named
from benchmarks.photographs.questions import Question
from benchmarks.quality.answers import place_of
from benchmarks.quality.methods import Method
from clipdesk.activations.checking.picture import check_picture
from clipdesk.activations.checking.second import SecondReader
from clipdesk.activations.directions import vocabulary_of
from clipdesk.activations.layers import usual_layers
from clipdesk.activations.showing import ShownPictures
from clipdesk.network.opened import OpenModel
from clipdesk.render.presets import PRESETS
from clipdesk.render.targets import Text, Unit


def checked(
    opened: OpenModel,
    photographs: Path,
    asked: Mapping[str, Sequence[Question]],
    ways: Sequence[Method],
    pictures: Path,
    most: int,
    reader: OpenModel | None = None,
) -> Measured:
    """Check pictures that have been rendered; one is right if both judges name its category.

    Args:
        opened: The model.
        photographs: The folder that is surveyed.
        asked: The questions, by kind.
        ways: Presets.
        pictures: The folder that keeps the pictures.
        most: Largest number of pictures of a kind and a preset, spread evenly over those of all seeds.
        reader: A second model that reads them.
    """
    of_units = sorted({each.target.layer for each in asked["unit"] if isinstance(each.target, Unit)})
    layers = list(dict.fromkeys([*usual_layers(opened.inspector), *of_units]))
    at, survey = survey_with(opened, layers, str(photographs))
    read, vocabulary = ShownPictures(at, survey, opened.side).read, vocabulary_of(opened)
    second = None if reader is None else SecondReader(reader, survey, read, vocabulary=vocabulary_of(reader))
    judges = [load_judge(judge) for judge in MAKES]
    right, texts, names, checks = list[bool](), list[bool](), list[str](), []
    for way in ways:
        own = PRESETS[way.name].settings.own_texts
        for kind, questions in asked.items():
            files = sorted(place_of(pictures, str(opened.name), way).glob(f"{kind}-*.npz"))
            shown = [(questions[place], image) for file in files for place, image in _of(file)]
            some = [shown[i] for i in np.linspace(0, len(shown) - 1, min(most, len(shown))).astype(int)]
            for question, image in some:
                seen = [int(named(judge, image[None])[0]) == question.category for judge in judges]
                right.append(all(seen))
                texts.append(isinstance(question.target, Text))
                names.append(way.name)
                check = partial(check_picture, opened, survey, question.target, Image.fromarray(image))
                checks.append(check(read=read, reader=second, vocabulary=vocabulary, own_texts=own))
    return Measured(np.array(right), np.array(texts), names, checks, numbers_of(checks))


def _of(file: Path) -> list[tuple[int, NDArray[np.uint8]]]:
    with np.load(file) as kept:
        return list(zip(map(int, kept["places"]), kept["images"], strict=False))
