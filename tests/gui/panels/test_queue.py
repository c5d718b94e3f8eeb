from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QModelIndex, QPoint, Qt
from pytestqt.qtbot import QtBot

from clipdesk.gui.item_models.neurons import NeuronTableModel
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.words import describe, duration, time_left
from clipdesk.jobs import runner
from clipdesk.jobs.status import Status
from clipdesk.render.loop import render
from clipdesk.render.objectives import Objective
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, done, finished, run_of, until

LONG = make_settings(iterations=5000)


def states(window: MainWindow) -> list[Status]:
    return [run.state for run in window.controller.queue]


def choose(window: MainWindow, qtbot: QtBot, row: int) -> None:
    view = window.queue.list
    place = view.visualRect(window.controller.queue.index(row)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)


@pytest.fixture
def three(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """A window where a long job runs and two short ones wait."""
    window.parameters.show_settings(LONG)
    window.asking.render((Unit(layer=LAYER, index=1),))
    window.parameters.show_settings(make_settings(iterations=3))
    for index in (2, 3):
        window.asking.add_batch((Unit(layer=LAYER, index=index),))
    until(qtbot, lambda: run_of(window).step > 1)
    return window


def test_jobs_wait_for_their_turn(three: MainWindow) -> None:
    assert states(three) == [Status.RUNNING, Status.WAITING, Status.WAITING]
    text = describe(run_of(three))
    assert "of 5000" in text
    assert "steps/s" in text
    assert "pictures/min" in text
    assert "left" not in text
    assert time_left(run_of(three)).endswith(" left")
    assert describe(run_of(three, 2)) == "waiting, 1 picture"


def test_a_paused_job_lets_the_next_run_and_goes_on_where_it_was(three: MainWindow, qtbot: QtBot) -> None:
    choose(three, qtbot, 0)
    three.queue.pause_action.trigger()
    until(qtbot, lambda: states(three)[1:] == [Status.DONE, Status.DONE])
    first = run_of(three)
    assert first.state is Status.PAUSED
    step = first.step
    assert describe(first) == f"paused, step {step} of 5000"
    choose(three, qtbot, 0)
    three.queue.resume_action.trigger()
    until(qtbot, lambda: first.step > step)
    (track,) = first.tracks.values()
    three.commands.stop.trigger()
    until(qtbot, lambda: first.state is Status.CANCELLED)
    assert track.result is not None
    assert len(track.result.curve) == first.step == len(track.curve)
    assert describe(first) == f"cancelled at step {first.step} of 5000"


def test_a_unit_that_nothing_excites_is_said(window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Objective.__call__
    monkeypatch.setattr(Objective, "__call__", lambda objective, outputs: 0 * read(objective, outputs))
    window.asking.render((Unit(layer=LAYER, index=1),))
    until(qtbot, lambda: finished(window))
    assert describe(run_of(window)) == "nothing excited it: the picture has no meaning"
    assert window.neurons.model.state(LAYER, 1).status == "nothing excited it"


def test_pictures_that_were_stopped_do_not_count_as_finished(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=5000, views=1))
    window.asking.render(tuple(Unit(layer=LAYER, index=index) for index in (1, 2)))
    until(qtbot, lambda: run_of(window).step > 1)
    window.commands.stop.trigger()
    until(qtbot, lambda: run_of(window).state is Status.CANCELLED)
    assert describe(run_of(window)) == "cancelled, 0 of 2 pictures, 2 more unfinished"


def test_a_pause_changes_nothing_in_the_picture(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=40))
    for pause in (False, True):
        window.asking.render((Unit(layer=LAYER, index=1),))
        run = list(window.controller.queue)[-1]
        if pause:
            until(qtbot, lambda run=run: run.step > 1)  # type: ignore[misc]
            window.controller.pause(run)
            until(qtbot, lambda: window.controller.running is None)
            window.controller.resume(run)
        until(qtbot, lambda: finished(window))
    pictures = [track.result for run in window.controller.queue for track in run.tracks.values()]
    assert pictures[0] is not None
    assert pictures[1] is not None
    assert (pictures[0].image == pictures[1].image).all()


def test_pausing_all_stops_the_queue_until_it_goes_on(three: MainWindow, qtbot: QtBot) -> None:
    three.queue.pause_all_action.trigger()
    until(qtbot, lambda: three.controller.running is None)
    assert states(three) == [Status.PAUSED, Status.WAITING, Status.WAITING]
    assert three.queue.pause_all_action.text() == "Go on"
    three.queue.pause_all_action.trigger()
    until(qtbot, lambda: states(three)[0] is Status.RUNNING)


def test_a_queue_that_is_paused_says_how_to_go_on(window: MainWindow, qtbot: QtBot) -> None:
    queue, welcome = window.queue, window.canvas.welcome
    assert not queue.held_hint.isVisible()
    queue.pause_all_action.trigger()
    assert queue.held_hint.isVisible()
    for index in (1, 2):
        window.asking.render((Unit(layer=LAYER, index=index),))
        assert "The queue is paused" in welcome.message
    queue.pause_all_action.trigger()
    assert not queue.held_hint.isVisible()
    assert "The queue is paused" not in welcome.message
    until(qtbot, lambda: finished(window))
    assert [track.target for track in window.canvas.tracks] == [Unit(layer=LAYER, index=2)]


def test_a_paused_job_that_is_cancelled_gives_what_it_has(three: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    three.controller.pause(run_of(three))
    until(qtbot, lambda: run_of(three).state is Status.PAUSED)
    choose(three, qtbot, 0)
    three.queue.cancel_action.trigger()
    until(qtbot, lambda: finished(three))
    assert states(three) == [Status.CANCELLED, Status.DONE, Status.DONE]
    (track,) = run_of(three).tracks.values()
    assert track.result is not None


def test_without_a_choice_the_actions_are_for_what_has_begun(window: MainWindow, qtbot: QtBot) -> None:
    queue, stop = window.queue, window.commands.stop
    assert not any(action.isEnabled() for action in (*queue.run_actions, stop))
    window.parameters.show_settings(LONG)
    window.asking.render((Unit(layer=LAYER, index=1),))
    run = run_of(window)
    for end in (queue.cancel_action, stop):
        until(qtbot, lambda: run.step > 1)
        assert queue.pause_action.isEnabled()
        queue.pause_action.trigger()
        until(qtbot, lambda: run.state is Status.PAUSED)
        assert not queue.selected()
        assert (queue.pause_action.isEnabled(), queue.resume_action.isEnabled()) == (False, True)
        queue.resume_action.trigger()
        until(qtbot, lambda: run.state is Status.RUNNING)
        queue.pause_action.trigger()
        until(qtbot, lambda: run.state is Status.PAUSED)
        assert end.isEnabled()
        end.trigger()
        until(qtbot, lambda: run.state is Status.CANCELLED)
        assert not stop.isEnabled()
        assert not queue.cancel_action.isEnabled()
        assert not queue.retry_action.isEnabled()
        window.controller.retry(run)


def test_while_a_finished_job_is_chosen_the_one_that_runs_can_be_paused(three: MainWindow, qtbot: QtBot) -> None:
    three.controller.cancel(run_of(three, 3))
    choose(three, qtbot, 2)
    queue = three.queue
    assert queue.retry_action.isEnabled()
    assert queue.cancel_action.isEnabled()
    queue.pause_action.trigger()
    until(qtbot, lambda: states(three) == [Status.PAUSED, Status.DONE, Status.CANCELLED])
    # The one that is chosen is still the one to try again.
    queue.retry_action.trigger()
    until(qtbot, lambda: states(three) == [Status.PAUSED, Status.DONE, Status.DONE])
    queue.resume_action.trigger()
    until(qtbot, lambda: states(three)[0] is Status.RUNNING)


def test_a_chosen_job_that_waits_is_the_only_one_meant(three: MainWindow, qtbot: QtBot) -> None:
    choose(three, qtbot, 1)
    three.queue.pause_action.trigger()
    assert states(three) == [Status.RUNNING, Status.PAUSED, Status.WAITING]
    assert not three.queue.pause_action.isEnabled()
    three.commands.stop.trigger()
    until(qtbot, lambda: states(three) == [Status.CANCELLED, Status.PAUSED, Status.DONE])


def test_a_waiting_job_is_cancelled_removed_and_moved(three: MainWindow, qtbot: QtBot) -> None:
    choose(three, qtbot, 2)
    three.queue.up_action.trigger()
    assert [run.number for run in three.controller.queue] == [1, 3, 2]
    three.queue.down_action.trigger()
    assert [run.number for run in three.controller.queue] == [1, 2, 3]
    three.queue.cancel_action.trigger()
    assert run_of(three, 3).state is Status.CANCELLED
    choose(three, qtbot, 1)
    three.queue.remove_action.trigger()
    assert [run.number for run in three.controller.queue] == [1, 3]
    three.queue.clear_action.trigger()
    assert [run.number for run in three.controller.queue] == [1]


def test_a_running_job_cannot_be_removed(three: MainWindow, qtbot: QtBot) -> None:
    choose(three, qtbot, 0)
    assert not three.queue.remove_action.isEnabled()
    three.controller.remove(run_of(three))
    assert three.controller.queue.rowCount() == 3


def test_failed_pictures_are_tried_again(window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("strange")

    monkeypatch.setattr(runner, "render", fail)
    window.asking.render((Unit(layer=LAYER, index=1), Unit(layer=LAYER, index=2)))
    until(qtbot, lambda: run_of(window).state is Status.FAILED)
    assert "strange" in describe(run_of(window))
    monkeypatch.setattr(runner, "render", render)
    choose(window, qtbot, 0)
    window.queue.retry_action.trigger()
    until(qtbot, lambda: done(window))
    assert all(track.result is not None for track in run_of(window).tracks.values())


def test_a_click_shows_that_job(three: MainWindow, qtbot: QtBot) -> None:
    three.controller.pause(run_of(three))
    until(qtbot, lambda: states(three)[1:] == [Status.DONE, Status.DONE])
    choose(three, qtbot, 1)
    assert [track.target for track in three.canvas.tracks] == [Unit(layer=LAYER, index=2)]
    choose(three, qtbot, 0)
    assert [track.target for track in three.canvas.tracks] == [Unit(layer=LAYER, index=1)]
    assert three.curves.tracks == three.canvas.tracks


def test_neurons_dropped_on_the_queue_are_queued(three: MainWindow) -> None:
    three.architecture.choose(LAYER)
    table: NeuronTableModel = three.neurons.model
    data: QMimeData = table.mimeData([table.index(7, 0), table.index(8, 0)])
    three.controller.queue.dropMimeData(data, Qt.DropAction.CopyAction, -1, -1, QModelIndex())
    assert run_of(three, 4).job.targets == (Unit(layer=LAYER, index=7), Unit(layer=LAYER, index=8))


def test_an_empty_queue_says_what_to_do(window: MainWindow) -> None:
    assert window.queue.hint.isVisible()
    assert window.queue.list.indexAt(QPoint(5, 5)).row() == -1


@pytest.mark.parametrize(
    ("seconds", "words"), [(4.4, "4 s"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (59.6, "1 min 0 s")]
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
