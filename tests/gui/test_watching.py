"""Which run is on the canvas, in a real window."""

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipdesk.gui.center import GALLERY
from clipdesk.gui.library import Entry
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.runs import Run
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status
from clipdesk.models.names import parse_name
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, done, run_of, tracks_of, until


def unit(index: int) -> Unit:
    return Unit(layer=LAYER, index=index)


def test_finished_pictures_stay_on_the_canvas_while_a_batch_runs(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window))
    window.watching.show_tracks(list(run_of(window).tracks.values()))
    window.asking.add_batch((unit(2),))
    until(qtbot, lambda: done(window, 2))
    assert window.session.watched is None
    assert [track.target for track in window.canvas.tracks] == [unit(1)]


def test_a_run_that_is_looked_at_while_another_runs_stays_on_the_canvas(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window))
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(2),))
    until(qtbot, lambda: run_of(window, 2).step > 1)
    assert window.session.watched is run_of(window, 2)
    window.queue.run_chosen.emit(run_of(window))
    step = run_of(window, 2).step
    until(qtbot, lambda: run_of(window, 2).step > step)
    assert window.session.watched is run_of(window)
    assert [track.target for track in window.canvas.tracks] == [unit(1)]
    window.queue.stop()
    until(qtbot, lambda: run_of(window, 2).state.finished)


def choose_in_gallery(window: MainWindow, row: int) -> None:
    """Open a picture of the gallery on the canvas, as a person does."""
    window.center.show_mode(GALLERY)
    window.gallery.list.setCurrentIndex(window.gallery.model.index(row))
    window.gallery.open_action.trigger()


def test_a_finished_render_does_not_give_the_canvas_back_to_the_gallerys_selection(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window) and window.gallery.model.rowCount() == 1)
    choose_in_gallery(window, 0)
    until(qtbot, lambda: window.session.watched is None and window.canvas.tracks[0].path is not None)
    asked: list[list[Entry]] = []
    window.gallery.chosen.connect(asked.append)
    window.asking.render((unit(2),))
    until(qtbot, lambda: done(window, 2) and window.gallery.model.rowCount() == 2)
    assert asked == []
    assert window.session.watched is run_of(window, 2)
    assert [track.target for track in window.canvas.tracks] == [unit(2)]
    assert [entry.recipe.target for entry in window.gallery.selected()] == [unit(1)]


def test_a_batch_does_not_take_the_place_of_what_was_rendered(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window))
    window.asking.add_batch((unit(2),))
    until(qtbot, lambda: done(window, 2))
    assert [track.target for track in window.canvas.tracks] == [unit(1)]


def test_a_batch_is_shown_where_nothing_was_chosen_yet(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.add_batch((unit(1),))
    window.asking.add_batch((unit(2),))
    until(qtbot, lambda: done(window, 2))
    assert [track.target for track in window.canvas.tracks] == [unit(2)]


def test_a_render_that_waits_is_shown_when_it_runs_unless_something_was_chosen_since(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window))
    window.queue.pause_all_action.trigger()
    window.asking.render((unit(2),))
    window.asking.render((unit(3),))
    assert window.session.awaited is run_of(window, 3)
    window.queue.run_chosen.emit(run_of(window))
    window.queue.pause_all_action.trigger()
    until(qtbot, lambda: done(window, 3))
    assert [track.target for track in window.canvas.tracks] == [unit(1)]
    window.queue.pause_all_action.trigger()
    window.asking.render((unit(4),))
    window.queue.pause_all_action.trigger()
    until(qtbot, lambda: done(window, 4))
    assert [track.target for track in window.canvas.tracks] == [unit(4)]


def test_a_picture_that_is_looked_at_alone_stays_while_its_batch_goes_on(window: MainWindow, qtbot: QtBot) -> None:
    run = Run(9, Job(model="demo", targets=tuple(unit(i) for i in range(4))))
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    for target in run.job.targets:
        run.track(target).frames.add(1, pixels)
    run.state, run.current = Status.RUNNING, run.job.targets[:2]
    window.watching.show_run(run)
    window.canvas.view.set_solo(1)
    run.current = run.job.targets[2:]
    window.controller.progressed.emit(run)
    assert [track.target for track in window.canvas.selected()] == [unit(1)]
    window.canvas.view.set_solo(-1)
    assert [track.target for track in window.canvas.tracks] == [unit(2), unit(3)]
    run.state = Status.DONE
    window.canvas.view.set_solo(0)
    window.controller.state_changed.emit(run)
    assert [track.target for track in window.canvas.tracks] == [unit(0), unit(1), unit(2), unit(3)]
    assert [track.target for track in window.canvas.selected()] == [unit(2)]


def test_a_picture_kept_alone_does_not_hide_what_is_rendered_next(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((unit(1), unit(2)))
    until(qtbot, lambda: done(window))
    window.canvas.view.set_solo(0)
    window.canvas.pin_action.trigger()
    window.asking.render((unit(3),))
    until(qtbot, lambda: done(window, 2))
    assert [track.target for track in window.canvas.visible()] == [unit(1), unit(3)]


def test_a_kept_picture_that_is_looked_at_alone_stays_while_a_batch_goes_on(window: MainWindow) -> None:
    run = Run(9, Job(model="demo", targets=tuple(unit(i) for i in range(4))))
    for target in run.job.targets:
        run.track(target).frames.add(1, np.zeros((8, 8, 3), dtype=np.uint8))
    (kept,) = tracks_of(unit(9))
    kept.frames.add(1, np.zeros((8, 8, 3), dtype=np.uint8))
    window.watching.show_tracks([kept])
    window.canvas.pin_action.trigger()
    run.state, run.current = Status.RUNNING, run.job.targets[:2]
    window.watching.show_run(run)
    assert len(window.canvas.visible()) == 3
    window.canvas.view.set_solo(0)
    run.current = run.job.targets[2:]
    window.controller.progressed.emit(run)
    assert window.canvas.visible() == [kept]


def test_a_step_that_is_looked_at_stays_while_its_batch_goes_on(window: MainWindow, qtbot: QtBot) -> None:
    run = Run(9, Job(model="demo", targets=tuple(unit(i) for i in range(4))))
    for target in run.job.targets:
        for step in (1, 2, 3):
            run.track(target).frames.add(step, np.full((8, 8, 3), step, dtype=np.uint8))
    run.state, run.current = Status.RUNNING, run.job.targets[:2]
    window.watching.show_run(run)
    window.canvas.slider.setValue(1)
    run.current = run.job.targets[2:]
    window.controller.progressed.emit(run)
    assert (window.canvas.step, [track.target for track in window.canvas.tracks]) == (2, [unit(0), unit(1)])
    window.canvas.slider.setValue(2)
    assert [track.target for track in window.canvas.tracks] == [unit(2), unit(3)]


def test_pictures_that_are_read_late_do_not_replace_what_was_chosen_since(window: MainWindow, qtbot: QtBot) -> None:
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window) and window.gallery.model.rowCount() == 1)
    run = run_of(window)
    (entry,) = window.gallery.model.all
    read: list[Entry] = []
    window.library.loaded.connect(lambda one, *_: read.append(one))
    window.session.choose(run)
    choose_in_gallery(window, 0)
    window.queue.run_chosen.emit(run)
    until(qtbot, lambda: entry in read)
    assert window.session.watched is run


def test_a_row_is_shown_while_a_job_runs_only_if_the_user_asks_for_it(window: MainWindow, qtbot: QtBot) -> None:
    window.architecture.choose(LAYER)
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window))
    window.parameters.show_settings(make_settings(iterations=5000))
    window.asking.render((unit(2),))
    until(qtbot, lambda: run_of(window, 2).step > 1)
    window.neurons.select(1)
    assert window.session.watched is run_of(window, 2)
    window.neurons.table.setFocus()
    qtbot.keyClick(window.neurons.table, Qt.Key.Key_P)
    assert window.session.watched is None
    assert [track.target for track in window.canvas.tracks] == [unit(1)]
    step = run_of(window, 2).step
    until(qtbot, lambda: run_of(window, 2).step > step)
    assert [track.target for track in window.canvas.tracks] == [unit(1)]
    window.queue.stop()
    until(qtbot, lambda: run_of(window, 2).state.finished)


def test_a_row_shows_the_picture_of_an_earlier_session(window: MainWindow, qtbot: QtBot) -> None:
    window.architecture.choose(LAYER)
    window.asking.render((unit(1),))
    until(qtbot, lambda: done(window) and window.gallery.model.rowCount() == 1)
    path = window.gallery.model.all[0].path
    window.queue.clear_action.trigger()
    window.canvas.show_message("")
    window.neurons.select(1)
    until(qtbot, lambda: [(track.target, track.path) for track in window.canvas.tracks] == [(unit(1), path)])
    window.neurons.select(2)
    qtbot.wait(20)
    assert [track.target for track in window.canvas.tracks] == [unit(1)]


def test_sorting_and_filtering_the_table_leave_the_canvas_as_it_is(window: MainWindow, qtbot: QtBot) -> None:
    window.architecture.choose(LAYER)
    window.asking.render((unit(1), unit(2)))
    until(qtbot, lambda: done(window))
    window.neurons.select(2)
    shown = [track.target for track in window.canvas.tracks]
    assert shown == [unit(2)]
    window.watching.show_run(run_of(window))
    window.neurons.filter.setText("done")
    window.neurons.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert [track.target for track in window.canvas.tracks] == [unit(1), unit(2)]


def test_a_job_of_another_model_marks_no_unit_of_the_open_one(window: MainWindow) -> None:
    window.architecture.choose(LAYER)
    said: list[tuple[str, str]] = []
    for model in (parse_name("demo"), window.model_name):
        run = Run(1, Job(model=model, targets=(unit(5),)))
        run.state, run.marked = Status.RUNNING, (unit(5),)
        run.advance((unit(5),), 1, 1)
        window.controller.progressed.emit(run)
        begun = window.neurons.model.state(LAYER, 5).status
        run.state = Status.FAILED
        window.controller.state_changed.emit(run)
        said.append((begun, window.neurons.model.state(LAYER, 5).status))
        assert run.marked == ((unit(5),) if model == window.model_name else ()), "due again when its model is opened"
    assert said == [("", ""), ("rendering", "failed")]
