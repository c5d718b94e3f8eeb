"""A unit's page."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from clipdesk.activations.checking.check import Check
from clipdesk.activations.checking.second import Seen
from clipdesk.activations.questions.heads import SpanWord
from clipdesk.export.rendered import Rendered
from clipdesk.export.unit_page import HeadAnswers, RankedPicture, unit_page
from tests.activations.surveys import LAYER
from tests.export.origins import HOSTILE, origin_of, photo_survey, thumbnails, unit_of
from tests.recipes import make_recipe


def ranked(folder: Path, value: float, check: Check | None = None) -> RankedPicture:
    image = Image.fromarray(np.full((64, 64, 3), 40, np.uint8))
    found = unit_of(photo_survey())
    return RankedPicture(Rendered(folder / "x.png", image, make_recipe()), found.rank(value), check)


def text_of(page: bytes) -> str:
    return page.decode("utf-8")


def test_the_page_says_what_the_survey_says(tmp_path: Path) -> None:
    survey = photo_survey()
    answers = unit_of(survey)
    path = tmp_path / "page.html"
    path.write_bytes(unit_page(origin_of(thumbnails(tmp_path / "s", survey), survey), answers, ranked(tmp_path, 99.0)))
    page = text_of(path.read_bytes())
    assert "<title>layer:4</title>" in page
    assert 'href="clipdesk://demo/visual.layer/4"' in page
    assert "clipdesk render --model demo --layer visual.layer --neuron 4" in page
    assert answers.labels[0].concept == "concept 4"
    assert f'concept 4 <span class="soft">{answers.labels[0].pearson:.3g}</span>' in page
    assert "99: more than all of 1,200 pictures; " in page
    assert 'text-anchor="end">rendered</text>' in page
    assert f"<dt>clarity</dt><dd>{answers.numbers.clarity:.3g}</dd>" in page
    for each in answers.examples.top:
        assert f"{each.value:.3g}" in page
    best = answers.similar.across[0]
    assert f'<a href="clipdesk://demo/visual.other/{best.unit}">other:{best.unit}</a>' in page
    assert page.count("data:image/webp") > len(answers.examples.top)


def test_a_check_stands_below_the_picture(tmp_path: Path) -> None:
    survey = photo_survey()
    answers = unit_of(survey)
    check = Check(answers.rank(99.0), 0, "units of the layer", 9, 0.9, 0.8, 0.8, Seen(HOSTILE, 0.1))
    origin = origin_of(thumbnails(tmp_path / "s", survey), survey)
    page = text_of(unit_page(origin, answers, ranked(tmp_path, 99.0, check)))
    assert "<b>Doubt: to " in page
    assert "it is not like the pictures that excite the target most.</b>" in page
    assert HOSTILE not in page


def test_without_leave_there_is_no_trace_of_a_photo(tmp_path: Path) -> None:
    survey = photo_survey()
    page = text_of(unit_page(origin_of(thumbnails(tmp_path / "s", survey), survey, photos=False), unit_of(survey)))
    assert "data:image" not in page
    assert "secret" not in page
    assert "caption" not in page.partition("</style>")[2]
    assert "class 1" in page
    assert "The photos are not in this page." in page


def test_hostile_names_labels_and_words_are_text(tmp_path: Path) -> None:
    survey = photo_survey(hostile=True)
    origin = origin_of(tmp_path, survey, model=f"/tmp/{HOSTILE}.pt")
    page = text_of(unit_page(origin, unit_of(survey, hostile=True)))
    body = page.partition("</style>")[2]
    assert "<script" not in body
    assert "onerror='" not in body
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", body)
    assert "x" * 300 not in body
    assert all(link.startswith("clipdesk:///%2Ftmp%2F") for link in re.findall(r'href="([^"]*)"', body))


def test_a_constant_unit_has_a_page(tmp_path: Path) -> None:
    survey = photo_survey()
    page = text_of(unit_page(origin_of(tmp_path, survey), unit_of(survey, 12)))
    assert "The unit is dead." in page
    assert "<dt>kurtosis</dt><dd>-</dd>" in page
    assert LAYER in page


def test_where_no_picture_excites_a_unit_the_page_says_so(tmp_path: Path) -> None:
    survey = photo_survey()
    answers = unit_of(survey)
    said = '<h2>Top pictures</h2><p class="note">No picture excites it.</p></section>'
    assert said not in text_of(unit_page(origin_of(tmp_path, survey), answers))
    without = replace(answers, examples=replace(answers.examples, top=()))
    assert said in text_of(unit_page(origin_of(tmp_path, survey), without))


def test_a_heads_page_says_what_it_looks_at_and_what_it_writes(tmp_path: Path) -> None:
    survey = photo_survey()
    origin, answers = origin_of(tmp_path, survey), unit_of(survey)
    looks = (Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64)))
    page = text_of(unit_page(origin, answers, None, HeadAnswers((SpanWord("<star>", 0.256),), looks)))
    assert '<th scope="row">&lt;star&gt;</th><td>25.6%</td>' in page
    assert page.count('alt="attention"') == 2
    assert "What it looks at" not in text_of(unit_page(origin, answers, None, HeadAnswers(())))
    assert "What it writes" not in text_of(unit_page(origin, answers))
