"""What a head tells windows of its workers."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from clipdesk.cli import reporting
from clipdesk.cli.reporting import Report, first_of
from clipdesk.jobs.events import Began, Ended, Event, Progress
from clipdesk.jobs.executors.roster import Member
from clipdesk.jobs.heads import HeadFile, Reached, look_at_heads
from clipdesk.jobs.job import Job
from clipdesk.jobs.set_work import SurveyWork
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.stored import StoredJob
from clipdesk.render.targets import Unit


def test_workers_that_live_come_before_the_many_that_were_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "_MOST_WORKERS", 4)
    lost = [Member(f"job {number}", state="lost") for number in range(6)]
    found = first_of([*lost[:3], Member("GPU 0", state="ready"), *lost[3:], Member("GPU 1")])
    assert [each.place for each in found] == ["GPU 0", "GPU 1", "job 5", "job 4"]


def test_windows_are_told_which_worker_has_which_group(tmp_path: Path) -> None:
    units = tuple(Unit(layer="visual.transformer.resblocks.1.mlp.gelu", index=index) for index in range(3))
    stored = StoredJob(7, Job(model="demo", targets=units), tmp_path, skip=True, wish=Wish.RUN, created="", counts={})
    members = [Member("GPU 0", state="ready", busy=2), Member("GPU 1", state="ready")]
    file = HeadFile(tmp_path / "queue.sqlite", "local:2")
    with closing(file), closing(Report(file)) as report:

        def groups() -> list[tuple[int, str]]:
            return [(row.job, row.group) for row in map(report._row, members)]

        for member, group in zip(members, (units[:2], units[2:]), strict=True):
            report.take(stored, Progress(group, 1, 9, np.zeros(len(group), np.float32), worker=member.record))
        assert groups() == [(7, "1.mlp.gelu:0 and 1 more"), (0, "")]
        members[1].busy = 1
        assert groups()[1] == (7, "1.mlp.gelu:2")
        report.take(stored, Ended(Status.CANCELLED))
        assert groups() == [(0, ""), (0, "")]


def test_windows_are_told_how_far_a_survey_is(tmp_path: Path) -> None:
    job = SurveyWork(model="demo", images="/photos")
    stored = StoredJob(7, job, tmp_path, skip=True, wish=Wish.RUN, created="", counts={})
    file = HeadFile(tmp_path / "queue.sqlite", "local:2")

    def said(event: Event | str) -> tuple[tuple[int, ...], dict[int, Reached]]:
        if isinstance(event, str):
            report.prepare(7, event)
        else:
            report.take(stored, event)
        report._say()
        (head,) = look_at_heads(tmp_path / "queue.sqlite")
        return head.row.jobs, head.row.reached

    with closing(file), closing(Report(file)) as report:
        assert said("Loading PyTorch …") == ((), {7: Reached(stage="Loading PyTorch …")})
        assert said(Began()) == ((7,), {})
        assert said("Opening photos …") == ((7,), {7: Reached(stage="Opening photos …")})
        assert said(Progress(("/photos",), 25, 100, np.zeros(1, np.float32))) == ((7,), {7: Reached(share=0.25)})
        assert said("12 pictures are known") == ((7,), {7: Reached(share=0.25, stage="12 pictures are known")})
        assert said(Ended(Status.DONE)) == ((), {})
