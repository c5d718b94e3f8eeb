"""Another model's embeddings stand in for the survey's own, over the sampled pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipdesk.activations.questions.find import find
from clipdesk.activations.rereading import read_by
from clipdesk.activations.storing import open_survey, read_thumbnail
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import survey_images
from clipdesk.errors import UsageError
from clipdesk.imagesets.opening import open_image_set
from clipdesk.network.pool import open_model
from tests.activations.sets import random_set

LAYER = "visual.transformer.resblocks.1.mlp.gelu"


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The survey of 60 pictures."""
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    for number, pixels in enumerate(random_set(60, 32).pixels):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number:02}.png")
    *_, end = survey_images(open_model(checkpoint, "cpu"), open_image_set(tmp_path / "photos"), [LAYER])
    assert end.folder is not None
    return end.folder


def test_statistics_are_those_of_the_samples_values_with_the_readers_embeddings(folder: Path) -> None:
    survey, reader = open_survey(folder), open_model("demo", "cpu")
    found = read_by(survey, reader, lambda place: read_thumbnail(folder, place))
    rows = found.embeddings.rows.astype(np.float64)
    assert rows.shape == (60, reader.inspector.get_layer_info("visual").units)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-2)
    sample = survey.statistics[LAYER, "max"].sample.astype(np.float64)
    again = found.statistics[LAYER, "max"]
    assert np.allclose(again.means, sample.mean(axis=1), atol=1e-6)
    assert np.array_equal(again.sample, survey.statistics[LAYER, "max"].sample)
    direction = rows[7]
    (best, *_) = find(found, direction, layers=[LAYER], pooling="max")
    wanted = np.array([np.corrcoef(unit, rows @ direction)[0, 1] if unit.std() else 0 for unit in sample])
    assert best.correlation == pytest.approx(wanted[best.unit], abs=1e-2)
    assert best.correlation == pytest.approx(wanted.max(), abs=1e-2)


def test_pictures_whose_thumbnails_are_gone_are_left_out(folder: Path) -> None:
    survey, reader = open_survey(folder), open_model("demo", "cpu")
    found = read_by(survey, reader, lambda place: None if place < "20.png" else read_thumbnail(folder, place))
    assert [each.id for each in found.pictures] == [each.id for each in survey.pictures[20:]]
    sample = survey.statistics[LAYER, "mean"].sample[:, 20:]
    assert np.array_equal(found.statistics[LAYER, "mean"].sample, sample)
    with pytest.raises(UsageError, match="no thumbnails"):
        read_by(survey, reader, lambda _: None)


def test_a_survey_read_by_its_own_model_stays_much_as_it_is(folder: Path, checkpoint: Path) -> None:
    survey: Survey = open_survey(folder)
    found = read_by(survey, open_model(checkpoint, "cpu"), lambda place: read_thumbnail(folder, place))
    cosines = (found.embeddings.rows.astype(float) * survey.embeddings.rows.astype(float)).sum(axis=1)
    # Thumbnails have passed through WebP.
    assert np.median(cosines) > 0.9
