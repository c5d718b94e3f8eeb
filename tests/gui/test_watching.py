"""Which run is on the canvas, in a real window."""

from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, done, run_of, until


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
