"""What is found of a picture, and from which numbers."""

from __future__ import annotations

import math

import pytest
from PIL import Image

from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.picture import check_picture
from clipdesk.activations.measuring import activations_in
from clipdesk.activations.questions.reading import read_vocabulary
from clipdesk.errors import UsageError
from clipdesk.network.pool import open_model
from clipdesk.render.expressions import parse_target
from tests.activations.checking.conftest import Setting
from tests.cli.surveys import LAYER


def check(setting: Setting, target: str, picture: Image.Image) -> Check:
    vocabulary = read_vocabulary(setting.opened.network, ("star", "heart"), reader="small")
    return check_picture(
        setting.opened,
        setting.survey,
        parse_target(target),
        picture,
        read=setting.shown.read,
        reader=setting.reader,
        vocabulary=vocabulary,
    )


def test_the_picture_that_excites_a_unit_most_is_where_it_is_in_the_survey(setting: Setting) -> None:
    statistics = setting.survey.statistics[LAYER, "mean"]
    unit = 5
    best, worst = (setting.picture(int(each.pictures[unit, 0])) for each in (statistics.top, statistics.bottom))
    top, bottom = check(setting, f"{LAYER}:{unit}", best), check(setting, f"{LAYER}:{unit}", worst)
    assert top.rank.below >= 63
    assert bottom.rank.below <= 1
    assert top.path > bottom.path
    assert top.seen is not None
    assert bottom.seen is not None
    assert top.seen.near > bottom.seen.near
    assert top.score > bottom.score
    values = activations_in(setting.opened, LAYER, [best], pooling="mean")[0]
    heights = (values - statistics.means) / statistics.deviations
    assert (top.higher, top.among) == (int((heights > heights[unit]).sum()), statistics.units - 1)


@pytest.mark.parametrize("target", ['"a red star"', f'{LAYER}:5 + "a star"', f"{LAYER}:5 - {LAYER}:6"])
def test_other_targets_stand_where_the_survey_has_them(setting: Setting, target: str) -> None:
    found = check(setting, target, setting.picture(3))
    assert 0 <= found.rank.below <= 64
    assert 0 <= found.score <= 1
    assert found.beside == {'"': "concepts", "v": "units of the layer"}[target[0]] * ("+" not in target)


def test_a_picture_is_kept_if_changes_leave_its_activation(setting: Setting) -> None:
    # A unit that is above its mean for it, so that there is a share to speak of.
    grey = Image.new("RGB", (64, 64), (120, 120, 120))
    statistics = setting.survey.statistics[LAYER, "mean"]
    values = activations_in(setting.opened, LAYER, [grey], pooling="mean")[0]
    unit = int(((values - statistics.means) / statistics.deviations).argmax())
    assert check(setting, f"{LAYER}:{unit}", grey).kept == pytest.approx(1, abs=0.05), "a blur of grey is grey"


def test_pictures_that_are_gone_leave_the_way_unknown(setting: Setting) -> None:
    target, grey = parse_target(f"{LAYER}:5"), Image.new("RGB", (64, 64))
    found = check_picture(setting.opened, setting.survey, target, grey, read=lambda _: None)
    assert math.isnan(found.path)
    assert found.seen is None
    assert 0 <= found.near < 5


def test_other_weights_cannot_be_checked(setting: Setting) -> None:
    with pytest.raises(UsageError, match="of other weights"):
        check_picture(
            open_model("demo", "cpu"),
            setting.survey,
            parse_target(f"{LAYER}:5"),
            Image.new("RGB", (9, 9)),
            read=setting.shown.read,
        )
