"""The choice of where batches run: what is chosen, what is typed, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.place_bar import HERE, LOCAL, PlaceBar
from clipdesk.gui.theme import error_color, palette_of


@dataclass
class Opened:
    """The part of an opened model that says what this computer has."""

    devices: tuple[str, ...]


@pytest.fixture
def bar(qtbot: QtBot) -> PlaceBar:
    bar = PlaceBar()
    qtbot.addWidget(bar)
    bar.resize(300, 100)
    bar.show()
    return bar


@pytest.fixture
def chosen(bar: PlaceBar) -> list[str]:
    places: list[str] = []
    bar.chosen.connect(places.append)
    return places


def test_this_window_workers_and_the_last_places_are_offered(bar: PlaceBar) -> None:
    bar.show_places("ray:b:1", ["ray:b:1", "spool:/mnt/jobs"])
    assert [bar.box.itemText(row) for row in range(bar.box.count())] == [HERE, LOCAL, "ray:b:1", "spool:/mnt/jobs"]
    assert bar.box.currentText() == "ray:b:1"
    bar.show_places("", [])
    assert bar.box.currentText() == HERE


def test_what_is_picked_is_chosen(bar: PlaceBar, chosen: list[str]) -> None:
    bar.show_places("", ["ray:b:1"])
    for row in (0, 1, 2):
        bar.box.setCurrentIndex(row)
        bar.box.activated.emit(row)
    assert chosen == ["", "local:2", "ray:b:1"]


@pytest.mark.parametrize(
    ("devices", "place"), [(("cpu",), "local:2"), (("cuda:0", "cpu"), "local:2"), (("cuda:0", "cuda:1"), "local")]
)
def test_there_is_a_worker_for_each_gpu_where_there_are_several(
    bar: PlaceBar, chosen: list[str], devices: tuple[str, ...], place: str
) -> None:
    bar.show_model(Opened(devices))  # type: ignore[arg-type]
    bar.box.setCurrentIndex(1)
    bar.box.activated.emit(1)
    assert chosen == [place]


@pytest.mark.parametrize(
    ("text", "place"), [("  ray:10.0.0.1:6379 ", "ray:10.0.0.1:6379"), ("here", ""), ("", ""), (HERE, "")]
)
def test_what_is_typed_is_chosen_with_enter(
    bar: PlaceBar, qtbot: QtBot, chosen: list[str], text: str, place: str
) -> None:
    bar.edit.setText(text)
    qtbot.keyClick(bar.edit, Qt.Key.Key_Return)
    assert chosen == [place]


def test_escape_brings_back_what_was_chosen(bar: PlaceBar, qtbot: QtBot, chosen: list[str]) -> None:
    bar.show_places("local:4", [])
    bar.edit.setText("ray:nonsense")
    qtbot.keyClick(bar.edit, Qt.Key.Key_Escape)
    assert bar.box.currentText() == "local:4"
    assert chosen == []


def test_what_is_wrong_is_said_in_full_and_can_be_tried_again(bar: PlaceBar, qtbot: QtBot, chosen: list[str]) -> None:
    bar.show_places("moon", [])
    assert bar.message.isHidden()
    text = "moon: name one of here, local:4 for 4 workers on this computer, ray, or ray:HOST:PORT"
    bar.show_message(text, wrong=True)
    assert bar.said == text
    assert bar.message.height() >= bar.message.heightForWidth(bar.message.width())
    qtbot.mouseClick(bar.again, Qt.MouseButton.LeftButton)
    assert chosen == ["moon"]
    bar.show_message("Starting moon …")
    assert bar.again.isHidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_error_has_the_colour_of_the_theme(bar: PlaceBar, theme: str) -> None:
    bar.show_message("no", wrong=True)
    bar.setPalette(palette_of(theme))
    assert bar.message.palette().color(QPalette.ColorRole.WindowText) == error_color(bar.palette())
