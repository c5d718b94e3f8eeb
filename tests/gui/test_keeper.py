"""The window's queue on disk: what one window leaves, the next one offers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.jobs.store import JobStore, StoredJob, default_store
from clipdesk.render.settings import make_settings
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
    window.parameters.show_settings(make_settings(iterations=60))
    window.render_targets((unit(1),))
    window.add_batch((unit(2), unit(3)))
    until(qtbot, lambda: run_of(window).step > 1)
    window.close()


def open_again(new_window: Callable[..., MainWindow], qtbot: QtBot) -> MainWindow:
    window = new_window()
    window.opening.open()
    until(qtbot, lambda: window.offer.isVisible())
    return window


def test_finished_jobs_are_noted(window: MainWindow, qtbot: QtBot) -> None:
    window.render_targets((unit(1), unit(2)))
    until(qtbot, lambda: finished(window))
    until(qtbot, lambda: [job.status for job in stored()] == ["done"])
    window.render_targets((unit(999),))
    until(qtbot, lambda: [job.status for job in stored()] == ["done", "failed"])
    assert not window.offer.isVisible()


def test_what_was_not_finished_is_offered_and_goes_on(
    window: MainWindow, new_window: Callable[..., MainWindow], qtbot: QtBot, tmp_path: Path
) -> None:
    leave_two_jobs(window, qtbot)
    assert [job.status for job in stored()] == ["waiting", "waiting"]
    second = open_again(new_window, qtbot)
    click(qtbot, second.offer.go_on)
    assert not second.offer.isVisible()
    until(qtbot, lambda: second.controller.queue.rowCount() == 2 and finished(second))
    until(qtbot, lambda: [job.status for job in stored()] == ["done", "done"])
    assert len(stored()) == 2
    second.close()
    third = new_window()
    third.opening.open()
    until(qtbot, lambda: third.model_name is not None)
    assert not third.offer.isVisible()


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
    window.render_targets((unit(1),))
    window.add_batch((unit(2),))
    window.add_batch((unit(3),))
    until(qtbot, lambda: run_of(window).step > 1)
    window.controller.cancel(run_of(window, 2))
    window.controller.remove(run_of(window, 3))
    window.stop()
    until(qtbot, lambda: [job.status for job in stored()] == ["cancelled"] * 3)
    window.close()


def test_the_units_of_a_living_window_are_its_own(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000))
    window.render_targets((unit(1),))
    window.add_batch((unit(2),))
    until(qtbot, lambda: [job.status for job in stored()] == ["running", "running"])


def test_without_kept_pictures_nothing_is_noted(window: MainWindow, qtbot: QtBot) -> None:
    window.menus.keep.setChecked(False)
    window.render_targets((unit(1),))
    until(qtbot, lambda: finished(window))
    window.close()
    assert not default_store().exists() or stored() == []


def test_a_damaged_queue_is_said(new_window: Callable[..., MainWindow], qtbot: QtBot, checkpoint: Path) -> None:
    default_store().parent.mkdir(parents=True)
    default_store().write_bytes(b"no database" * 300)
    window = new_window(str(checkpoint))
    window.opening.open()
    until(qtbot, lambda: "It is kept as" in window.notice.message)
