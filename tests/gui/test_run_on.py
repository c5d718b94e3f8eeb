"""Where batches run: a head gets them, the window watches, closing leaves them alone, and opening finds them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipdesk.gui import heads_desk
from clipdesk.gui.heads_desk import HeadsDesk
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.run_on import RunOn
from clipdesk.gui.runs import Run
from clipdesk.gui.words import describe
from clipdesk.jobs.heads import HeadFile, WorkerRow
from clipdesk.jobs.here import Here
from clipdesk.jobs.service import QueueService
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore, default_store
from tests.gui.conftest import done, open_queue, run_of, until
from tests.gui.heads import PLACE, head, looking_often, seen, started
from tests.gui.jobs import made, set_steps, statuses, units, whole

__all__ = ["looking_often", "started"]
pytestmark = pytest.mark.usefixtures("own_queue", "looking_often", "started")
TIP = Qt.ItemDataRole.ToolTipRole
WORKERS = (
    WorkerRow(name="GPU 0", node="n1", state="ready", busy=8, pace=12.0, job=1, group="mlp.gelu:1 and 2 more"),
    WorkerRow(name="GPU 1", node="n1", state="lost", reason="its process was killed"),
)


def work() -> None:
    """Do what a head does."""
    with closing(QueueService(default_store(), Here())) as service:
        for _ in service.steps():
            pass


def batch(window: MainWindow, qtbot: QtBot, *indices: int) -> Run:
    set_steps(window, 3)
    window.asking.add_batch(units(*indices))
    run = run_of(window)
    until(qtbot, lambda: run.stored is not None)
    return run


def test_a_head_gets_batches_and_the_window_shows_what_it_has_made(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, started: list[str]
) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    assert started == [PLACE], "at once, so that what is wrong with it is said"
    with head() as file:
        seen(window, qtbot)
        run = batch(window, qtbot, 1, 2, 3)
        assert describe(run) == f"waiting for {PLACE}, 0 of 3 done"
        file.show(workers=WORKERS, jobs=(1,))
        queue = window.controller.queue
        until(qtbot, lambda: queue.index(0).data(TIP).endswith(f"Runs on {PLACE}\nGPU 0 on n1: mlp.gelu:1 and 2 more"))
        work()
        until(qtbot, lambda: run.state is Status.DONE)
    assert made(tmp_path) == whole(units(1, 2, 3), 3)
    assert len(run.elsewhere) == 3
    assert started == [PLACE]


def test_what_render_asks_for_is_rendered_in_the_window(window: MainWindow, qtbot: QtBot) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    set_steps(window, 2)
    window.asking.render(units(5))
    until(qtbot, lambda: done(window))
    assert not run_of(window).elsewhere
    assert not run_of(window).place


def test_a_head_is_started_when_something_waits_and_none_is_there(
    window: MainWindow, qtbot: QtBot, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipdesk.gui.run_on._AGAIN_SECONDS", 0.0)
    open_queue(window, qtbot)
    with head():
        seen(window, qtbot)
        until(qtbot, lambda: bool(window.run_on._heads))
        window.run_on.choose(PLACE)
        batch(window, qtbot, 1)
        assert started == []
    until(qtbot, lambda: len(started) == 1)


def test_a_batch_that_waits_for_a_head_can_be_taken_back(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    run = batch(window, qtbot, 1, 2)
    assert run.stored not in window.controller.desk.numbers
    window.run_on.choose("")
    until(qtbot, lambda: done(window))
    assert made(tmp_path) == whole(units(1, 2), 3)


def test_what_is_wrong_with_a_place_stands_below_it_and_it_is_not_tried_again(
    window: MainWindow, qtbot: QtBot, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipdesk.gui.run_on._AGAIN_SECONDS", 0.0)
    open_queue(window, qtbot)
    window.run_on.choose("moon")
    HeadFile(default_store(), "moon").close("--on moon: name one of here, ray")
    bar = window.queue.place
    until(qtbot, lambda: bar.said == "moon: name one of here, ray")
    assert not bar.again.isHidden()
    batch(window, qtbot, 1)
    window.run_on.desk.look()
    until(qtbot, lambda: not window.run_on._starting)
    assert started == ["moon"]
    bar.again.click()
    assert started == ["moon", "moon"]
    assert bar.said == "Starting moon …"


def test_heads_that_die_before_their_first_word_are_not_started_without_end(
    window: MainWindow, qtbot: QtBot, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipdesk.gui.run_on._AGAIN_SECONDS", 0.001)
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    batch(window, qtbot, 1)

    def dead() -> bool:
        """The process that was started is not there any more."""
        window.run_on._changed([], False)
        return bool(window.run_on._failure)

    until(qtbot, dead)
    # The first was to say what is wrong with the place, while nothing waited.
    assert started == [PLACE] * 5
    bar = window.queue.place
    assert bar.said.startswith("Workers were started 4 times and ended before they had said a word")
    assert "head.log" in bar.said
    assert PLACE in window.notice.message
    window.run_on._changed([], False)
    assert len(started) == 5
    bar.again.click()
    assert len(started) == 6
    with head():
        seen(window, qtbot)
        # One that lives is no such head.
        until(qtbot, lambda: window.run_on._starts == 0)


def test_workers_that_were_killed_are_said_to_be(window: MainWindow, qtbot: QtBot) -> None:
    open_queue(window, qtbot)
    with head() as file:
        file.show(workers=WORKERS)
        seen(window, qtbot)
        until(qtbot, lambda: window.queue.workers.model.rowCount() == 3)
        file._owner.close()
        until(qtbot, lambda: "have ended: its process was killed" in window.notice.message)
        # The window is told of both one after the other.
        until(qtbot, window.queue.workers.isHidden)


def test_workers_are_stopped_and_their_jobs_paused(window: MainWindow, qtbot: QtBot) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    with head() as file:
        file.show(workers=WORKERS)
        seen(window, qtbot)
        run = batch(window, qtbot, 1)
        window.queue.workers.stop_action.trigger()
        until(qtbot, lambda: file.asked_to_stop and run.state is Status.PAUSED and statuses() == [Status.PAUSED])


def test_pause_all_pauses_what_a_head_has(window: MainWindow, qtbot: QtBot) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    run = batch(window, qtbot, 1)
    window.queue.pause_all_action.trigger()
    until(qtbot, lambda: statuses() == [Status.PAUSED])
    assert describe(run) == "paused"
    window.queue.pause_all_action.trigger()
    until(qtbot, lambda: statuses() == [Status.WAITING])
    assert describe(run).startswith("waiting for ")


def test_why_a_head_has_paused_a_job_is_said(window: MainWindow, qtbot: QtBot) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    run = batch(window, qtbot, 1)
    with closing(JobStore(default_store())) as store:
        store.halt(1, "There is no worker")
    until(qtbot, lambda: describe(run) == "paused: There is no worker")
    window.controller.resume(run)
    until(qtbot, lambda: statuses() == [Status.WAITING])


def test_closing_leaves_a_heads_job_alone_and_opening_finds_it(
    window: MainWindow, qtbot: QtBot, new_window: Callable[..., MainWindow], checkpoint: Path, tmp_path: Path
) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    with head() as file:
        seen(window, qtbot)
        batch(window, qtbot, 1, 2)
        window.confirm_close = lambda: pytest.fail("nothing of the window's is lost")  # type: ignore[method-assign]
        window.close()
        assert window.ended
        assert statuses() == [Status.WAITING]
        again = new_window(str(checkpoint))
        again.opening.open()
        until(qtbot, lambda: again.controller.queue.rowCount() == 1)
        run = run_of(again)
        assert (run.place, run.state, describe(run)) == (PLACE, Status.WAITING, f"waiting for {PLACE}, 0 of 2 done")
        assert again.queue.place.box.currentText() == PLACE
        assert again.offer.isHidden()
        file.show(jobs=(1,))
        work()
        until(qtbot, lambda: run.state is Status.DONE)
    assert made(tmp_path) == whole(units(1, 2), 3)


def test_a_job_whose_head_has_ended_comes_back_to_this_window(
    qtbot: QtBot, new_window: Callable[..., MainWindow], window: MainWindow, checkpoint: Path, tmp_path: Path
) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    with head():
        seen(window, qtbot)
        batch(window, qtbot, 1)
        window.close()
        window.session.preferences.run_on = ""
        again = new_window(str(checkpoint))
        again.opening.open()
        until(qtbot, lambda: again.controller.queue.rowCount() == 1 and len(again.run_on._heads) == 1)
        assert run_of(again).place == PLACE
    until(qtbot, lambda: done(again))
    assert made(tmp_path) == whole(units(1), 3)


def test_a_process_that_is_started_lives_on_its_own(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(heads_desk, "head_command", lambda place: ["/no/such/program", place])
    desk = HeadsDesk()
    problems: list[object] = []
    desk.failed.connect(problems.append)
    desk.start_head("local:2")
    until(qtbot, lambda: len(problems) == 1)
    assert desk.close()


def test_wishes_for_a_heads_job_are_the_queues(window: MainWindow, qtbot: QtBot) -> None:
    open_queue(window, qtbot)
    window.run_on.choose(PLACE)
    run = batch(window, qtbot, 1)
    window.controller.cancel(run)
    until(qtbot, lambda: statuses() == [Status.CANCELLED])
    assert run.state is Status.CANCELLED
    assert RunOn._waits(window.run_on) is False
    with closing(JobStore(default_store())) as store:
        assert store.wished(1) is Wish.CANCEL
