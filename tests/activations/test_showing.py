"""Pictures of a survey as they are shown: the set's own, or thumbnails where it is away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipdesk.activations.showing import ShownPictures
from clipdesk.activations.storing import THUMBNAILS, open_survey
from clipdesk.activations.surveying import survey_images
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.reading import read_image
from clipdesk.network.pool import open_model
from tests.cli.surveys import LAYER, photos


@pytest.fixture
def folder(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    *_, end = survey_images(open_model(checkpoint, "cpu"), open_image_set(photos(tmp_path / "photos")), [LAYER])
    assert end.folder is not None
    return end.folder


def apart(one: Image.Image | None, other: Path) -> float:
    assert one is not None
    wanted = read_image(other).resize(one.size, Image.Resampling.BICUBIC)
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(wanted, dtype=float)).mean())


def test_pictures_come_from_the_set(folder: Path, tmp_path: Path) -> None:
    survey = open_survey(folder)
    shown = ShownPictures(folder, survey, 36)
    for number in (0, 23):
        assert apart(shown.read(number), tmp_path / "photos" / survey.pictures[number].place) == 0
    assert shown.from_thumbnails == 0


def test_pictures_that_changed_or_are_away_come_from_thumbnails(folder: Path, tmp_path: Path) -> None:
    survey = open_survey(folder)
    kept = tmp_path / "kept.png"
    path = tmp_path / "photos" / survey.pictures[0].place
    kept.write_bytes(path.read_bytes())
    Image.new("RGB", (36, 36), "red").save(path)
    shown = ShownPictures(folder, survey, 36)
    assert apart(shown.read(0), kept) < 20, "the picture that was surveyed"
    assert shown.read(1) is not None
    assert shown.from_thumbnails == 1
    (tmp_path / "photos").rename(tmp_path / "away")
    away = ShownPictures(folder, survey, 36)
    assert apart(away.read(0), kept) < 20
    assert away.read(23) is not None
    assert away.from_thumbnails == 2


def test_a_picture_that_is_nowhere_is_none(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").rename(tmp_path / "away")
    (folder / THUMBNAILS).write_bytes(b"none")
    assert ShownPictures(folder, open_survey(folder), 36).read(0) is None
