"""What goes wrong in the window is said in one line; the window goes on, and each unit's state is right."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QSettings, QTimer
from pytestqt.qtbot import QtBot

from clipdesk import database
from clipdesk.export.png import read_recipe
from clipdesk.gui.item_models.jobs import DETAIL_ROLE
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.words import describe
from clipdesk.jobs import here
from clipdesk.jobs.status import Status
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.network.pool import ModelPool
from clipdesk.render.optimization import Optimization
from clipdesk.render.presets import make_settings
from tests.gui.conftest import done, finished, open_queue, run_of, until
from tests.gui.jobs import units

pytestmark = pytest.mark.usefixtures("own_queue")


def states() -> list[list[str]]:
    """The state of each unit of each job in the queue's file."""
    if not default_store().exists():
        return []
    store = JobStore(default_store())
    try:
        return [[unit.state for unit in store.units(stored.number)] for stored in store.jobs()]
    finally:
        store.close()


def pictures(folder: Path) -> list[Path]:
    """What the window has kept."""
    return sorted((folder / "results").glob("*.png"))


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, fails: Callable[[int], bool]) -> None:
    """Let those steps fail of whose number, from 0, `fails` says so."""
    step, count = Optimization.step, iter(range(100_000))

    def fail(optimization: Optimization, number: int) -> object:
        if fails(next(count)):
            raise error
        return step(optimization, number)

    monkeypatch.setattr(Optimization, "step", fail)


def test_a_device_that_fails_leaves_what_waits_to_the_next_start(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "usual_group", lambda *_: 1)
    with monkeypatch.context() as patch:
        lost = torch.AcceleratorError("CUDA error: device-side assert triggered\nCompile with more")
        failing(patch, lost, lambda number: number >= 5)
        window.asking.render(units(1, 2, 3))
        window.asking.add_batch(units(4))
        until(qtbot, lambda: run_of(window).state is Status.FAILED)
    assert window.notice.message == (
        "The device cpu has failed (CUDA error: device-side assert triggered). "
        "Nothing more can be rendered on it until ClipDesk is started again"
    )
    until(qtbot, lambda: states() == [["done", "failed", "waiting"], ["waiting"]])
    assert run_of(window, 2).state is Status.WAITING
    # Nothing that is asked for later is begun on the device that has failed.
    window.asking.add_batch(units(5))
    window.controller.retry(run_of(window))
    # What is tried again stands last.
    left = [["waiting"], ["waiting"], ["done", "waiting", "waiting"]]
    until(qtbot, lambda: states() == left)
    qtbot.wait(300)
    window.close()
    assert states() == left
    second = new_window()
    second.opening.open()
    until(qtbot, second.offer.isVisible)
    second.offer.go_on.click()
    until(qtbot, lambda: states() == [["done"], ["done"], ["done", "done", "done"]])


def test_a_unit_that_finds_no_memory_fails_alone(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "usual_group", lambda *_: 2)
    # The group of two, then the first one alone.
    failing(monkeypatch, torch.OutOfMemoryError("CUDA out of memory"), lambda number: number < 2)
    window.asking.render(units(1, 2))
    window.asking.add_batch(units(3))
    until(qtbot, lambda: finished(window))
    assert "There is not enough memory for 1 picture at once. Try a smaller size" in window.notice.message
    assert [run_of(window, number).state for number in (1, 2)] == [Status.FAILED, Status.DONE]
    until(qtbot, lambda: states() == [["failed", "done"], ["done"]])


def test_an_error_that_nobody_foresaw_is_one_line(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, ValueError("strange\nand long"), lambda _: True)
    window.asking.render(units(1))
    until(qtbot, lambda: run_of(window).state is Status.FAILED)
    assert window.notice.message.startswith(f"{run_of(window).title}: ValueError: strange. Details are in ")
    assert "\n" not in window.notice.message
    until(qtbot, lambda: states() == [["failed"]])


@contextmanager
def held_queue() -> Iterator[sqlite3.Connection]:
    """Another program writes to the queue all the time."""
    other = sqlite3.connect(default_store(), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield other
    other.execute("COMMIT")
    other.close()


def longest_pause(qtbot: QtBot, milliseconds: int) -> float:
    """How long the window did not come to anything, at worst, in seconds."""
    times = [time.monotonic()]
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: times.append(time.monotonic()))
    timer.start()
    qtbot.wait(milliseconds)
    timer.stop()
    return max(later - earlier for earlier, later in pairwise(times))


def test_a_queue_that_others_hold_does_not_hold_the_window(window: MainWindow, qtbot: QtBot) -> None:
    open_queue(window, qtbot)
    with held_queue() as other:
        asked = time.monotonic()
        window.asking.render(units(1))
        window.asking.add_batch(units(2, 3))
        window.controller.pause(run_of(window, 2))
        window.controller.resume(run_of(window, 2))
        # Whatever waits for the queue waits until it is given back, or for WAIT_SECONDS; a busy machine takes less.
        assert time.monotonic() - asked < 5
        assert longest_pause(qtbot, 1500) < 5
        assert window.notice.message == ""
        assert [run_of(window, number).state for number in (1, 2)] == [Status.RUNNING, Status.WAITING]
        assert other.execute("SELECT COUNT(*) FROM jobs").fetchone() == (0,)
    until(qtbot, lambda: states() == [["done"], ["done", "done"]] and finished(window))
    assert window.notice.message == ""


def test_a_queue_that_others_hold_for_too_long_is_said(
    new_window: Callable[..., MainWindow], qtbot: QtBot, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    window = new_window(str(checkpoint))
    window.opening.open()
    open_queue(window, qtbot)
    with held_queue():
        window.asking.render(units(1))
        until(qtbot, lambda: run_of(window).state is Status.FAILED)
        assert window.controller.running is None
        assert "another program has held it for 0.05 s. Try again" in window.notice.message
        assert window.notice.message.startswith(f"The queue {default_store()} cannot be read or written: ")
        assert run_of(window).reason == window.notice.message
    window.controller.retry(run_of(window))
    window.asking.render(units(2))
    until(qtbot, lambda: states() == [["done"], ["done"]] and finished(window))
    assert [run.state for run in window.controller.queue] == [Status.DONE, Status.DONE]


def test_a_queue_that_others_hold_for_too_long_in_a_job_is_said_and_the_job_can_be_finished(
    new_window: Callable[..., MainWindow],
    qtbot: QtBot,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(here, "usual_group", lambda *_: 2)
    window = new_window(str(checkpoint))
    window.opening.open()
    open_queue(window, qtbot)
    window.parameters.show_settings(make_settings(iterations=40))
    window.asking.render(units(1, 2, 3, 4))
    run = run_of(window)
    until(qtbot, lambda: run.step > 1)
    with held_queue():
        until(qtbot, lambda: run.state is Status.FAILED)
        assert "another program has held it" in window.notice.message
    window.controller.retry(run)
    until(qtbot, lambda: run.state is Status.DONE)
    until(qtbot, lambda: states() == [["done"] * 4])
    made = [read_recipe(path).target for path in pictures(tmp_path)]
    assert sorted(made, key=str) == list(units(1, 2, 3, 4))


def test_a_window_closes_soon_while_others_hold_the_queue(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render(units(1))
    until(qtbot, lambda: run_of(window).step > 1)
    with held_queue():
        window.asking.add_batch(units(2))
        asked = time.monotonic()
        ended = window.controller.close(1000)
        assert time.monotonic() - asked < 10
        assert not ended
        # What was reached is in its file, although the queue could not be told.
        (picture,) = pictures(tmp_path)
        assert 1 <= read_recipe(picture).steps < 5000
    window.controller.desk.wait()


@pytest.fixture
def _pool_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each window opens models of its own, as in a process of its own: two threads cannot use one network."""
    monkeypatch.setattr(here, "default_pool", ModelPool)


@pytest.mark.usefixtures("_pool_for_each")
def test_two_windows_leave_each_other_their_jobs(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render(units(1))
    until(qtbot, lambda: run_of(window).step > 1 and states() == [["running"]])
    second = new_window()
    second.opening.open()
    until(qtbot, second.queue.others.isVisible)
    assert not second.offer.isVisible()
    assert second.queue.others.model.index(0).data(DETAIL_ROLE) == "running, 0 of 1 done"
    second.asking.render(units(2))
    until(qtbot, lambda: states() == [["running"], ["done"]])
    assert run_of(second).job.targets == units(2)
    second.close()
    assert states() == [["running"], ["done"]]
    assert run_of(window).state is Status.RUNNING
    window.close()
    assert states() == [["waiting"], ["done"]]


def test_a_full_disk_pauses_the_job_which_goes_on_when_there_is_room(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        window.asking.render(units(1))
        until(qtbot, lambda: run_of(window).state is Status.PAUSED)
    assert describe(run_of(window)).startswith("paused: Cannot write ")
    assert "the disk is full" in window.notice.message
    until(qtbot, lambda: states() == [["waiting"]])
    window.controller.resume(run_of(window))
    until(qtbot, lambda: done(window))
    until(qtbot, lambda: states() == [["done"]])


def test_a_job_whose_folder_cannot_be_written_to_fails_before_anything_is_rendered(
    window: MainWindow, qtbot: QtBot
) -> None:
    folder = window.session.preferences.folder
    window.session.use_folder(Path("/dev/null/results"))
    window.asking.render(units(1))
    until(qtbot, lambda: run_of(window).state is Status.FAILED)
    assert not run_of(window).step
    until(qtbot, lambda: states() == [["failed"]])
    store = JobStore(default_store())
    (unit,) = store.units(1)
    store.close()
    assert unit.reason.startswith("Cannot write to the folder /dev/null/results: ")
    assert window.notice.message == f"{run_of(window).title}: {unit.reason}"
    # The next one has a place.
    window.session.use_folder(folder)
    window.asking.render(units(1))
    until(qtbot, lambda: done(window, 2))


def test_without_a_data_folder_the_queue_is_temporary_and_that_is_said(
    new_window: Callable[..., MainWindow],
    qtbot: QtBot,
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", "/dev/null/data")
    window = new_window(str(checkpoint))
    window.opening.open()
    until(qtbot, lambda: window.session.model_name is not None)
    window.asking.render(units(1))
    until(qtbot, lambda: done(window) and len(pictures(tmp_path)) == 1)
    until(qtbot, lambda: window.notice.message.startswith("The queue /dev/null/data/queue.sqlite cannot be opened: "))
    assert window.notice.message.endswith("Until ClipDesk is closed, the queue is kept in a temporary file")


def test_settings_that_cannot_be_written_are_said(qtbot: QtBot, checkpoint: Path, tmp_path: Path) -> None:
    settings = QSettings("/dev/null/settings.ini", QSettings.Format.IniFormat)
    settings.setValue("folder", str(tmp_path / "results"))
    window = MainWindow(str(checkpoint), settings=settings)
    qtbot.addWidget(window)
    window.show()
    window.opening.open()
    wanted = "Settings and layout will not be kept: ClipDesk cannot write to /dev/null/settings.ini"
    until(qtbot, lambda: window.notice.message == wanted)
    assert str(window.session.model_name) == str(checkpoint)
    window.close()


PROGRAM = """
import sys
from PySide6.QtCore import QSettings
from clipdesk.gui import app
from clipdesk.render.presets import make_settings

class Window(app.MainWindow):
    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.parameters.show_settings(make_settings(iterations=5000))
        self.controller.progressed.connect(lambda run: print(run.step, flush=True))

    def confirm_close(self):
        raise AssertionError("it asked")

QSettings.setDefaultFormat(QSettings.Format.IniFormat)
QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, sys.argv[2])
QSettings("ClipDesk", "ClipDesk").setValue("folder", sys.argv[2] + "/results")
app.MainWindow = Window
sys.exit(app.run(sys.argv[1], start=True))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for another process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_close_the_window_and_keep_what_was_reached(
    tmp_path: Path, checkpoint: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", PROGRAM, str(checkpoint), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert int(process.stdout.readline()) >= 1
            process.send_signal(number)
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert states() == [["waiting"]]
    (picture,) = pictures(tmp_path)
    assert 1 <= read_recipe(picture).steps < 5000
    assert not list((tmp_path / "results").glob(".*"))
