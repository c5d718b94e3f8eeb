"""Previews of a survey's pictures."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from clipdesk.activations.decoding import Thumbnail
from clipdesk.activations.storing import write_thumbnails
from clipdesk.export.previews import Previews
from tests.export.origins import photo_survey, thumbnails


@pytest.mark.parametrize(
    ("source", "photos", "shown"), [("/photos", True, True), ("/photos", False, False), ("scenes:5000", False, True)]
)
def test_photos_are_shown_only_if_the_user_says_so(tmp_path: Path, source: str, photos: bool, shown: bool) -> None:
    survey = photo_survey(source=source)
    previews = Previews(thumbnails(tmp_path / "survey", survey), survey, photos=photos)
    found = previews.read(77, 16)
    assert (previews.allowed, found is not None) == (shown, shown)
    if found is not None:
        image = Image.open(io.BytesIO(base64.b64decode(found)), formats=["WEBP"])
        assert image.size == (16, 16)
        assert image.convert("RGB").getpixel((8, 8)) == pytest.approx((77, 77, 77), abs=2)


def test_a_thumbnail_that_is_gone_or_damaged_is_not_shown(tmp_path: Path) -> None:
    survey = photo_survey()
    assert Previews(tmp_path, survey, photos=True).read(3, 16) is None
    folder = thumbnails(tmp_path / "survey", survey)
    write_thumbnails(folder, [Thumbnail(survey.pictures[3].place, b"damaged")])
    assert Previews(folder, survey, photos=True).read(3, 16) is None
