"""Pages of units and layers, as the window writes them. Takes torch along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

from clipdesk.activations.measuring import rank_of_picture
from clipdesk.activations.questions.layer import table
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.questions.overview import overview
from clipdesk.activations.questions.unit import unit_answers
from clipdesk.activations.questions.words import words
from clipdesk.export.answers_json import layer_as_json, unit_as_json
from clipdesk.export.files import write_atomically
from clipdesk.export.layer_page import LayerAnswers, save_layer_page
from clipdesk.export.previews import Previews
from clipdesk.export.rendered import rendered_units
from clipdesk.export.unit_page import Origin, RankedPicture, save_unit_page
from clipdesk.gui.surveys.open_survey import OpenSurvey

JSON = ".json"


def export_unit(survey: OpenSurvey, path: Path, layer: str, unit: int, results: Path, *, photos: bool) -> None:
    """Write a unit's page.

    Args:
        survey: What is known of it.
        path: The page; or, with the suffix ``.json``, what it says as plain data.
        layer: The unit's layer.
        unit: Its index.
        results: Where rendered pictures are.
        photos: Whether the page may show photos.

    Raises:
        ClipDeskError: it cannot be written; the survey or the model cannot be read any more.
    """
    origin, lexicon = _origin(survey, photos), survey.lexicon
    answers = unit_answers(survey.survey, layer, unit, rectified=survey.is_rectified(layer), lexicon=lexicon)
    picture = rendered_units(results, survey.manifest.weights, layer, [unit]).get(unit)
    ranked = None
    if picture is not None:
        rank = rank_of_picture(survey.opened(), survey.survey, layer, unit, picture.path, pooling=answers.pooling)
        ranked = RankedPicture(picture, rank)
    if path.suffix.lower() == JSON:
        _write_json(path, unit_as_json(origin, answers, ranked))
    else:
        save_unit_page(path, origin, answers, ranked)


def export_layer(survey: OpenSurvey, path: Path, layer: str, results: Path, *, photos: bool) -> None:
    """Write a layer's page, the clearest units first. As `export_unit`; the words must have been read."""
    origin = _origin(survey, photos)
    statistics = statistics_of(survey.survey, layer)
    numbers = table(survey.survey, statistics, rectified=survey.is_rectified(layer))
    answers = LayerAnswers(
        statistics,
        numbers,
        overview(numbers, survey.survey.embeddings),
        words(survey.read_words(lambda _done, _total: None), layer, pooling=statistics.pooling),
        tuple(numbers.order("clarity").tolist()),
    )
    rendered = rendered_units(results, survey.manifest.weights, layer)
    if path.suffix.lower() == JSON:
        _write_json(path, layer_as_json(origin, answers, rendered))
    else:
        save_layer_page(path, origin, answers, rendered)


def _origin(survey: OpenSurvey, photos: bool) -> Origin:
    previews = Previews(survey.folder, survey.survey, photos=photos)
    return Origin(str(survey.model), survey.folder.name, survey.survey, previews)


def _write_json(path: Path, answers: dict[str, object]) -> None:
    def write(file: BinaryIO) -> None:
        file.write(json.dumps(answers, indent=1, ensure_ascii=False).encode())

    write_atomically(path, write)
