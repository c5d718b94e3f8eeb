"""``clipdesk queue`` and what ``clipdesk batch`` leaves there."""

import json
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from clipdesk.cli import queue, reporting
from clipdesk.cli.bars import Bar
from clipdesk.cli.reporting import Report
from clipdesk.jobs.executor import Hooks, Prepared
from clipdesk.jobs.heads import HeadFile, HeadRow, look_at_heads
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.set_work import ComparisonWork, SurveyWork
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.jobs.work import Work
from clipdesk.paths import log_file
from clipdesk.render.targets import Unit
from tests.cli.conftest import Command

BATCH = [
    "batch",
    "--model",
    "SMALL",
    "--layer",
    "visual.conv1",
    "--device",
    "cpu",
    "--iterations",
    "2",
    "--neuron-range",
]


def rows(clipdesk: Command) -> list[dict[str, object]]:
    found = json.loads(clipdesk("queue", "list", "--json").out)
    assert isinstance(found, list)
    return found


def test_an_empty_queue(clipdesk: Command) -> None:
    assert clipdesk("queue", "list").err == "The queue is empty.\n"
    assert rows(clipdesk) == []
    assert clipdesk("queue", "run").err == "No job is waiting.\n"


def test_a_batch_is_a_job_of_the_queue(clipdesk: Command) -> None:
    clipdesk(*BATCH, "0", "3", "1")
    (row,) = rows(clipdesk)
    assert (row["status"], row["done"], row["units"], row["first"]) == ("done", 3, 3, "visual.conv1:0")
    assert clipdesk("queue", "clear").out == "1 removed\n"
    assert len([name for name in clipdesk.files("generated_images") if name.endswith(".png")]) == 3


def test_the_same_command_continues_an_interrupted_batch(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    store = JobStore(default_store())
    clipdesk(*BATCH, "0", "2", "1")
    (stored,) = store.jobs()
    number = store.add(stored.job.model_copy(update={"seed_base": 4}), stored.folder)
    store.wish(number, Wish.PAUSE)
    outcome = clipdesk(*BATCH, "0", "2", "1", "--seed-base", "4")
    assert "2 rendered" in outcome.err
    assert [row["status"] for row in rows(clipdesk)] == ["done", "done"]


def test_jobs_are_paused_resumed_cancelled_and_retried(clipdesk: Command) -> None:
    clipdesk(*BATCH, "0", "1", "1")
    store = JobStore(default_store())
    (stored,) = store.jobs()
    number = store.add(stored.job.model_copy(update={"seed_base": 1}), stored.folder)
    assert clipdesk("queue", "pause", str(number)).out == f"Job {number}: paused\n"
    assert clipdesk("queue", "run").err == "No job is waiting.\n"
    assert clipdesk("queue", "resume", str(number)).out.startswith(f"Job {number}: waiting.")
    assert clipdesk("queue", "cancel", str(number)).out.startswith(f"Job {number}: cancelled")
    assert clipdesk("queue", "retry", str(number)).out.startswith(f"Job {number}: 0 failed units")
    outcome = clipdesk("queue", "run")
    assert "1 rendered, 0 skipped, 0 failed" in outcome.err
    outcome = clipdesk("queue", "pause", "99")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "There is no job 99" in outcome.err


def test_a_wrong_batch_is_not_queued(clipdesk: Command) -> None:
    assert clipdesk(*BATCH, "0", "9000", "1").code == 2
    assert rows(clipdesk) == []


def test_a_damaged_queue_is_reported_and_kept(clipdesk: Command) -> None:
    path = default_store()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no database" * 200)
    outcome = clipdesk("queue", "list")
    assert "It is kept as" in outcome.err
    assert len(list(path.parent.glob("queue-*.sqlite"))) == 1


def test_queue_show_lists_the_units_with_their_reasons(clipdesk: Command) -> None:
    clipdesk(*BATCH, "0", "1", "1")
    store = JobStore(default_store())
    (stored,) = store.jobs()
    assert isinstance(stored.job, Job)
    wrong = Unit(layer="visual.conv1", index=9000)
    number = store.add(stored.job.model_copy(update={"targets": (*stored.job.targets, wrong)}), stored.folder)
    assert clipdesk("queue", "run").code == 1
    found = json.loads(clipdesk("queue", "show", str(number), "--json").out)
    assert [(row["unit"], row["state"]) for row in found] == [
        ("visual.conv1:0", "done"),
        ("visual.conv1:9000", "failed"),
    ]
    assert found[0]["file"].endswith(".png")
    assert found[0]["worker"] == "", "this process rendered it"
    assert "has no channel 9000" in found[1]["reason"]
    assert clipdesk("queue", "show", "99").code == 2


def test_a_job_of_another_version_is_mentioned(clipdesk: Command) -> None:
    clipdesk(*BATCH, "0", "1", "1")
    db = sqlite3.connect(default_store())
    db.execute("UPDATE jobs SET job = '{\"odd\": 1}'")
    db.commit()
    db.close()
    assert "job 1 is of another version" in clipdesk("queue", "list").err


@pytest.mark.parametrize("place", ["mars", "rays", "local:0", "local:x", "local:-1", "spool:", "spool", ""])
def test_a_place_that_is_not_there_is_named(clipdesk: Command, place: str) -> None:
    result = clipdesk("queue", "run", "--on", place)
    assert result.code == 2
    assert result.err.startswith(f"Error: --on {place}: name one of here, ")


def test_the_ray_that_a_job_of_it_is_in_is_no_place_for_people(clipdesk: Command) -> None:
    result = clipdesk("queue", "run", "--on", "ray:auto")
    assert (result.code, result.err) == (
        2,
        "Error: --on ray:auto: name the Ray by its address, such as ray:HOST:6379\n",
    )


def test_workers_of_this_computer_render_a_batch_and_windows_see_them(
    clipdesk: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[HeadRow] = []
    monkeypatch.setattr(reporting, "_EVERY", 0.02)
    monkeypatch.setattr(HeadFile, "_write", lambda file: seen.append(file._row))
    result = clipdesk(*BATCH, "0", "4", "1", "--on", "local:2")
    assert result.code == 0
    assert {row.place for row in seen} == {"local:2"}
    assert any(row.jobs == row.only == (1,) for row in seen)
    workers = [worker for row in seen for worker in row.workers]
    assert {worker.name for worker in workers} == {"worker 1", "worker 2"}
    ready = [worker for worker in workers if worker.state == "ready"]
    assert {worker.node for worker in ready} == {socket.gethostname()}
    assert {worker.device[:3] for worker in ready} == {"CPU"}
    assert max(worker.busy for worker in ready) >= 1
    assert result.err.splitlines()[-1].startswith("4 rendered, 0 skipped, 0 failed")
    made_by = [str(row["worker"]) for row in json.loads(clipdesk("queue", "show", "1", "--json").out)]
    assert {each.partition(", ")[0] for each in made_by} <= {f"worker {n} on {socket.gethostname()}" for n in (1, 2)}
    assert len(made_by) == 4
    assert len([name for name in clipdesk.files("generated_images") if name.endswith(".png")]) == 4
    again = clipdesk(*BATCH, "0", "4", "1", "--on", "local")
    assert again.err.splitlines()[-2].startswith("0 rendered, 4 skipped")


def test_a_command_stops_when_a_window_asks_it_to(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Report, "asked_to_stop", lambda _: True)
    assert clipdesk(*BATCH, "0", "4", "1", "--on", "here").code == 130
    with closing(JobStore(default_store())) as store:
        assert store.get(1).counts == {"waiting": 4}


def test_a_head_of_a_window_leaves_urgent_and_whole_jobs_and_its_problem_to_it(
    clipdesk: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_leave_terminal", lambda: None)
    clipdesk(*BATCH, "0", "2", "1", "--on", "mars")
    assert look_at_heads(default_store()) == []
    clipdesk(*BATCH, "0", "2", "1")
    with closing(JobStore(default_store())) as store:
        (stored,) = store.jobs()
        urgent = store.add(stored.job, stored.folder, urgent=True, skip=False)
        batch = store.add(stored.job, stored.folder, skip=False)
        whole = ComparisonWork(model=stored.job.model, second=stored.job.model, images="/photos")
        comparison = store.add(whole, stored.folder)
        survey = store.add(SurveyWork(model=stored.job.model, images="/photos"), stored.folder)
        assert clipdesk("queue", "run", "--on", "here", "--for-window").code == 1, "there are no such images"
        found = [store.get(number).status for number in (urgent, batch, comparison, survey)]
        assert found == [Status.WAITING, Status.DONE, Status.WAITING, Status.FAILED]
    assert clipdesk("queue", "run", "--on", "mars", "--for-window").code == 2
    (head,) = look_at_heads(default_store())
    assert (head.alive, head.row.place) == (False, "mars")
    assert head.row.problem.startswith("--on mars: name one of here, ")


def test_heads_of_windows_write_one_log_without_gaps(clipdesk: Command) -> None:
    code = "import os; from clipdesk.cli.queue import _leave_terminal; _leave_terminal(); "
    code += "os.write(1, b'before'); os.read(0, 1); os.write(1, b'first')"
    path = log_file().with_name("head.log")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as first:
        while first.poll() is None and not (path.exists() and path.read_text() == "before"):
            time.sleep(0.01)
        path.write_text("second, ")
        first.communicate(b".")
    assert path.read_text() == "second, first"


@pytest.mark.parametrize("for_window", [True, False])
def test_an_error_that_nobody_expected_is_left_to_the_window_too(clipdesk: Command, for_window: bool) -> None:
    with pytest.raises(ZeroDivisionError), reporting.reported("local:2", for_window=for_window):
        raise ZeroDivisionError("a bug")
    problems = [head.row.problem for head in look_at_heads(default_store())]
    assert [problem.partition(". ")[0] for problem in problems] == ["ZeroDivisionError: a bug"] * for_window


def test_what_is_done_before_the_first_step_is_shown(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    prepare = Here.prepare

    def telling(here: Here, job: Work, hooks: Hooks) -> Prepared:
        hooks.stage("Starting workers …")
        return prepare(here, job, hooks)

    monkeypatch.setattr(Here, "prepare", telling)
    monkeypatch.setattr(Bar, "show_stage", lambda _bar, _number, text: shown.append(text))
    assert clipdesk(*BATCH, "0", "1", "1", "--on", "here").code == 0
    assert shown[0] == "Starting workers …"


def test_a_bar_on_a_terminal_shows_a_stage_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Bar(10, "0/1 pictures") as bar:
        bar.show_stage(1, "Starting\nworkers …")
    assert "Starting\\nworkers …" in capsys.readouterr().err
