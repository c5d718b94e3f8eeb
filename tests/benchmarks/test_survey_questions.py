"""Surveys that are made up for the benchmark, and what is printed of the questions to them."""

from pathlib import Path

import pytest

from benchmarks import survey_questions
from benchmarks.survey_questions import Size
from clipdesk.activations.storing import open_survey

SMALL = Size(pictures=300, layers=2, units=20, width=16, sampled=60, concepts=12)


def test_a_made_up_survey_has_the_size_that_was_asked_for(tmp_path: Path) -> None:
    survey_questions.write_made_up(tmp_path / "survey", SMALL)
    survey = open_survey(tmp_path / "survey")
    assert len(survey.pictures) == len(survey.embeddings.rows) == 300
    assert [statistics.units for statistics in survey.statistics.values()] == [20, 20]
    assert {len(statistics.cross[0]) for statistics in survey.statistics.values()} == {16}


def test_every_question_is_printed_with_its_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.survey_questions._seconds", lambda question: len([question()]) / 4)
    survey_questions.report(SMALL, "scenes:120", 1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "300 pictures, 40 units"
    assert lines[-4:] == [
        "scenes:120, demo, one unit",
        "examples: 0.250 s (bar 0.1 s)",
        "words: 0.250 s (bar 0.1 s)",
        "numbers: 0.250 s (bar 0.1 s)",
    ]
    assert "words of a unit by soft WPMI, the first of a layer: 0.250 s (bar 1 s)" in lines
    assert len(lines) == 1 + 14 + 4
