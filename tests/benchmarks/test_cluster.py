"""Workers and heads that are killed lose nothing; more blows, and Ray's nodes, are in ``benchmarks/cluster.py``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.cluster import Pace, batch, best_of
from benchmarks.divided import survey_pace
from clipdesk.jobs.events import Done, Event
from clipdesk.jobs.executor import Hooks, Prepared
from clipdesk.jobs.executors.fleet import Fleet
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.work import Work
from tests.jobs.executors.toy_fleet import ToyFleet


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_everything_is_there_once_and_as_it_should_be_after_two_blows() -> None:
    # In a process of its own, whose children are the workers and nothing else.
    options = "chaos --blows 2 --units 12 --iterations 60 --longest 5"
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.cluster", *options.split()]
    process = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "missing=0, twice=0, broken=0, disagree=0, different=0): clean" in process.stdout


class Noted:
    """Does nothing, and notes that it was asked to."""

    def __init__(self, name: str, asked: list[tuple[str, int]]) -> None:
        self._name, self._asked = name, asked

    def prepare(self, job: Work, hooks: Hooks) -> Prepared:
        """As `Executor.prepare`."""
        return Prepared(len(job.units))

    def run(self, job: Work, hooks: Hooks) -> Iterator[Event]:
        """As `Executor.run`."""
        assert isinstance(job, Job)
        self._asked.append((self._name, len(job.targets)))
        yield from (Done(target) for target in job.targets)


def test_who_is_timed_takes_turns_so_that_a_busy_moment_is_nobodys_alone(tmp_path: Path) -> None:
    asked: list[tuple[str, int]] = []
    job = batch(tmp_path / "small.pt", units=9, iterations=1)
    times = best_of([Noted("here", asked), Noted("one", asked)], job, tmp_path, rounds=2)
    assert asked == [("here", 8), ("one", 8), ("here", 9), ("one", 9), ("here", 9), ("one", 9)]
    assert len(times) == 2


def test_the_pace_is_said_with_what_the_bars_are_about() -> None:
    assert str(Pace(here=10.0, one=10.4, two=5.2)).splitlines() == [
        "here: 10.00 s",
        "one worker: 10.40 s, +4.0 %",
        "two workers: 5.20 s, 1.92 times as fast as here, 2.00 times as fast as one",
    ]


def test_a_divided_survey_is_timed_and_compared(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))
    fleets: dict[str, Fleet] = {"two workers": ToyFleet(lambda _: Here())}
    lines = survey_pace(fleets, pictures=96, rounds=1, model=checkpoint).splitlines()
    assert lines[0].startswith("two workers: all equal, sums to ")
    assert lines[0].endswith("left out agree")
    assert [line.partition(":")[0] for line in lines[1:]] == ["here", "two workers"]
