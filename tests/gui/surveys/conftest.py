"""A survey of two dozen images by a small model."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipdesk.activations import directions
from clipdesk.activations.storing import all_surveys
from clipdesk.activations.surveying import survey_images
from clipdesk.gui.surveys.asked import AskedSurvey
from clipdesk.imagesets.opening import open_image_set
from clipdesk.models.names import parse_name
from clipdesk.network.pool import open_model
from tests.cli.surveys import LAYER, photos

OTHER = "visual.transformer.resblocks.0.mlp.gelu"


@pytest.fixture
def scenes_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short list of concepts for every model: the long one takes seconds."""
    monkeypatch.setattr(directions, "usual_concepts", lambda _: "scenes")


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The images, and a folder of the user's data for surveys of them."""
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    return photos(tmp_path / "photos")


@pytest.fixture
def survey_folder(images: Path, checkpoint: Path, scenes_words: None) -> Path:
    """The folder of a finished survey of two layers."""
    *_, end = survey_images(open_model(checkpoint, "cpu"), open_image_set(images), [LAYER, OTHER])
    assert end.folder is not None
    return end.folder


@pytest.fixture
def asked(survey_folder: Path, checkpoint: Path) -> AskedSurvey:
    """The survey, open."""
    ((folder, manifest),) = all_surveys()
    return AskedSurvey.open(folder, manifest, parse_name(str(checkpoint)))
