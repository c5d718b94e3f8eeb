"""The window's jobs at awkward moments: no picture is missing or made twice, and what is shown is what is so."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytestqt.qtbot import QtBot

from clipdesk.checksums import read_sha256
from clipdesk.export.png import read_recipe
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.runs import Run
from clipdesk.gui.words import describe
from clipdesk.jobs import here
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.network.opened import ModelPool
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, finished, open_queue, run_of, until


@pytest.fixture(autouse=True)
def _own_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))


@pytest.fixture
def _pool_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each window opens models of its own, as in a process of its own: two threads cannot use one network."""
    monkeypatch.setattr(here, "default_pool", ModelPool)


def units(*indices: int) -> tuple[Unit, ...]:
    return tuple(Unit(layer=LAYER, index=i) for i in indices)


def set_steps(window: MainWindow, iterations: int) -> None:
    window.parameters.show_settings(make_settings(iterations=iterations, image_size=64, views=1))


def made(folder: Path) -> list[tuple[str, int]]:
    """The pictures that were kept: the label of each one's target, and its steps."""
    recipes = [read_recipe(path) for path in (folder / "results").glob("*.png")]
    return sorted((recipe.target.label, recipe.steps) for recipe in recipes)


def whole(targets: tuple[Unit, ...], iterations: int) -> list[tuple[str, int]]:
    """What `made` says if each of these was finished once."""
    return sorted((target.label, iterations) for target in targets)


def statuses() -> list[Status]:
    store = JobStore(default_store())
    found = [stored.status for stored in store.jobs()]
    store.close()
    return found


def other_weights(source: Path, path: Path) -> None:
    """Another checkpoint of the same form."""
    torch.manual_seed(1)
    state = torch.load(source, weights_only=True)
    torch.save({name: value + 0.01 * torch.randn(value.shape).to(value) for name, value in state.items()}, path)


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


# Weights


def test_a_checkpoint_that_is_overwritten_and_opened_again_renders_its_new_weights(
    new_window: Callable[..., MainWindow], qtbot: QtBot, checkpoint: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.pt"
    shutil.copy(checkpoint, path)
    window = new_window(str(path))
    window.opening.open()
    until(qtbot, lambda: window.session.model is not None)
    set_steps(window, 5)
    window.asking.render(units(2))
    until(qtbot, lambda: run_of(window).state is Status.DONE)
    before = read_sha256(path)
    other_weights(checkpoint, path)
    window.opening.open(str(path))
    until(qtbot, lambda: window.session.model is not None and window.session.model.weights == read_sha256(path))
    set_steps(window, 5)
    window.asking.render(units(2))
    until(qtbot, lambda: run_of(window, 2).state is Status.DONE)
    first, second = (next(iter(run_of(window, number).tracks.values())).result for number in (1, 2))
    assert first is not None
    assert second is not None
    assert (first.recipe.weights, second.recipe.weights) == (before, read_sha256(path))
    assert first.recipe.weights != second.recipe.weights
    assert (first.image != second.image).any()


def test_a_checkpoint_that_changes_while_its_batch_runs_changes_no_picture(
    new_window: Callable[..., MainWindow],
    qtbot: QtBot,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(here, "usual_group", lambda *_: 1)
    path = tmp_path / "mine.pt"
    shutil.copy(checkpoint, path)
    before = read_sha256(path)
    window = new_window(str(path))
    window.opening.open()
    until(qtbot, lambda: window.session.model is not None)
    set_steps(window, 40)
    window.asking.add_batch(units(1, 2, 3))
    run = run_of(window)
    until(qtbot, lambda: run.step > 1)
    other_weights(checkpoint, path)
    until(qtbot, lambda: run.state.finished)
    recipes = [read_recipe(picture) for picture in (tmp_path / "results").glob("*.png")]
    assert {recipe.weights for recipe in recipes} == {before}
    # What could not be rendered on the old weights says so, and nothing was rendered on the new ones.
    assert len(recipes) + sum(bool(track.reason) for track in run.tracks.values()) == 3
    if run.state is Status.FAILED:
        assert "other weights" in run.reason
    # The next job takes the new ones, once they are open.
    window.opening.open(str(path))
    until(qtbot, lambda: window.session.model is not None and window.session.model.weights == read_sha256(path))
    set_steps(window, 5)
    window.asking.render(units(4))
    until(qtbot, lambda: run_of(window, 2).state is Status.DONE)


def test_a_dropped_picture_of_other_weights_is_refused_and_the_queue_goes_on(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, checkpoint: Path
) -> None:
    set_steps(window, 5)
    window.asking.render(units(1))
    until(qtbot, lambda: run_of(window).state is Status.DONE)
    (picture,) = (tmp_path / "results").glob("*.png")
    kept = read_recipe(picture).model_copy(update={"weights": 64 * "0"})
    window.asking.render_again(kept)
    window.asking.add_batch(units(2))
    refused = run_of(window, 2)
    until(qtbot, lambda: finished(window))
    assert refused.state is Status.FAILED
    assert refused.reason in window.notice.message
    assert "weights" in refused.reason
    assert run_of(window, 3).state is Status.DONE
    assert len(made(tmp_path)) == 2


# Others


@pytest.mark.usefixtures("_pool_for_each")
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
    slowest = 0.0
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
        begun = time.monotonic()
        act()
        slowest = max(slowest, time.monotonic() - begun)
    other.execute("COMMIT")
    other.close()
    assert slowest < 0.1
    window.queue.stop()
