"""What a survey knows of a layer's units, for the wall."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clipdesk.activations.map_files import keep_map
from clipdesk.activations.questions.layer import COLUMNS
from clipdesk.activations.questions.maps import MISSING
from clipdesk.activations.statistics import UnitStatistics
from clipdesk.activations.storing import all_surveys, open_survey, read_thumbnail
from clipdesk.activations.surveying import survey_images
from clipdesk.gui.surveys.open_survey import OpenSurvey
from clipdesk.gui.surveys.questions import layer_facts
from clipdesk.gui.wall import surveyed
from clipdesk.gui.wall.surveyed import SurveyedLayer
from clipdesk.imagesets.opening import open_image_set
from clipdesk.models.names import parse_name
from clipdesk.network.pool import open_model
from tests.cli.surveys import LAYER, photos


@pytest.fixture
def folder(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The survey of two dozen pictures."""
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    images = open_image_set(photos(tmp_path / "photos"))
    *_, end = survey_images(open_model(checkpoint, "cpu"), images, [LAYER])
    assert end.folder is not None
    return end.folder


def surveyed_layer(folder: Path, checkpoint: Path) -> SurveyedLayer:
    ((_, manifest),) = all_surveys()
    survey = OpenSurvey.open(folder, manifest, parse_name(str(checkpoint)))
    return SurveyedLayer(survey, LAYER, layer_facts(survey, LAYER))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Maps are made without openTSNE, from the right to the left; the layers of which one was made."""
    layers: list[str] = []

    def positions(statistics: UnitStatistics, **_: object) -> NDArray[np.float64]:
        layers.append(statistics.layer)
        return np.stack([-np.arange(statistics.units, dtype=np.float64), np.zeros(statistics.units)], axis=1)

    monkeypatch.setattr(surveyed, "positions", positions)
    return layers


def test_a_dead_unit_has_no_photo(folder: Path, checkpoint: Path) -> None:
    ((_, manifest),) = all_surveys()
    survey = OpenSurvey.open(folder, manifest, parse_name(str(checkpoint)))
    own = survey.survey.statistics[LAYER, "mean"]
    fired = own.fired.copy()
    fired[3] = 0
    survey.survey = replace(survey.survey, statistics={(LAYER, "mean"): replace(own, fired=fired)})
    layer = SurveyedLayer(survey, LAYER, layer_facts(survey, LAYER))
    assert layer.top_photo(3) is None
    assert layer.top_photo(4) is not None


def test_numbers_and_photos_are_those_of_the_survey(folder: Path, checkpoint: Path) -> None:
    layer, survey = surveyed_layer(folder, checkpoint), open_survey(folder)
    statistics = survey.statistics[LAYER, "mean"]
    assert layer.units == statistics.units
    assert tuple(layer.columns) == COLUMNS
    np.testing.assert_array_equal(layer.columns["density"], statistics.densities)
    place = survey.pictures[statistics.top.pictures[5, 0]].place
    photo = layer.top_photo(5)
    assert photo is not None
    assert photo == read_thumbnail(folder, place)


def test_a_map_is_made_once(folder: Path, checkpoint: Path, made: list[str]) -> None:
    layer = surveyed_layer(folder, checkpoint)
    order = layer.map_order(layer.units, lambda: False)
    assert order.tolist() == list(reversed(range(layer.units)))
    again = surveyed_layer(folder, checkpoint)
    assert again.map_order(layer.units, lambda: False).tolist() == order.tolist()
    assert made == [LAYER]


def test_a_map_that_was_not_finished_is_not_kept(folder: Path, checkpoint: Path, made: list[str]) -> None:
    layer = surveyed_layer(folder, checkpoint)
    layer.map_order(layer.units, lambda: True)
    layer.map_order(layer.units, lambda: False)
    assert made == [LAYER, LAYER]


def test_a_kept_map_needs_no_library(folder: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = surveyed_layer(folder, checkpoint)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert layer.map_problem == MISSING
    keep_map(layer._map_path, np.zeros((layer.units, 2)))
    assert layer.map_problem == ""
