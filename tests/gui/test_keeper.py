"""The window's queue on disk: what one window leaves, the next one offers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from clipdesk.export.metadata import BatchMetadata
from clipdesk.gui.item_models.jobs import DETAIL_ROLE
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.runs import State, short_layer
from clipdesk.jobs.batch import Saved, run_batch
from clipdesk.jobs.job import Job
from clipdesk.jobs.owners import Owner
from clipdesk.jobs.store import JobState, JobStore, StoredJob, default_store
from clipdesk.models.loading import load_model
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, finished, run_of, until


@pytest.fixture(autouse=True)
def _own_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))


def unit(index: int) -> Unit:
    return Unit(layer=LAYER, index=index)


def stored() -> list[StoredJob]:
    store = JobStore(default_store())
    jobs = store.jobs()
    store.close()
    return jobs


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
    until(qtbot, lambda: [job.status for job in stored()] == ["done"])
    window.asking.render((unit(999),))
    until(qtbot, lambda: [job.status for job in stored()] == ["done", "failed"])
    assert not window.offer.isVisible()


def test_what_was_not_finished_is_offered_and_goes_on(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    leave_two_jobs(window, qtbot)
    assert [job.status for job in stored()] == ["waiting", "waiting"]
    second = open_again(new_window, qtbot)
    words = second.offer.findChild(QLabel)
    assert isinstance(words, QLabel)
    assert words.text() == "2 jobs were not finished last time: 3 pictures are still to be rendered, from their start."
    click(qtbot, second.offer.go_on)
    assert not second.offer.isVisible()
    until(qtbot, lambda: second.controller.queue.rowCount() == 2 and finished(second))
    until(qtbot, lambda: [job.status for job in stored()] == ["done", "done"])
    assert len(stored()) == 2
    second.close()
    third = new_window()
    third.opening.open()
    until(qtbot, lambda: third.session.model_name is not None)
    assert not third.offer.isVisible()


def test_what_goes_on_here_is_not_elsewhere(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    leave_two_jobs(window, qtbot)
    second = open_again(new_window, qtbot)
    shown: list[list[StoredJob]] = []
    second.keeper.others.connect(shown.append)
    click(qtbot, second.offer.go_on)
    # The jobs are claimed, and the queue is looked at, before the window has heard of it.
    second.keeper.wait()
    until(qtbot, lambda: second.controller.queue.rowCount() == 2 and run_of(second).state is State.RUNNING)
    assert shown
    assert not [job for jobs in shown for job in jobs if job.status == "running"]
    until(qtbot, lambda: not second.queue.others.isVisible())


def test_what_was_not_finished_can_be_dropped_or_left(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    leave_two_jobs(window, qtbot)
    second = open_again(new_window, qtbot)
    click(qtbot, second.offer.later)
    assert second.controller.queue.rowCount() == 0
    second.close()
    third = open_again(new_window, qtbot)
    click(qtbot, third.offer.drop)
    until(qtbot, lambda: [job.status for job in stored()] == ["cancelled", "cancelled"])


def test_what_the_user_gave_up_is_not_offered(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(1),))
    window.asking.add_batch((unit(2),))
    window.asking.add_batch((unit(3),))
    until(qtbot, lambda: run_of(window).step > 1)
    window.controller.cancel(run_of(window, 2))
    window.controller.remove(run_of(window, 3))
    window.queue.stop()
    until(qtbot, lambda: [job.status for job in stored()] == ["cancelled"] * 3)
    window.close()


def test_the_units_of_a_living_window_are_its_own(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(1),))
    window.asking.add_batch((unit(2),))
    until(qtbot, lambda: [job.status for job in stored()] == ["running", "running"])


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
    until(qtbot, lambda: len(BatchMetadata.open(folder, LAYER, name).units) == 2)
    units = BatchMetadata.open(folder, LAYER, name).units
    assert (units[1].status, units[999].status) == ("done", "failed")
    assert units[1].file is not None
    assert (folder / units[1].file).exists()


def test_a_picture_that_was_not_noted_is_not_made_again(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    leave_two_jobs(window, qtbot)
    second = JobStore(default_store()).jobs()[1]
    model = load_model(second.job.model, "cpu")
    one = second.job.model_copy(update={"targets": second.job.targets[:1]})
    (saved,) = [event for event in run_batch(model, one, second.folder) if isinstance(event, Saved)]
    again = open_again(new_window, qtbot)
    click(qtbot, again.offer.go_on)
    until(qtbot, lambda: again.controller.queue.rowCount() == 2 and finished(again))
    until(qtbot, lambda: [job.status for job in stored()] == ["done", "done"])
    assert [run.job.targets for run in again.controller.queue] == [(unit(1),), (unit(3),)]
    store = JobStore(default_store())
    assert store.units(second.number)[0].file == saved.path.name


def test_where_all_is_there_already_it_is_said(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot
) -> None:
    window.parameters.show_settings(make_settings(iterations=120))
    window.asking.render((unit(1),))
    until(qtbot, lambda: run_of(window).step > 1)
    window.close()
    (left,) = stored()
    list(run_batch(load_model(left.job.model, "cpu"), left.job, left.folder))
    second = open_again(new_window, qtbot)
    assert "Nothing has been rendered yet" in second.queue.hint.text()
    click(qtbot, second.offer.go_on)
    until(qtbot, lambda: "The picture was there already" in second.queue.hint.text())
    assert second.queue.hint.isVisible()
    assert second.controller.queue.rowCount() == 0
    until(qtbot, lambda: [job.status for job in stored()] == ["done"])
    second.asking.add_batch((unit(2),))
    assert "Nothing has been rendered yet" in second.queue.hint.text()


def test_what_others_ask_of_the_windows_jobs_is_done(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(1),))
    until(qtbot, lambda: run_of(window).step > 1 and [job.status for job in stored()] == ["running"])
    store = JobStore(default_store())
    store.set_state(1, JobState.PAUSED)
    until(qtbot, lambda: run_of(window).state is State.PAUSED)
    step = run_of(window).step
    store.set_state(1, JobState.OPEN)
    until(qtbot, lambda: run_of(window).state is State.RUNNING and run_of(window).step > step)
    window.controller.pause(run_of(window))
    until(qtbot, lambda: store.state(1) is JobState.PAUSED)
    window.controller.resume(run_of(window))
    until(qtbot, lambda: store.state(1) is JobState.OPEN)
    store.set_state(1, JobState.CANCELLED)
    until(qtbot, lambda: run_of(window).state is State.STOPPED)
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
    with Owner(store.owners) as owner:
        store.claim(owner, 1, number)
        until(qtbot, others.isVisible)
        index = others.model.index(0)
        assert index.data() == f"{number}: {short_layer(LAYER)}:4 and 2 more"
        assert index.data(DETAIL_ROLE) == "running, 0 of 3 done"
        others.list.setCurrentIndex(index)
        others.pause_action.trigger()
        until(qtbot, lambda: index.data(DETAIL_ROLE) == "paused, 0 of 3 done")
        assert store.state(number) is JobState.PAUSED
        others.resume_action.trigger()
        until(qtbot, lambda: index.data(DETAIL_ROLE) == "running, 0 of 3 done")
        store.finish(number, 0, file="x.png")
    until(qtbot, lambda: index.data(DETAIL_ROLE) == "waiting, 1 of 3 done")
    others.take_action.trigger()
    until(qtbot, lambda: window.controller.queue.rowCount() == 1 and finished(window))
    assert run_of(window).job.targets == (unit(5), unit(6))
    until(qtbot, lambda: len(list((tmp_path / "elsewhere").glob("*.png"))) == 2)
    until(qtbot, lambda: store.get(number).status == "done" and not others.isVisible())
    gone = store.add(job, tmp_path / "elsewhere")
    until(qtbot, others.isVisible)
    others.list.setCurrentIndex(others.model.index(0))
    others.cancel_action.trigger()
    until(qtbot, lambda: store.state(gone) is JobState.CANCELLED and not others.isVisible())
    store.close()
