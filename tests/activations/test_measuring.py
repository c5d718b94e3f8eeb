"""A picture's activation is the one that a survey of that picture has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipdesk.activations.measuring import activations_in, rank_of_picture
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.storing import open_survey
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import survey_images
from clipdesk.errors import UsageError
from clipdesk.imagesets.opening import open_image_set
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from tests.activations.sets import random_set

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
POOLINGS: list[Pooling] = ["mean", "max", "class"]


@pytest.fixture
def opened(checkpoint: Path) -> OpenModel:
    return open_model(checkpoint, "cpu")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Forty photos that are neither square nor of the model's size."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, pixels in enumerate(random_set(40, 48).pixels):
        Image.fromarray(pixels).resize((61, 48)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def survey(opened: OpenModel, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Survey:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    *_, end = survey_images(opened, open_image_set(photos), [LAYER])
    assert end.folder is not None
    return open_survey(end.folder)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_values_are_those_of_the_survey(opened: OpenModel, survey: Survey, photos: Path, pooling: Pooling) -> None:
    found = activations_in(opened, LAYER, sorted(photos.iterdir()), pooling=pooling)
    statistics = survey.statistics[LAYER, pooling]
    assert found.shape == (40, statistics.units)
    np.testing.assert_allclose(found.mean(axis=0), statistics.means, atol=1e-5)
    np.testing.assert_allclose(found.max(axis=0), statistics.most, atol=1e-5)
    assert (np.argmax(found, axis=0) == statistics.top.pictures[:, 0]).mean() > 0.9


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_best_photo_excites_the_unit_more_than_all_others(
    opened: OpenModel, survey: Survey, photos: Path, pooling: Pooling
) -> None:
    statistics = survey.statistics[LAYER, pooling]
    unit = int(np.argmax(statistics.most))
    best = photos / survey.pictures[int(statistics.top.pictures[unit, 0])].place
    found = rank_of_picture(opened, survey, LAYER, unit, best, pooling=pooling)
    # The value is the best one's but for rounding, so the picture itself may count or not.
    assert found.below in (39, 40)
    assert found.ratio == pytest.approx(1, abs=1e-4)
    lowest = photos / survey.pictures[int(statistics.bottom.pictures[unit, 0])].place
    assert rank_of_picture(opened, survey, LAYER, unit, lowest, pooling=pooling).below in (0, 1)


def test_a_file_an_image_and_its_pixels_are_the_same_picture(opened: OpenModel, photos: Path) -> None:
    with Image.open(photos / "03.png") as image:
        found = activations_in(opened, LAYER, [photos / "03.png", image, np.asarray(image)], pooling="mean")
    np.testing.assert_allclose(found[1:], found[:1].repeat(2, axis=0), atol=1e-6)
    assert activations_in(opened, LAYER, [], pooling="mean").shape == (0, found.shape[1])


def test_what_cannot_be_compared_is_refused(opened: OpenModel, survey: Survey, photos: Path) -> None:
    with pytest.raises(UsageError, match="other weights"):
        rank_of_picture(opened, replace(survey, weights="0" * 64), LAYER, 0, photos / "00.png")
    with pytest.raises(UsageError, match="no neuron 999"):
        rank_of_picture(opened, survey, LAYER, 999, photos / "00.png")
    with pytest.raises(UsageError, match=r"has no class\. Available: mean"):
        activations_in(opened, "visual", [], pooling="class")
    (photos / "text.png").write_text("no picture")
    with pytest.raises(UsageError, match="not an image that can be read"):
        rank_of_picture(opened, survey, LAYER, 0, photos / "text.png")
