"""What the unit page shows, against the answers that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from clipdesk.activations.questions.unit import unit_answers
from clipdesk.gui.surveys.asked import AskedSurvey
from clipdesk.gui.surveys.data import Heading, Photo, PooledUnit
from tests.cli.surveys import LAYER


def photos(items: Sequence[Photo | Heading]) -> list[Photo]:
    return [each for each in items if isinstance(each, Photo)]


def test_a_page_shows_what_a_survey_answers(asked: AskedSurvey) -> None:
    facts = asked.unit_facts(PooledUnit(LAYER, 3))
    answers = unit_answers(asked.survey, LAYER, 3, rectified=True, count=18)
    top = photos(facts.top)
    assert [photo.picture for photo in top] == [each.picture for each in answers.examples.top]
    assert [photo.value for photo in facts.bottom] == [each.value for each in answers.examples.bottom]
    assert sum(facts.counts) == 24
    assert len(facts.edges) == len(facts.counts) + 1
    assert dict(facts.numbers)["largest"] == f"{answers.numbers.most:.3g}"
    known = asked.survey.pictures[top[0].picture]
    assert (top[0].place, top[0].label) == (known.place, known.label)
    assert [each.pooled.unit for each in facts.within] == [each.unit for each in answers.similar.within]


def test_a_unit_is_shown_in_the_pooling_that_is_asked_for_where_the_survey_has_it(asked: AskedSurvey) -> None:
    by_max = asked.unit_facts(PooledUnit(LAYER, 3, "max"))
    assert (by_max.pooling, by_max.poolings) == ("max", ("mean", "max", "class"))
    top = asked.survey.statistics[LAYER, "max"].top
    assert photos(by_max.top)[0].value == pytest.approx(top.values[3, 0])
    assert by_max.numbers != asked.unit_facts(PooledUnit(LAYER, 3)).numbers


def test_a_pooling_that_another_survey_had_gives_way_to_the_usual_one(asked: AskedSurvey) -> None:
    means = {key: asked.survey.statistics[key] for key in asked.survey.statistics if key[1] == "mean"}
    asked.survey = replace(asked.survey, statistics=means)
    assert asked.unit_facts(PooledUnit(LAYER, 3, "max")).pooling == "mean"


def test_a_unit_that_no_picture_excites_has_no_pictures_at_its_top(asked: AskedSurvey) -> None:
    own = asked.survey.statistics[LAYER, "mean"]
    zeros = replace(own.top, values=0 * own.top.values)
    dead = replace(own, top=zeros, least=0 * own.least, most=0 * own.most)
    asked.survey = replace(asked.survey, statistics={(LAYER, "mean"): dead})
    facts = asked.unit_facts(PooledUnit(LAYER, 3))
    assert facts.top == (Heading("No picture\nexcites it"),)
    assert facts.groups == ()


def test_each_part_of_the_range_is_a_row_after_its_heading(asked: AskedSurvey) -> None:
    facts = asked.unit_facts(PooledUnit(LAYER, 3))
    for items in (facts.range, facts.groups):
        rows = [items[start : start + 5] for start in range(0, len(items), 5)]
        assert rows
        for row in rows:
            assert len(row) == 5
            assert isinstance(row[0], Heading)
            assert row[0].words
            assert all(isinstance(each, Photo) or not each.words for each in row[1:])


def test_words_come_when_they_are_read(asked: AskedSurvey) -> None:
    assert asked.unit_facts(PooledUnit(LAYER, 3)).words is None
    asked.read_words(lambda _done, _total: None)
    facts = asked.unit_facts(PooledUnit(LAYER, 3))
    assert facts.words is not None
    assert all(word.pearson < 0 for word in facts.opposite)


def test_what_is_said_of_a_photo_is_bounded() -> None:
    photo = Photo(1, 0.5, "a/" + "n" * 4000, "cats", "c" * 4000, alike=2)
    assert len(photo.words) < 1000
    assert photo.words.splitlines()[1] == "cats"
    assert photo.words.endswith("and 2 much like it")
