"""A survey of a few photos with hostile names, and what it says, for the pages."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from clipdesk.activations.decoding import Thumbnail
from clipdesk.activations.questions.layer import table
from clipdesk.activations.questions.overview import overview
from clipdesk.activations.questions.unit import UnitAnswers, unit_answers
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.questions.words import prepare, words
from clipdesk.activations.statistics import Surveyed
from clipdesk.activations.storing import write_thumbnails
from clipdesk.activations.survey import Survey
from clipdesk.export.layer_page import LayerAnswers
from clipdesk.export.previews import Previews
from clipdesk.export.unit_page import Origin
from tests.activations.questions.test_words import planted_rows
from tests.activations.surveys import LAYER, direct_survey

HOSTILE = "</span></title><script>window.ran=1</script><img src=x onerror='window.ran=1'>\"' &amp; \x1b[2J\u202e\ud800"
"""A text that no page may take for anything but text."""
COUNT = 1200


def photo_survey(*, source: str = "/photos", hostile: bool = False) -> Survey:
    """A survey of units that answer to a concept each, with labels, captions and places."""
    a, z, _ = planted_rows(COUNT)
    survey = direct_survey({(LAYER, "mean"): a, ("visual.other", "mean"): a[:, :4]}, z, sampled=300)
    pictures = [
        Surveyed(
            f"{index:016x}:{index}",
            f"{HOSTILE}{'x' * 4000}/{index}.png" if hostile else f"secret/{index}.png",
            f"{HOSTILE}{index % 3}" if hostile else f"class {index % 3}",
            HOSTILE if hostile else f"caption {index}",
        )
        for index in range(COUNT)
    ]
    return replace(survey, source=source, pictures=pictures)


def thumbnails(folder: Path, survey: Survey) -> Path:
    """The folder of a survey, with the thumbnails of all of its pictures: each has a grey of its own."""
    folder.mkdir(exist_ok=True)
    found = []
    for index, each in enumerate(survey.pictures):
        data = io.BytesIO()
        Image.new("RGB", (32, 32), (index % 256,) * 3).save(data, "WEBP")
        found.append(Thumbnail(each.place.encode("utf-8", "replace").decode(), data.getvalue()))
    write_thumbnails(folder, found)
    return folder


def origin_of(folder: Path, survey: Survey, *, photos: bool = True, model: str = "demo") -> Origin:
    return Origin(model, folder.name, survey, Previews(folder, survey, photos=photos))


def vocabulary(*, hostile: bool = False) -> Vocabulary:
    texts = planted_rows(COUNT)[2].astype(np.float32)
    names = tuple(f"{HOSTILE if hostile else 'concept'} {number}" for number in range(texts.shape[1]))
    return Vocabulary(names, texts, "demo")


def unit_of(survey: Survey, unit: int = 4, *, hostile: bool = False) -> UnitAnswers:
    return unit_answers(
        survey, LAYER, unit, rectified=False, lexicon=prepare(survey, vocabulary(hostile=hostile)), count=6
    )


def layer_of(survey: Survey, *, hostile: bool = False) -> LayerAnswers:
    statistics = survey.statistics[LAYER, "mean"]
    numbers = table(survey, statistics, rectified=False)
    said = words(prepare(survey, vocabulary(hostile=hostile)), LAYER)
    glance = overview(numbers, survey.embeddings)
    return LayerAnswers(statistics, numbers, glance, said, tuple(numbers.order("clarity").tolist()))
