"""Heads: what they say of themselves, who has died, and how they are asked to stop."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clipdesk.jobs.heads import HeadFile, HeadRow, Reached, WorkerRow, ask_to_stop, forget, heads_of, look_at_heads

KILLED = """
import sys
from pathlib import Path
from clipdesk.jobs.heads import HeadFile
file = HeadFile(Path(sys.argv[1]), "local:2")
print("ready", flush=True)
input()
"""


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return tmp_path / "queue.sqlite"


def test_a_head_says_where_it_works_and_is_gone_when_it_has_ended(queue: Path) -> None:
    assert look_at_heads(queue) == []
    file = HeadFile(queue, "ray:HOST:6379")
    (head,) = look_at_heads(queue)
    assert head.alive
    assert (head.row.place, head.row.process, head.row.jobs, head.row.problem) == ("ray:HOST:6379", os.getpid(), (), "")
    worker = WorkerRow(name="GPU 0", node="n1", device="H200", state="ready", busy=8, pace=12.5)
    file.show(jobs=(4,), workers=(worker,), dashboard="http://127.0.0.1:8265")
    (head,) = look_at_heads(queue)
    assert (head.row.jobs, head.row.workers, head.row.dashboard) == ((4,), (worker,), "http://127.0.0.1:8265")
    file.close()
    assert look_at_heads(queue) == []
    assert list(heads_of(queue).iterdir()) == []


def test_what_could_not_be_written_is_said_with_the_next_word(queue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = HeadFile(queue, "local:2")

    def read_by_somebody(*_: object) -> None:
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(Path, "replace", read_by_somebody)
    file.show(jobs=(4,))
    monkeypatch.undo()
    assert look_at_heads(queue)[0].row.jobs == ()
    file.show(jobs=(4,))
    assert look_at_heads(queue)[0].row.jobs == (4,)
    file.close()


def test_a_problem_stays_until_it_was_said(queue: Path) -> None:
    HeadFile(queue, "moon").close("--on moon: name one of ...")
    (head,) = look_at_heads(queue)
    assert (head.alive, head.row.problem) == (False, "--on moon: name one of ...")
    forget(heads_of(queue), head.name)
    assert look_at_heads(queue) == []


@pytest.mark.skipif(sys.platform == "win32", reason="its file goes with it there")
def test_a_head_that_was_killed_is_said_to_be(queue: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(queue)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (head,) = look_at_heads(queue)
        assert head.alive
        process.kill()
        process.wait()
    (head,) = look_at_heads(queue)
    assert (head.alive, head.row.problem) == (False, "its process was killed")


def test_a_head_is_asked_to_stop(queue: Path) -> None:
    file = HeadFile(queue, "local:2")
    assert not file.asked_to_stop
    ask_to_stop(queue, look_at_heads(queue)[0].name)
    assert file.asked_to_stop
    file.close()
    ask_to_stop(queue, "0" * 32)
    assert list(heads_of(queue).iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"place": 3}'])
def test_files_of_others_are_left_out(queue: Path, text: str) -> None:
    heads_of(queue).mkdir()
    (heads_of(queue) / f"{'a' * 32}.json").write_text(text)
    assert look_at_heads(queue) == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://x y", "http://a\nb", "file:///etc/passwd"])
def test_only_pages_of_the_web_are_dashboards(url: str) -> None:
    assert HeadRow(place="ray", dashboard=url).dashboard == ""


def test_a_head_is_seen_whatever_one_of_its_words_is(queue: Path) -> None:
    file = HeadFile(queue, "ray:" + "x" * 2_000)
    workers = [WorkerRow(name="n" * 2_000, reason="r" * 2_000)] * 3
    file.show(dashboard="http://a host:8265/", workers=workers, jobs=(4,))
    (head,) = look_at_heads(queue)
    assert (head.alive, head.row.dashboard, head.row.jobs) == (True, "", (4,))
    assert (len(head.row.place), len(head.row.workers), len(head.row.workers[0].reason)) == (1_000, 3, 1_000)
    # As one of another version has written it.
    path = heads_of(queue) / f"{head.name}.json"
    path.write_text(path.read_text().replace('"dashboard":""', '"dashboard":"http://a b"'))
    assert look_at_heads(queue)[0].row.dashboard == ""
    file.close()


def test_what_a_head_has_left_that_was_killed_before_its_first_word_is_removed(queue: Path) -> None:
    file = HeadFile(queue, "local:2")
    name = look_at_heads(queue)[0].name
    for left in (name, "a" * 32):
        (heads_of(queue) / f"{left}.partial").touch()
    look_at_heads(queue)
    assert sorted(path.name for path in heads_of(queue).glob("*.partial")) == [f"{name}.partial"]
    file.close()


def test_a_head_says_how_far_it_is_with_what_it_does_as_a_whole(queue: Path) -> None:
    file = HeadFile(queue, "local:2")
    file.show(jobs=(3,), reached={3: Reached(share=0.25), 4: Reached(stage="Loading PyTorch …")})
    (head,) = look_at_heads(queue)
    assert head.row.reached == {3: Reached(share=0.25), 4: Reached(stage="Loading PyTorch …")}
    file.close()
