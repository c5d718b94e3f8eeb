"""What is said of a picture, and from which numbers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipdesk.activations.checking import Check, check_picture
from clipdesk.activations.measuring import activations_in
from clipdesk.activations.questions.ranking import Rank
from clipdesk.activations.showing import ShownPictures
from clipdesk.activations.storing import all_surveys, open_survey
from clipdesk.activations.surveying import survey_images
from clipdesk.errors import UsageError
from clipdesk.imagesets.opening import open_image_set
from clipdesk.network.opened import OpenModel, open_model
from tests.cli.surveys import LAYER, photos

BEFORE = "visual.transformer.resblocks.0.mlp.gelu"
Surveyed = tuple[OpenModel, Path, ShownPictures]


@pytest.fixture
def surveyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> Surveyed:
    """A model, the folder of a survey of two of its layers, and its pictures."""
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    opened = open_model(checkpoint, "cpu")
    list(survey_images(opened, open_image_set(photos(tmp_path / "photos", count=48)), [BEFORE, LAYER]))
    ((folder, _),) = all_surveys()
    return opened, folder, ShownPictures(folder, open_survey(folder), opened.side)


def check(surveyed: Surveyed, unit: int, picture: Image.Image) -> Check:
    opened, folder, shown = surveyed
    return check_picture(opened, open_survey(folder), LAYER, unit, picture, read=shown.read)


def test_the_picture_that_excites_a_unit_most_is_where_it_is_in_the_survey(surveyed: Surveyed) -> None:
    opened, folder, shown = surveyed
    survey = open_survey(folder)
    statistics = survey.statistics[LAYER, "mean"]
    unit = 5
    best, worst = (shown.read(int(each.pictures[unit, 0])) for each in (statistics.top, statistics.bottom))
    assert best is not None
    assert worst is not None
    top, bottom = check(surveyed, unit, best), check(surveyed, unit, worst)
    assert top.rank.below >= 47
    assert bottom.rank.below <= 1
    assert top.path > bottom.path
    assert top.score > bottom.score
    values = activations_in(opened, LAYER, [best], pooling="mean")[0]
    heights = (values - statistics.means) / statistics.deviations
    assert top.higher == int((heights > heights[unit]).sum())
    assert top.units == statistics.units


def test_a_picture_is_kept_if_changes_leave_its_activation(surveyed: Surveyed) -> None:
    # A unit that is above zero for it, so that there is a share to speak of.
    opened, _, _ = surveyed
    grey = Image.new("RGB", (64, 64), (120, 120, 120))
    unit = int(activations_in(opened, LAYER, [grey], pooling="mean")[0].argmax())
    assert check(surveyed, unit, grey).kept == pytest.approx(1, abs=0.05), "a blur of grey is grey"


def test_pictures_that_are_gone_leave_the_way_unknown(surveyed: Surveyed) -> None:
    opened, folder, _ = surveyed
    grey = Image.new("RGB", (64, 64))
    found = check_picture(opened, open_survey(folder), LAYER, 5, grey, read=lambda _: None)
    assert math.isnan(found.path)
    assert 0 <= found.score <= 1


def test_other_weights_cannot_be_checked(surveyed: Surveyed, demo_opened: OpenModel) -> None:
    _, folder, shown = surveyed
    with pytest.raises(UsageError, match="of other weights"):
        check_picture(demo_opened, open_survey(folder), LAYER, 5, Image.new("RGB", (9, 9)), read=shown.read)


@pytest.fixture
def demo_opened() -> OpenModel:
    """Another model."""
    return open_model("demo", "cpu")


GOOD = Rank(2.0, 5000, 5000, 1.4)


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        (Check(GOOD, 1, 768, 0.9, 0.8), "trust", "superstimulus"),
        (Check(Rank(1.0, 4990, 5000, 0.9), 1, 768, 0.9, 0.8), "trust", "more than 99.8 % of 5,000 pictures"),
        (Check(GOOD, 30, 768, 0.9, 0.8), "doubt", "30 of 768 units of the layer stand higher in it"),
        (Check(GOOD, 1, 768, 0.3, 0.8), "doubt", "leave 30 % of the activation"),
        (Check(GOOD, 1, 768, 0.9, 0.1), "doubt", "another way through the layers"),
        (Check(Rank(0.5, 4700, 5000, 0.4), 1, 768, 0.9, 0.8), "doubt", "more than 94.0 %"),
        (Check(Rank(0.0, 400, 5000, math.nan), 500, 768, math.nan, -0.2), "no", "more than 8.0 %"),
        (Check(GOOD, 1, 768, -0.1, 0.8), "no", "leave 0 % of the activation"),
    ],
)
def test_the_verdict_names_its_reasons(found: Check, verdict: str, words: str) -> None:
    assert found.verdict == verdict
    assert found.in_words.startswith(verdict.capitalize())
    assert words in found.in_words


def test_the_score_falls_with_everything_that_speaks_against_a_picture() -> None:
    scores = [
        Check(GOOD, 0, 768, 1.0, 1.0).score,
        Check(GOOD, 9, 768, 1.0, 1.0).score,
        Check(GOOD, 9, 768, 0.5, 1.0).score,
        Check(GOOD, 9, 768, 0.5, 0.2).score,
        Check(Rank(0.1, 4600, 5000, 0.1), 9, 768, 0.5, 0.2).score,
    ]
    assert scores[0] == 1
    assert np.all(np.diff(scores) < 0)
