"""What pages say, as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from clipdesk.activations.questions.heads import SpanWord
from clipdesk.export.answers_json import layer_as_json, plain, unit_as_json
from clipdesk.export.rendered import Rendered
from clipdesk.export.unit_page import HeadAnswers, RankedPicture
from clipdesk.links import Link, parse_link
from tests.export.origins import layer_of, origin_of, photo_survey, unit_of
from tests.recipes import make_recipe


def test_a_unit_is_plain_data(tmp_path: Path) -> None:
    survey = photo_survey()
    answers = unit_of(survey)
    picture = RankedPicture(
        Rendered(tmp_path / "x.png", Image.new("RGB", (8, 8)), make_recipe()), answers.rank(answers.numbers.most * 2)
    )
    found = json.loads(json.dumps(unit_as_json(origin_of(tmp_path, survey), answers, picture), allow_nan=False))
    assert parse_link(found["link"]) == Link("demo", "visual.layer", 4)
    assert found["unit"] == "visual.layer:4"
    assert found["numbers"]["clarity"] == pytest.approx(answers.numbers.clarity, rel=1e-5)
    assert found["numbers"]["quantiles"]["0.99"] == pytest.approx(answers.numbers.quantiles[2], rel=1e-5)
    assert sum(found["histogram"]["counts"]) == found["pictures"] == 1200
    assert [each["value"] for each in found["top"]] == pytest.approx(
        [each.value for each in answers.examples.top], rel=1e-5
    )
    assert found["top"][0]["place"] == survey.pictures[answers.examples.top[0].picture].place
    assert found["words"][0]["word"] == found["against"]["word"] == "concept 4"
    assert (found["rendered"]["below"], found["rendered"]["ratio"]) == (1200, 2)
    assert found["similar"]["across"][0]["link"].startswith("clipdesk://demo/visual.other/")


def test_what_a_head_writes_is_plain_data(tmp_path: Path) -> None:
    survey = photo_survey()
    origin, answers = origin_of(tmp_path, survey), unit_of(survey)
    found = unit_as_json(origin, answers, None, HeadAnswers((SpanWord("star", 0.25612345),)))
    assert found["writes"] == [{"word": "star", "explained": 0.256123}]
    assert unit_as_json(origin, answers)["writes"] is None


def test_a_constant_unit_has_nulls(tmp_path: Path) -> None:
    survey = photo_survey()
    found = json.loads(json.dumps(unit_as_json(origin_of(tmp_path, survey), unit_of(survey, 12)), allow_nan=False))
    assert (found["rendered"], found["against"], found["words"]) == (None, None, [])
    assert (found["numbers"]["kurtosis"], found["numbers"]["dead"]) == (None, True)


def test_a_layer_is_plain_data(tmp_path: Path) -> None:
    survey = photo_survey()
    answers = layer_of(survey)
    rendered = {4: Rendered(tmp_path / "x.png", Image.new("RGB", (8, 8)), make_recipe())}
    found = json.loads(json.dumps(layer_as_json(origin_of(tmp_path, survey), answers, rendered), allow_nan=False))
    assert [each["unit"] for each in found["units"]] == list(answers.order)
    assert found["overview"]["units"] == 15
    assert found["overview"]["dead"] == 1
    unit = next(each for each in found["units"] if each["unit"] == 4)
    assert unit["words"][0]["word"] == "concept 4"
    assert unit["rendered"] == str(tmp_path / "x.png")
    dead = next(each for each in found["units"] if each["unit"] == 12)
    assert (dead["notes"], dead["nearest"], dead["redundancy"], dead["words"]) == (["dead"], None, None, [])


def test_numbers_are_plain() -> None:
    assert (plain(float("nan")), plain(float("inf")), plain(1.23456789)) == (None, None, 1.23457)
    assert str(plain(-0.0)) == "0.0"
