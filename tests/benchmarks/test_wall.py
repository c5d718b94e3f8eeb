from pytestqt.qtbot import QtBot

from benchmarks.wall import Drawn, measure_filling, measured, move, picture, zoom
from clipdesk.gui.panels.wall_input import WallInput


def test_a_small_wall_can_be_measured(qtbot: QtBot) -> None:
    view = WallInput()
    qtbot.addWidget(view)
    view.resize(320, 200)
    view.show()
    measure_filling(view, 24)
    assert view.is_drawn
    assert zoom(view).rate > 0
    assert view.side == 0, "it ends where it began"
    assert move(view, 60).rate > 0
    assert view.close_threads()


def test_frames_are_counted_by_the_clock_and_by_the_processor() -> None:
    found = measured([(0.01, 0.002)] * 99 + [(0.11, 0.004)])
    assert round(found.rate, 1) == round(100 / 1.1, 1)
    assert 10 <= found.slow <= 110
    assert round(found.own, 2) == 2.02


def test_units_have_photos_and_words() -> None:
    drawn = Drawn(100)
    assert drawn.top_photo(99) == drawn.top_photo(99 - 64)
    assert len(drawn.words) == 100
    assert picture(1, 30).size() == picture(2, 30).size()
