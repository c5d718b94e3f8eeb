"""The window's queue on disk: what one window leaves, the next one offers."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from clipdesk.export.metadata import BatchMetadata
from clipdesk.gui.item_models.jobs import DETAIL_ROLE
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.words import describe, unbroken
from clipdesk.jobs import here
from clipdesk.jobs.events import Saved
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.jobs.owners import Owner
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore, default_store, owners_of
from clipdesk.jobs.stored import StoredJob
from clipdesk.network.layer_names import short_layer
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, finished, run_of, until

pytestmark = pytest.mark.usefixtures("own_queue")


def unit(index: int) -> Unit:
    return Unit(layer=LAYER, index=index)


def stored() -> list[StoredJob]:
    store = JobStore(default_store())
    jobs = store.jobs()
    store.close()
    return jobs


def statuses() -> list[str]:
    return [job.status.value for job in stored()]


def click(qtbot: QtBot, button: QPushButton) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def leave_two_jobs(window: MainWindow, qtbot: QtBot) -> None:
    """Close the window over one job that runs and one that waits."""
    window.parameters.show_settings(make_settings(iterations=120))
    window.asking.render((unit(1),))
    window.asking.add_batch((unit(2), unit(3)))
    until(qtbot, lambda: run_of(window).step > 1)
    window.close()


def open_again(new_window: Callable[..., MainWindow], qtbot: QtBot) -> MainWindow:
    window = new_window()
    window.opening.open()
    until(qtbot, lambda: window.offer.isVisible())
    return window


def test_finished_jobs_are_noted(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((unit(1), unit(2)))
    until(qtbot, lambda: finished(window))
    until(qtbot, lambda: statuses() == ["done"])
    window.asking.render((unit(999),))
    until(qtbot, lambda: statuses() == ["done", "failed"])
    assert not window.offer.isVisible()


def test_unfinished_jobs_are_offered_and_go_on(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    leave_two_jobs(window, qtbot)
    assert statuses() == ["waiting", "waiting"]
    second = open_again(new_window, qtbot)
    words = second.offer.findChild(QLabel)
    assert isinstance(words, QLabel)
    assert unbroken(words.text()) == (
        "2 jobs were not finished last time: 3 pictures are still to be rendered, from their start. "
        "1.mlp.gelu:1 (small.pt, Standard, 120 steps); "
        "1.mlp.gelu:2 and 1 more (small.pt, Standard, 120 steps)"
    )
    click(qtbot, second.offer.go_on)
    assert not second.offer.isVisible()
    until(qtbot, lambda: second.controller.queue.rowCount() == 2 and finished(second))
    until(qtbot, lambda: statuses() == ["done", "done"])
    assert len(stored()) == 2
    second.close()
    third = new_window()
    third.opening.open()
    until(qtbot, lambda: third.session.model_name is not None)
    assert not third.offer.isVisible()


def test_a_job_that_goes_on_here_is_not_listed_as_elsewhere(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    leave_two_jobs(window, qtbot)
    second = open_again(new_window, qtbot)
    shown: list[list[StoredJob]] = []
    second.controller.desk.others.connect(shown.append)
    click(qtbot, second.offer.go_on)
    # The jobs are claimed, and the queue is looked at, before the window has heard of it.
    second.controller.desk.wait()
    until(qtbot, lambda: second.controller.queue.rowCount() == 2 and run_of(second).state is Status.RUNNING)
    assert shown
    assert not [job for jobs in shown for job in jobs if job.status is Status.RUNNING]
    until(qtbot, lambda: not second.queue.others.isVisible())


def test_unfinished_jobs_can_be_dropped_or_left(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    leave_two_jobs(window, qtbot)
    second = open_again(new_window, qtbot)
    click(qtbot, second.offer.later)
    assert second.controller.queue.rowCount() == 0
    second.close()
    third = open_again(new_window, qtbot)
    click(qtbot, third.offer.drop)
    until(qtbot, lambda: statuses() == ["cancelled", "cancelled"])


@pytest.mark.parametrize(("answer", "left"), [("go_on", "done"), ("drop", "cancelled")])
def test_a_job_that_was_removed_since_it_was_offered_does_not_keep_the_others(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot, answer: str, left: str
) -> None:
    leave_two_jobs(window, qtbot)
    second = open_again(new_window, qtbot)
    store = JobStore(default_store())
    gone = store.jobs()[0].number
    store.remove(gone)
    store.close()
    click(qtbot, getattr(second.offer, answer))
    until(qtbot, lambda: statuses() == [left])
    assert second.notice.message.startswith(f"There is no job {gone}") == (answer == "go_on")


def test_cancelled_jobs_are_not_offered(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(1),))
    window.asking.add_batch((unit(2),))
    window.asking.add_batch((unit(3),))
    until(qtbot, lambda: run_of(window).step > 1)
    window.controller.cancel(run_of(window, 2))
    window.controller.remove(run_of(window, 3))
    window.queue.stop()
    until(qtbot, lambda: statuses() == ["cancelled"] * 3)
    window.close()


def test_a_window_claims_only_what_it_renders_now(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(1),))
    window.asking.add_batch((unit(2),))
    until(qtbot, lambda: statuses() == ["running", "waiting"])


def test_another_process_helps_with_a_windows_batch(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.parameters.show_settings(make_settings(iterations=60, views=1))
    window.asking.add_batch(tuple(unit(index) for index in range(40)))
    until(qtbot, lambda: run_of(window).step > 1)
    # This window alone: on a fast machine it would be done before the other process has loaded PyTorch.
    window.controller.hold(True)
    command = [sys.executable, "-c", "from clipdesk.cli import main; main()", "queue", "run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as helper:
        until(qtbot, lambda: stored()[0].counts.get("done", 0) > 0)
        assert run_of(window).state is Status.PAUSED
        window.controller.hold(False)
        until(qtbot, lambda: finished(window) and helper.poll() is not None)
        lines = (helper.stdout.read() if helper.stdout else "").splitlines()
    assert run_of(window).state is Status.DONE
    helped = [line for line in lines if line.endswith(".png")]
    here = [track for track in run_of(window).tracks.values() if track.path is not None]
    assert helped
    assert len(helped) + len(here) == 40
    assert len(list((tmp_path / "results").glob("*.png"))) == 40
    until(qtbot, lambda: window.gallery.model.total == 40)
    (job,) = stored()
    assert job.counts == {"done": 40}


def test_a_render_goes_before_a_batch_which_goes_on_by_itself(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "usual_group", lambda *_: 2)
    window.parameters.show_settings(make_settings(iterations=60))
    window.asking.add_batch(tuple(unit(index) for index in range(8)))
    batch = run_of(window)
    until(qtbot, lambda: batch.step > 1)
    window.parameters.show_settings(make_settings(iterations=30))
    window.asking.render((unit(100),))
    asked = run_of(window, 2)
    until(qtbot, lambda: asked.state is Status.RUNNING)
    assert batch.state is Status.WAITING
    assert batch.ended <= 4
    assert describe(batch) == f"{batch.ended} of 8 done, goes on by itself after {asked.title}"
    until(qtbot, lambda: asked.state is Status.DONE)
    assert not batch.state.finished
    until(qtbot, lambda: batch.state is Status.DONE)


def test_a_batch_that_gave_way_can_be_removed(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "usual_group", lambda *_: 1)
    window.parameters.show_settings(make_settings(iterations=20))
    window.asking.add_batch(tuple(unit(index) for index in range(8)))
    batch = run_of(window)
    until(qtbot, lambda: batch.step > 1)
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(100),))
    until(qtbot, lambda: batch.state is Status.WAITING)
    window.queue.list.setCurrentIndex(window.controller.queue.index_of(batch))
    until(qtbot, window.queue.remove_action.isEnabled)
    window.queue.remove_action.trigger()
    assert window.controller.queue.find(batch.number) is None
    until(qtbot, lambda: statuses() == ["cancelled", "running"])
    window.queue.stop()
    until(qtbot, lambda: finished(window))


def test_another_model_opens_while_a_job_runs(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(1),))
    until(qtbot, lambda: run_of(window).step > 1)
    window.opening.open("demo")
    until(qtbot, lambda: str(window.session.model_name) == "demo")
    assert run_of(window).state is Status.RUNNING


def test_without_kept_pictures_nothing_is_noted(window: MainWindow, qtbot: QtBot) -> None:
    window.commands.keep.setChecked(False)
    window.asking.render((unit(1),))
    until(qtbot, lambda: finished(window))
    window.close()
    assert not default_store().exists() or stored() == []


def test_a_damaged_queue_is_said(new_window: Callable[..., MainWindow], qtbot: QtBot, checkpoint: Path) -> None:
    default_store().parent.mkdir(parents=True)
    default_store().write_bytes(b"no database" * 300)
    window = new_window(str(checkpoint))
    window.opening.open()
    until(qtbot, lambda: "It is kept as" in window.notice.message)


def test_the_results_folder_says_what_was_made(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((unit(1), unit(999)))
    until(qtbot, lambda: finished(window))
    (folder, name) = (run_of(window).folder, window.session.model_name)
    assert folder is not None
    assert name is not None
    # There is no unit 999, so the layer's metadata does not list it.
    until(qtbot, lambda: list(BatchMetadata.open(folder, LAYER, name).units) == [1])
    units = BatchMetadata.open(folder, LAYER, name).units
    assert units[1].status == "done"
    assert units[1].file is not None
    assert (folder / units[1].file).exists()


def test_a_picture_that_was_not_noted_is_not_made_again(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    leave_two_jobs(window, qtbot)
    second = JobStore(default_store()).jobs()[1]
    one = second.job.part((0,))
    service = QueueService(None, Here())
    service.add(one, second.folder, skip=False)
    (saved,) = [step.event for step in service.steps() if isinstance(step.event, Saved)]
    service.close()
    again = open_again(new_window, qtbot)
    click(qtbot, again.offer.go_on)
    until(qtbot, lambda: again.controller.queue.rowCount() == 2 and finished(again))
    until(qtbot, lambda: statuses() == ["done", "done"])
    assert [run.job.targets for run in again.controller.queue] == [(unit(1),), (unit(2), unit(3))]
    assert list(run_of(again, 2).skipped.values()) == [saved.path]
    assert describe(run_of(again, 2)) == "done, 1 of 2 pictures, 1 was there already"
    store = JobStore(default_store())
    assert store.units(second.number)[0].file == saved.path.name


def test_a_picture_that_is_there_already_is_said_to_be(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    window.parameters.show_settings(make_settings(iterations=120))
    window.asking.render((unit(1),))
    until(qtbot, lambda: run_of(window).step > 1)
    window.close()
    (left,) = stored()
    service = QueueService(None, Here())
    service.add(left.job, left.folder, skip=False)
    assert [step for step in service.steps() if isinstance(step.event, Saved)]
    service.close()
    second = open_again(new_window, qtbot)
    click(qtbot, second.offer.go_on)
    until(qtbot, lambda: second.controller.queue.rowCount() == 1 and finished(second))
    assert describe(run_of(second)) == "done, the picture was there already"
    until(qtbot, lambda: statuses() == ["done"])
    assert len(list((tmp_path / "results").glob("*.png"))) == 2


def test_the_window_obeys_what_others_ask_of_its_jobs(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(1),))
    until(qtbot, lambda: run_of(window).step > 1 and statuses() == ["running"])
    store = JobStore(default_store())
    store.wish(1, Wish.PAUSE)
    until(qtbot, lambda: run_of(window).state is Status.PAUSED)
    step = run_of(window).step
    store.wish(1, Wish.RUN)
    until(qtbot, lambda: run_of(window).state is Status.RUNNING and run_of(window).step > step)
    window.controller.pause(run_of(window))
    until(qtbot, lambda: store.wished(1) is Wish.PAUSE)
    window.controller.resume(run_of(window))
    until(qtbot, lambda: store.wished(1) is Wish.RUN)
    store.wish(1, Wish.CANCEL)
    until(qtbot, lambda: run_of(window).state is Status.CANCELLED)
    assert not window.queue.others.isVisible()
    store.close()


def test_jobs_of_other_programs_are_shown_and_handled(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    others = window.queue.others
    assert window.session.model_name is not None
    store = JobStore(default_store())
    job = Job(
        model=window.session.model_name, targets=(unit(4), unit(5), unit(6)), settings=make_settings(iterations=5)
    )
    number = store.add(job, tmp_path / "elsewhere")
    with Owner(owners_of(default_store())) as owner:
        store.claim(owner, 1, store.get(number))
        until(qtbot, others.isVisible)
        index = others.model.index(0)
        assert index.data() == f"{number}: {short_layer(LAYER)}:4 and 2 more"
        assert index.data(DETAIL_ROLE) == "running, 0 of 3 done"
        others.list.setCurrentIndex(index)
        others.pause_action.trigger()
        until(qtbot, lambda: index.data(DETAIL_ROLE) == "paused, 0 of 3 done")
        assert store.wished(number) is Wish.PAUSE
        others.resume_action.trigger()
        until(qtbot, lambda: index.data(DETAIL_ROLE) == "running, 0 of 3 done")
        store.finish(number, 0, file="x.png")
    until(qtbot, lambda: index.data(DETAIL_ROLE) == "waiting, 1 of 3 done")
    others.take_action.trigger()
    until(qtbot, lambda: window.controller.queue.rowCount() == 1 and finished(window))
    assert run_of(window).job.targets == (unit(4), unit(5), unit(6))
    until(qtbot, lambda: len(list((tmp_path / "elsewhere").glob("*.png"))) == 2)
    until(qtbot, lambda: store.get(number).status is Status.DONE and not others.isVisible())
    gone = store.add(job, tmp_path / "elsewhere")
    until(qtbot, others.isVisible)
    others.list.setCurrentIndex(others.model.index(0))
    assert all(action.isVisible() for action in others.actions_shown)
    others.cancel_action.trigger()
    until(qtbot, lambda: store.wished(gone) is Wish.CANCEL and not others.isVisible())
    assert not any(action.isVisible() for action in others.actions_shown)
    store.close()
