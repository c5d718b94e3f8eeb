"""Where a survey is made, and how far it is, as heads say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from clipdesk.gui.surveys.state import AtHead, Making, jobs_of, place_of
from clipdesk.jobs.heads import Head, HeadRow, Reached
from clipdesk.jobs.set_work import ComparisonWork, SurveyWork
from clipdesk.jobs.status import Wish
from clipdesk.jobs.stored import StoredJob
from clipdesk.models.names import parse_name

DEMO = parse_name("demo")
JOB = SurveyWork(model=DEMO, images="/photos")
STORED = StoredJob(3, JOB, Path("/surveys"), skip=True, wish=Wish.RUN, created="", counts={"waiting": 1})


def head(place: str, *, alive: bool = True, **row: object) -> Head:
    return Head(place, HeadRow.model_validate({"place": place, **row}), alive)


def test_it_is_said_where_a_survey_is_made() -> None:
    assert Making(JOB).where == "in this window"
    assert Making(JOB, place="local:2").where == "on local:2"


def test_a_head_says_how_far_its_jobs_are_also_those_that_it_prepares() -> None:
    stage, half = Reached(stage="Loading PyTorch …"), Reached(share=0.5)
    heads = [head("local:2", jobs=(3, 4), reached={3: half, 5: stage}), head("moon", alive=False, jobs=(6,))]
    found = {3: AtHead("local:2", half), 4: AtHead("local:2", Reached()), 5: AtHead("local:2", stage)}
    assert jobs_of(heads) == found


def test_a_head_has_a_survey_that_it_works_on_or_will() -> None:
    assert place_of(STORED, []) == ""
    assert place_of(STORED, [head("local:2")]) == "local:2"
    assert place_of(STORED, [head("local:2"), head("ray", jobs=(3,))]) == "ray"
    assert place_of(STORED, [head("local:2", only=(1,))]) == "", "it takes no other job"
    assert place_of(STORED, [head("local:2", alive=False)]) == ""
    assert place_of(replace(STORED, wish=Wish.PAUSE), [head("local:2")]) == ""


def test_a_head_leaves_a_comparison_to_the_window() -> None:
    whole = ComparisonWork(model=DEMO, second=DEMO, images="/photos")
    assert place_of(replace(STORED, job=whole), [head("local:2")]) == ""
    assert place_of(replace(STORED, job=whole), [head("here", jobs=(3,))]) == "here", "a command's takes it"
