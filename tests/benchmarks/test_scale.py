import time
from pathlib import Path

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from benchmarks.desk import Ticks
from benchmarks.scale import make_pictures, rest
from clipdesk.gui.library import read_entry


def test_the_gallery_can_show_the_pictures(tmp_path: Path) -> None:
    make_pictures(tmp_path, 12)
    entries = [read_entry(path) for path in tmp_path.iterdir()]
    assert len({entry.layer for entry in entries if entry is not None}) == 10
    assert len({entry.recipe.date for entry in entries if entry is not None}) == 12


def test_ticks_notice_how_long_the_event_loop_waited(qtbot: QtBot) -> None:
    parent = QObject()
    ticks = Ticks(parent)
    rest(0.05)
    time.sleep(0.2)
    rest(0.05)
    gaps = ticks.stop()
    assert gaps.max() >= 200
