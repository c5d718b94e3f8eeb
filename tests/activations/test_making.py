"""A survey in one call."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import clipdesk
from clipdesk.activations.surveying import SurveyProgress
from tests.cli.surveys import LAYER, SHORT, photos


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))


def test_a_survey_is_made_once_and_answers(tmp_path: Path, checkpoint: Path) -> None:
    told: list[SurveyProgress] = []
    images = photos(tmp_path / "photos")
    survey = clipdesk.survey(images, checkpoint, layers=[SHORT], device="cpu", progress=told.append)
    assert len(survey.pictures) == 24
    assert told[-1].folder is not None
    assert clipdesk.examples(survey, LAYER, 3, count=2).top[0].value == survey.statistics[LAYER, "mean"].most[3]
    opened = clipdesk.open_model(checkpoint, "cpu")
    found = clipdesk.find(survey, clipdesk.text_directions(opened, survey, "a heart", concepts="scenes"), count=3)
    assert len(found) == 3
    told.clear()
    again = clipdesk.survey(clipdesk.open_image_set(images), opened, layers=[LAYER], progress=told.append)
    assert [each.done for each in told] == [25], "it was there"
    assert [each.id for each in again.pictures] == [each.id for each in survey.pictures]


def test_layers_and_devices_are_taken_in_any_form(tmp_path: Path, checkpoint: Path) -> None:
    images, cpu = photos(tmp_path / "photos"), torch.device("cpu")
    survey = clipdesk.survey(images, checkpoint, layers={SHORT}, device=cpu)
    assert {layer for layer, _ in survey.statistics} == {LAYER}
    with pytest.raises(clipdesk.UsageError, match="Cannot read"):
        clipdesk.compare(checkpoint, checkpoint, tmp_path / "none", layers={SHORT}, device=cpu)


def test_what_is_wrong_is_said(tmp_path: Path, checkpoint: Path) -> None:
    with pytest.raises(clipdesk.UsageError, match="Cannot read"):
        clipdesk.survey(tmp_path / "none", checkpoint)
    with pytest.raises(clipdesk.UsageError, match="There is no layer 'none'"):
        clipdesk.survey(photos(tmp_path / "photos"), checkpoint, layers=["none"], device="cpu")
