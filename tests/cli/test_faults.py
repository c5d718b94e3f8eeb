"""A failure on the command line is one plain line that says what becomes of the work."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import torch

from clipdesk import database
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.render.optimization import Optimization
from tests.cli.conftest import Command
from tests.conftest import VIT_LAYER

RENDER = ["render", "--model", "SMALL", "--layer", VIT_LAYER, "--device", "cpu", "--iterations", "2"]
BATCH = ["batch", *RENDER[1:], "--neuron-range", "0", "4", "1"]


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, after: int = 0) -> None:
    """Let every step after a number of steps fail."""
    step, done = Optimization.step, iter(range(10_000))

    def fail(optimization: Optimization, number: int) -> object:
        if next(done) >= after:
            raise error
        return step(optimization, number)

    monkeypatch.setattr(Optimization, "step", fail)


def states() -> list[str]:
    store = JobStore(default_store())
    try:
        return [unit.state for unit in store.units(1)]
    finally:
        store.close()


def test_a_batch_continues_after_its_device_has_failed(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 2)
    with monkeypatch.context() as patch:
        failing(patch, torch.AcceleratorError("CUDA error: device-side assert triggered\nCompile with more"), after=2)
        outcome = clipdesk(*BATCH)
    assert outcome.code == 1
    assert len(outcome.out.splitlines()) == 2
    reason = "The device cpu has failed (CUDA error: device-side assert triggered)"
    assert outcome.err.splitlines()[-3:] == [
        f"Error: {VIT_LAYER}:2: {reason}",
        f"Error: {VIT_LAYER}:3: {reason}",
        f"Error: {reason}. Nothing more can be rendered on it until ClipDesk is started again",
    ]
    assert states() == ["done", "done", "failed", "failed"]
    assert clipdesk("queue", "retry", "1").code == 0
    assert clipdesk("queue", "run").code == 0
    assert states() == ["done"] * 4


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "There is not enough memory for 1 picture at once"),
        (RuntimeError("strange\nand long"), "The device cpu could not compute a step (strange)"),
        (ValueError("strange\nand long"), "ValueError: strange. Details are in "),
    ],
)
def test_an_error_of_the_device_is_one_line(
    clipdesk: Command, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    failing(monkeypatch, error)
    outcome = clipdesk(*RENDER, "--neuron", "1")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert outcome.err.startswith("Error: ")
    assert message in outcome.err
    assert clipdesk.files() == []


def test_a_locked_queue_is_reported(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    JobStore(default_store()).close()
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    other = sqlite3.connect(default_store(), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for command in (["queue", "list"], ["queue", "run"]):
        assert clipdesk(*command).code == 0, "with nothing in it, there is nothing to write"
    outcome = clipdesk(*BATCH)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert outcome.err.endswith("cannot be read or written: another program has held it for 0.05 s. Try again\n")
    other.execute("COMMIT")
    other.close()
    assert clipdesk(*BATCH).code == 0


@pytest.mark.parametrize("command", [["queue", "list"], ["queue", "run"], BATCH])
def test_a_read_only_data_folder_is_reported(
    clipdesk: Command, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", "/dev/null/data")
    outcome = clipdesk(*command)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert outcome.err == "Error: The queue /dev/null/data/queue.sqlite cannot be opened: Not a directory\n"


@pytest.mark.parametrize("command", [["layers"], ["render", "--text", "a"], BATCH])
def test_a_folder_is_not_a_checkpoint(clipdesk: Command, tmp_path: Path, command: list[str]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    outcome = clipdesk(*command, "--model", str(folder))
    assert (outcome.code, outcome.out) == (1, "")
    wanted = f"'{folder}' is a folder without a checkpoint in it. Name a model or a file of one"
    assert outcome.err == f"Error: {wanted}\n"
    assert clipdesk.files() == []


def test_a_text_that_a_checkpoint_cannot_read_is_one_line(clipdesk: Command) -> None:
    from clip.model import CLIP

    torch.save(CLIP(32, 32, 2, 64, 8, 77, 100, 64, 1, 1).state_dict(), clipdesk.folder / "x.pt")
    outcome = clipdesk("render", "--model", "x.pt", "--text", "a star")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "This model knows 100 tokens of CLIP's 49,408, too few to read a text" in outcome.err
