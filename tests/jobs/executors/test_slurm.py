"""SlurmFleet: what is asked of SLURM, by a made-up sbatch; and jobs that really run, by submitit's local executor."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from clipdesk.errors import Cancelled, ClipDeskError, NoWorkersError, UsageError
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.executors.letters import Pace, read_beat
from clipdesk.jobs.executors.many import Many
from clipdesk.jobs.executors.slurm import SlurmFleet, SlurmOptions, slurm_options
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.jobs.executors.toy_fleet import awaited, finish_asking

needs_submitit = pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None or sys.platform == "win32", reason="submitit is not installed"
)
PROGRAMS = {
    "sbatch": 'cp "$1" "$CALLS/script"; echo "Submitted batch job 4242"',
    "srun": "exit 1",
    "squeue": 'echo "$@" >> "$CALLS/squeue"; cat "$CALLS/states"',
    "scancel": 'echo "$@" >> "$CALLS/scancel"',
}


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A SLURM of shell scripts, which note in this folder what they are called with."""
    folder, programs = tmp_path / "calls", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    for name, body in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    (folder / "states").write_text("PENDING Resources\nRUNNING None\nPENDING Resources\n")
    monkeypatch.setenv("CALLS", str(folder))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return folder


def options(tmp_path: Path, jobs: int = 3, **further: str) -> SlurmOptions:
    return SlurmOptions(jobs, 2, 1.5, tmp_path / "shared", further)


@needs_submitit
def test_an_array_is_submitted_watched_and_cancelled(calls: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with closing(SlurmFleet(options(tmp_path, partition="gpu", account="lab"), tell=said.append)) as fleet:
        script = (calls / "script").read_text().splitlines()
        wanted = {
            "account=lab",
            "array=0-2%3",
            "gpus-per-node=2",
            "job-name=clipdesk",
            "partition=gpu",
            "requeue",
            "signal=USR2@90",
            "time=90",
        }
        assert wanted <= {line.removeprefix("#SBATCH --") for line in script}
        assert said == [f"SLURM has job 4242, 3 times. Logs: {fleet.logs}"]
        assert fleet.logs.parent.parent == tmp_path / "shared"
        assert f"output={fleet.logs}/%A_%a_0_log.out" in {line.removeprefix("#SBATCH --") for line in script}
        assert awaited(fleet) == fleet.awaited() == "Waiting for SLURM's job 4242: 2 pending (Resources), 1 running"
        assert (calls / "squeue").read_text() == "--noheader --array --format=%T %r --jobs 4242\n", "asked once"
        assert not (calls / "scancel").exists()
    assert (calls / "scancel").read_text() == "4242\n"
    assert read_beat(fleet.folder / "head")["end"] is True


@needs_submitit
@pytest.mark.parametrize(
    "answer", ["cat /dev/null", 'echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1']
)
def test_jobs_that_have_all_ended_are_not_waited_for(calls: Path, tmp_path: Path, answer: str) -> None:
    (tmp_path / "programs" / "squeue").write_text(f"#!/bin/sh\n{answer}\n")
    with closing(SlurmFleet(options(tmp_path))) as fleet, closing(Many(fleet, Here())) as executor:
        job = Job(model="demo", targets=(Unit(layer="x", index=0),), settings=make_settings())
        with pytest.raises(NoWorkersError, match=f"All of SLURM's jobs 4242 have ended. Why, is in {fleet.logs}"):
            executor.prepare(job, Hooks())


@needs_submitit
def test_a_controller_that_does_not_answer_is_waited_for(calls: Path, tmp_path: Path) -> None:
    (tmp_path / "programs" / "squeue").write_text("#!/bin/sh\necho 'Unable to contact slurm controller' >&2; exit 1\n")
    with closing(SlurmFleet(options(tmp_path))) as fleet:
        assert awaited(fleet) == "Waiting for SLURM's job 4242: squeue does not answer"


@needs_submitit
def test_the_head_does_not_wait_for_a_squeue_that_hangs(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = threading.Event(), threading.Event()
    run: Callable[..., object] = subprocess.run

    def hang(command: list[str], **options: object) -> object:
        if command[0] == "squeue":
            asked.set()
            assert answered.wait(60)
        return run(command, **options)

    monkeypatch.setattr("clipdesk.jobs.executors.slurm.subprocess.run", hang)
    said: list[str] = []
    with closing(SlurmFleet(options(tmp_path))) as fleet, closing(Many(fleet, Here())) as executor:
        job = Job(model="demo", targets=(Unit(layer="x", index=0),), settings=make_settings())
        with pytest.raises(Cancelled):
            executor.prepare(job, Hooks(stage=said.append, unwanted=asked.is_set))
        assert not answered.is_set()
        assert set(said) <= {"Starting workers …", "Waiting for SLURM's job 4242: SLURM is asked"}
    answered.set()
    finish_asking()


@needs_submitit
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("exec sleep 60", "scancel has not answered for 0.2 seconds"),
        ("echo 'scancel: error: Unable to contact slurm controller' >&2; exit 1", "scancel: error: Unable to contact"),
        ("echo 'scancel: error: Kill job error on job id 4242: Invalid job id specified' >&2; exit 1", ""),
    ],
)
def test_the_end_does_not_wait_for_scancel_and_what_is_left_is_said(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, problem: str
) -> None:
    monkeypatch.setattr("clipdesk.jobs.executors.slurm._END_SECONDS", 0.2)
    (tmp_path / "programs" / "scancel").write_text(f"#!/bin/sh\n{answer}\n")
    said: list[str] = []
    SlurmFleet(options(tmp_path), tell=said.append).close()
    left = [line for line in said if line.startswith(f"SLURM's job 4242 was not cancelled: {problem}")]
    assert len(said) == 1 + bool(problem)
    assert not problem or left[0].endswith(" at once by: scancel 4242")


@needs_submitit
def test_what_sbatch_refuses_is_said_in_its_words_and_no_head_is_left(calls: Path, tmp_path: Path) -> None:
    refusal = "sbatch: error: invalid partition specified: gpux"
    (tmp_path / "programs" / "sbatch").write_text(f"#!/bin/sh\necho '{refusal}' >&2; exit 1\n")
    with pytest.raises(ClipDeskError, match=f"SLURM has not taken the jobs: .*{refusal}"):
        SlurmFleet(options(tmp_path, partition="gpux"))
    (spool,) = (tmp_path / "shared").glob("*/spool")
    assert read_beat(spool / "head")["over"] is True
    assert not (calls / "scancel").exists()


def test_without_submitit_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'clipdesk\[cluster\]'"):
        SlurmFleet(options(tmp_path))
    assert not (tmp_path / "shared").exists()


@needs_submitit
def test_without_slurm_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="sbatch is not here"):
        SlurmFleet(options(tmp_path))


def test_options_are_read() -> None:
    assert slurm_options("") == SlurmOptions()
    found = slurm_options("jobs=8,gpus=0,hours=0.5,folder=/shared,partition=gpu,exclusive,nodelist=a[1,3],mem=4G")
    assert found == SlurmOptions(
        8, 0, 0.5, Path("/shared"), {"partition": "gpu", "exclusive": True, "nodelist": "a[1,3]", "mem": "4G"}
    )
    assert slurm_options("gres=gpu:a100:1,constraint=a&b").further == {"gres": "gpu:a100:1", "constraint": "a&b"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Jobs", "'Jobs' is no option of SLURM's. Write --on slurm:jobs=8"),
        ("partition=", "'partition=' is no option"),
        ("jobs=1,jobs=2", "'jobs=2' is no option"),
        ("x y=1", "is no option"),
        ("jobs=0", "jobs=0 must be a whole number from 1 to 10000"),
        ("jobs", "jobs=True must be a whole"),
        ("gpus=-1", "gpus=-1 must be a whole number from 0 to 64"),
        ("gpus=1.5", "gpus=1.5 must be a whole"),
        ("hours=0", "hours=0 must be a number from 0.1 to 1000"),
        ("hours=x", "hours=x must be a number"),
        ("output=/x", "output is what ClipDesk sets itself"),
    ],
)
def test_options_that_are_none_are_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem.replace("'", "['\"]")):
        slurm_options(text)


@needs_submitit
def test_a_job_lends_is_put_into_the_queue_again_and_ends_with_the_head(tmp_path: Path) -> None:
    def until(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            fleet.receive(0.1)

    fleet = SlurmFleet(SlurmOptions(1, 0, 1.0, tmp_path), cluster="local", pace=Pace(beat=0.5))
    with closing(fleet):
        until(fleet.places)
        first = fleet.places()
        assert awaited(fleet) == f"Waiting for SLURM's job {fleet.job}: running"
        # As when its time is over: submitit writes down what is to be done, and the job ends until its turn comes.
        (task,) = psutil.Process(int(fleet.job)).children()
        task.send_signal(signal.SIGUSR2)
        until(lambda: fleet.places() and fleet.places() != first)
    (job,) = fleet._jobs
    assert "Requeued job" in (fleet.logs / f"{fleet.job}_0_log.out").read_text()
    until_ended = time.monotonic() + 60
    while not job.done():
        assert time.monotonic() < until_ended
        time.sleep(0.05)
