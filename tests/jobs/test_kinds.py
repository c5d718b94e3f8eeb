"""A second kind of work gets from the queue what rendering gets: a row, progress, pause, resume, and recovery."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from clipdesk.cli import main
from clipdesk.jobs.events import Ended, Event, Paused, Progress
from clipdesk.jobs.here import Here
from clipdesk.jobs.kinds import read_work
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore
from clipdesk.jobs.stored import StoredUnit
from clipdesk.models.names import Named
from tests.toy_work import WEIGHTS, Counter, Counting


@pytest.fixture(autouse=True)
def _known(counting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.jobs.working.LOOK_SECONDS", 0.0)


def work(*pages: str, patience: int = 3) -> Counting:
    return Counting(model=Named("demo"), pages=pages, patience=patience)


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_it_is_kept_as_it_is(store: JobStore, tmp_path: Path) -> None:
    number = store.add(work("a", "b", "a"), tmp_path / "out")
    assert store.get(number).job == work("a", "b"), "each unit once"
    assert read_work(work("a").written()) == work("a")


def test_it_is_done_in_groups_with_progress(store: JobStore, tmp_path: Path) -> None:
    number, counter = store.add(work("a", "b", "c"), tmp_path / "out"), Counter()
    with closing(QueueService(store.path, counter)) as service:
        seen = [step.event for step in service.steps()]
    assert kinds(seen) == [
        *["Began", *["Progress"] * 3, "Done", *["Progress"] * 3, "Done"],
        *["Began", *["Progress"] * 3, "Done", "Ended"],
    ]
    assert seen[-1] == Ended(Status.DONE)
    assert store.units(number) == [StoredUnit(i, "done", f"{page}.txt", "") for i, page in enumerate("abc")]
    assert store.get(number).job.weights == WEIGHTS
    assert (tmp_path / "out" / "settled").exists()


def test_a_unit_that_fails_is_noted_and_tried_again(store: JobStore, tmp_path: Path) -> None:
    number = store.add(work("", "b"), tmp_path / "out")
    with closing(QueueService(store.path, Counter())) as service:
        list(service.steps())
        assert store.get(number).status is Status.FAILED
        assert store.units(number)[0] == StoredUnit(0, "failed", "", "the page is empty")
        assert store.retry(number) == 1
        assert kinds([step.event for step in service.steps()])[-2:] == ["Failure", "Ended"]


def test_it_is_paused_and_goes_on_from_there(store: JobStore, tmp_path: Path) -> None:
    number, counter = store.add(work("a", patience=20), tmp_path / "out"), Counter()
    other = store.add(work("b"), tmp_path / "out")
    steps: list[int] = []
    with closing(QueueService(store.path, counter)) as service:
        for step in service.steps(wait=True):
            if isinstance(step.event, Progress) and step.stored.number == number:
                steps.append(step.event.step)
                if step.event.step == 5:
                    service.wish(number, Wish.PAUSE)
            elif isinstance(step.event, Paused):
                assert store.get(number).status is Status.PAUSED
            elif isinstance(step.event, Ended) and step.stored.number == other:
                service.wish(number, Wish.RUN)
    assert steps == list(range(1, 21))
    assert counter.counted == ["b", "a"]


def test_it_is_cancelled(store: JobStore, tmp_path: Path) -> None:
    number = store.add(work("a", "b", patience=5000), tmp_path / "out")
    with closing(QueueService(store.path, Counter())) as service:
        for step in service.steps():
            if isinstance(step.event, Progress):
                assert step.event.step < 10
                service.wish(number, Wish.CANCEL)
    assert (store.get(number).status, store.get(number).counts) == (Status.CANCELLED, {"waiting": 2})


def test_an_urgent_one_goes_before(store: JobStore, tmp_path: Path) -> None:
    counter, asked = Counter(), list[int]()
    with closing(QueueService(store.path, counter)) as service:
        service.add(work("a", "b", "c", "d"), tmp_path / "out")
        for step in service.steps():
            if isinstance(step.event, Progress) and not asked:
                asked.append(service.add(work("now"), tmp_path / "out", urgent=True))
    assert counter.counted == ["a", "b", "now", "c", "d"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_process_that_is_killed_loses_at_most_its_group(store: JobStore, tmp_path: Path) -> None:
    pages = [f"page-{i}" for i in range(6)]
    number = store.add(work(*pages), tmp_path / "out")
    command = [sys.executable, "-m", "tests.toy_work", str(store.path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(11)]
        assert said.count("Done") == 2
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    assert store.get(number).counts["running"] == 2
    counter = Counter()
    with closing(QueueService(store.path, counter)) as service:
        list(service.steps())
    assert store.get(number).counts == {"done": 6}
    assert len(counter.counted) in (3, 4), "what was done is not done again"
    assert [(tmp_path / "out" / f"{page}.txt").read_text() for page in pages] == ["counted\n"] * 6


def test_it_has_a_row_in_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))
    with closing(QueueService(tmp_path / "queue.sqlite", Counter())) as service:
        number = service.add(work("a", ""), tmp_path / "out")
        list(service.steps())
    with pytest.raises(SystemExit):
        main(["queue", "list", "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["status"], row["done"], row["failed"], row["units"], row["first"]) == ("failed", 1, 1, 2, "a")
    with pytest.raises(SystemExit):
        main(["queue", "show", str(number), "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert rows[0] == {"unit": "a", "state": "done", "file": "a.txt", "worker": "", "reason": ""}
    assert rows[1]["reason"] == "the page is empty"


def test_where_nobody_can_do_it_it_fails_and_the_queue_goes_on(store: JobStore, tmp_path: Path) -> None:
    number = store.add(work("a"), tmp_path / "out")
    with closing(QueueService(store.path, Here())) as service:
        assert kinds([step.event for step in service.steps()]) == ["Began", "Failure", "Ended"]
    assert "work of the kind counting is not done here" in store.units(number)[0].reason
