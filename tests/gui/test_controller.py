"""The window's jobs at awkward moments: no picture is missing or made twice, and what is shown is what is so."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.runs import Run
from clipdesk.gui.words import describe
from clipdesk.jobs import here
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore, default_store
from tests.gui.conftest import finished, open_queue, run_of, until
from tests.gui.jobs import made, set_steps, statuses, units, whole

pytestmark = pytest.mark.usefixtures("own_queue")


# Awkward moments


@pytest.mark.parametrize("milliseconds", [0, 5, 10, 20, 30, 40, 50, 60])
def test_a_job_that_is_cancelled_and_resumed_at_once_is_finished(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, milliseconds: int
) -> None:
    monkeypatch.setattr(here, "usual_group", lambda *_: 2)
    set_steps(window, 25)
    targets = units(1, 2, 3, 4)
    window.asking.add_batch(targets)
    run = run_of(window)
    until(qtbot, lambda: run.step > 1)
    window.controller.cancel(run)
    qtbot.wait(milliseconds)
    if run.state.finished:
        window.controller.retry(run)
    else:
        window.controller.resume(run)
    until(qtbot, lambda: run.state is Status.DONE and statuses() == [Status.DONE])
    assert made(tmp_path) == whole(targets, 25)
    assert run.ended == run.size == 4
    assert describe(run) == "done, 4 of 4 pictures"
    assert all(track.result is not None and track.result.complete for track in run.tracks.values())


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_user_does_no_picture_is_missing_or_made_twice(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(here, "usual_group", lambda *_: 2)
    set_steps(window, 12)
    controller = window.controller
    chance = random.Random(seed)
    targets = [units(*range(4 * i, 4 * i + chance.randint(1, 4))) for i in range(5)]

    def act() -> None:
        run = chance.choice(list(controller.queue))
        action: Callable[[], object] = chance.choice(
            [
                lambda: controller.pause(run),
                lambda: controller.resume(run),
                lambda: controller.resume(run),
                lambda: controller.cancel(run),
                lambda: controller.retry(run) if run.state is Status.CANCELLED else None,
                lambda: controller.retry(run) if run.state is Status.CANCELLED else None,
                lambda: controller.hold(not controller.held),
            ]
        )
        action()

    for each in targets:
        controller.submit(
            Job(model=window.session.model_name, targets=each, settings=window.parameters.settings()),
            urgent=chance.random() < 0.4,
        )
        for _ in range(8):
            act()
            qtbot.wait(chance.choice([0, 1, 5, 20, 60]))
    controller.hold(False)
    # In the end the user wants everything.
    deadline = time.monotonic() + 60
    while not all(run.state is Status.DONE for run in controller.queue) and time.monotonic() < deadline:
        for run in controller.queue:
            if run.state is Status.PAUSED:
                controller.resume(run)
            elif run.state is Status.CANCELLED:
                controller.retry(run)
        qtbot.wait(100)
    assert [describe(run) for run in controller.queue if run.state is not Status.DONE] == []
    until(qtbot, lambda: set(statuses()) == {Status.DONE} and len(statuses()) == 5)
    assert made(tmp_path) == whole(tuple(target for each in targets for target in each), 12)
    assert all(run.ended == run.size and not run.asked and not run.stands for run in controller.queue)
    assert controller.running is None
    assert window.notice.message == ""


def test_a_paused_job_can_be_cancelled_while_the_queue_is_paused(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    set_steps(window, 5000)
    window.asking.render(units(1))
    run = run_of(window)
    until(qtbot, lambda: run.step > 1)
    window.controller.hold(True)
    until(qtbot, lambda: run.state is Status.PAUSED)
    window.controller.cancel(run)
    until(qtbot, lambda: run.state is Status.CANCELLED)
    ((_, steps),) = made(tmp_path)
    assert 1 <= steps < 5000
    assert statuses() == [Status.CANCELLED]


def test_a_job_is_removed_before_it_has_a_number(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    set_steps(window, 30)
    window.asking.render(units(1))
    window.asking.add_batch(units(2))
    gone = run_of(window, 2)
    assert gone.stored is None
    window.controller.remove(gone)
    until(qtbot, lambda: finished(window) and statuses() == [Status.DONE, Status.CANCELLED])
    qtbot.wait(200)
    assert made(tmp_path) == whole(units(1), 30)


def test_a_job_is_cancelled_and_tried_again_before_it_has_a_number(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    set_steps(window, 20)
    window.asking.render(units(1))
    window.asking.add_batch(units(2))
    run = run_of(window, 2)
    assert run.stored is None
    window.controller.cancel(run)
    assert run.state is Status.CANCELLED
    window.controller.retry(run)
    until(qtbot, lambda: finished(window) and statuses() == [Status.DONE, Status.DONE])
    assert made(tmp_path) == whole(units(1, 2), 20)


def test_a_job_that_is_paused_before_it_has_a_number_does_not_begin(window: MainWindow, qtbot: QtBot) -> None:
    set_steps(window, 20)
    window.asking.render(units(1))
    run = run_of(window)
    assert run.stored is None
    window.controller.pause(run)
    until(qtbot, lambda: run.state is Status.PAUSED and statuses() == [Status.PAUSED])
    assert not run.step
    assert window.controller.running is None
    window.controller.resume(run)
    until(qtbot, lambda: run.state is Status.DONE)


def test_retry_after_everything_is_done_renders_anew(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "usual_group", lambda *_: 1)
    set_steps(window, 20)
    window.asking.render(units(1, 2))
    run = run_of(window)
    until(qtbot, lambda: run.state is Status.DONE)
    first = made(tmp_path)
    window.controller.retry(run)
    assert (run.ended, run.share) == (0, 0)
    until(qtbot, lambda: run.state is Status.DONE)
    assert made(tmp_path) == sorted(2 * first)
    assert run.ended == 2
    assert describe(run) == "done, 2 of 2 pictures"


def test_a_job_that_another_program_cancels_and_resumes_goes_on_here(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    set_steps(window, 200)
    window.asking.render(units(1))
    run = run_of(window)
    until(qtbot, lambda: run.step > 1)
    store = JobStore(default_store())
    store.wish(1, Wish.CANCEL)
    until(qtbot, lambda: run.state is Status.CANCELLED)
    store.wish(1, Wish.RUN)
    store.close()
    until(qtbot, lambda: run.state is Status.DONE)
    assert made(tmp_path) == whole(units(1), 200)


def test_the_gallery_shows_the_finished_picture_in_place_of_the_stopped_one(window: MainWindow, qtbot: QtBot) -> None:
    set_steps(window, 200)
    window.asking.render(units(1))
    run = run_of(window)
    until(qtbot, lambda: run.step > 1)
    window.controller.cancel(run)
    until(qtbot, lambda: run.state is Status.CANCELLED and window.gallery.model.total == 1)
    window.controller.retry(run)
    until(qtbot, lambda: run.state is Status.DONE)
    until(qtbot, lambda: [entry.recipe.steps for entry in window.gallery.model.all] == [200])


# Closing


def test_the_window_closes_while_a_job_is_being_prepared(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages: list[str] = []
    window.controller.preparing.connect(stages.append)

    def measure(*_: object) -> int:
        time.sleep(1)
        return 1

    monkeypatch.setattr(here, "usual_group", measure)
    window.asking.render(units(1))
    until(qtbot, lambda: bool(stages))
    asked = time.monotonic()
    window.close()
    assert time.monotonic() - asked < 5
    assert window.ended
    assert statuses() == [Status.WAITING]


def test_the_window_closes_while_the_queue_waits_and_stands(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    set_steps(window, 5000)
    window.asking.render(units(1))
    window.asking.add_batch(units(2))
    until(qtbot, lambda: run_of(window).step > 1)
    window.controller.pause(run_of(window))
    until(qtbot, lambda: run_of(window, 2).step > 1)
    window.controller.hold(True)
    until(qtbot, lambda: run_of(window, 2).state is Status.PAUSED)
    window.close()
    assert window.ended
    assert sorted(label for label, _ in made(tmp_path)) == sorted(target.label for target in units(1, 2))
    assert statuses() == [Status.PAUSED, Status.WAITING]


def test_a_job_that_is_cancelled_as_the_window_closes_stays_cancelled(window: MainWindow, qtbot: QtBot) -> None:
    set_steps(window, 5000)
    window.asking.render(units(1))
    window.asking.add_batch(units(2))
    window.controller.cancel(run_of(window, 2))
    assert run_of(window, 2).stored is None
    window.close()
    assert window.ended
    assert statuses() == [Status.WAITING, Status.CANCELLED]


# Others


def test_two_windows_share_one_batch(
    window: MainWindow,
    new_window: Callable[..., MainWindow],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(here, "usual_group", lambda *_: 2)
    set_steps(window, 60)
    targets = units(*range(12))
    window.asking.add_batch(targets)
    first = run_of(window)
    until(qtbot, lambda: first.step > 1)
    # However long the second window takes to open, there is something left for it.
    window.controller.hold(True)
    second = new_window()
    second.opening.open()
    until(qtbot, second.queue.others.isVisible)
    second.queue.others.list.setCurrentIndex(second.queue.others.model.index(0))
    second.queue.others.take_action.trigger()
    until(qtbot, lambda: second.controller.queue.rowCount() == 1 and run_of(second).step > 1)
    window.controller.hold(False)
    until(qtbot, lambda: finished(window) and finished(second))
    shares = [len(ended_here(run)) for run in (first, run_of(second))]
    assert min(shares) > 0
    assert sum(shares) == 12
    assert made(tmp_path) == whole(targets, 60)
    assert [run.ended for run in (first, run_of(second))] == [12, 12]
    until(qtbot, lambda: window.gallery.model.total == second.gallery.model.total == 12)


def ended_here(run: Run) -> list[str]:
    return [track.label for track in run.tracks.values() if track.result is not None and track.result.complete]


# Quick


def test_nothing_that_the_user_asks_for_waits_for_the_queue(window: MainWindow, qtbot: QtBot) -> None:
    open_queue(window, qtbot)
    set_steps(window, 5)
    other = sqlite3.connect(default_store(), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    controller = window.controller
    job = Job(model=window.session.model_name, targets=units(*range(2000)), settings=window.parameters.settings())
    waited = worked = 0.0
    for act in (
        lambda: controller.submit(job),
        lambda: controller.submit(job, urgent=True),
        lambda: controller.pause(run_of(window)),
        lambda: controller.resume(run_of(window)),
        lambda: controller.cancel(run_of(window)),
        lambda: controller.retry(run_of(window)),
        lambda: controller.remove(run_of(window, 2)),
        lambda: controller.hold(True),
        lambda: controller.hold(False),
    ):
        begun, before = time.monotonic(), time.thread_time()
        act()
        waited, worked = max(waited, time.monotonic() - begun), max(worked, time.thread_time() - before)
    other.execute("COMMIT")
    other.close()
    # A wait would last until the other program is done; the processor's time does not depend on what else runs.
    assert waited < 5
    assert worked < 0.1
    # As Stop does, without its question before so many are cancelled.
    controller.cancel(run_of(window))


def test_a_job_that_is_cancelled_a_moment_after_its_end_is_done(window: MainWindow, qtbot: QtBot) -> None:
    set_steps(window, 2)
    window.asking.render(units(1))
    run = run_of(window)
    until(qtbot, lambda: run.state is Status.DONE and run.stored is not None and not run.asked)
    assert run.stored is not None
    # As if it had been asked for before the window heard of the end.
    window.controller.rest(run, Status.CANCELLED)
    window.controller.desk.wish(run.stored, Wish.CANCEL)
    run.asked += 1
    until(qtbot, lambda: run.state is Status.DONE)
    assert statuses() == [Status.DONE]
