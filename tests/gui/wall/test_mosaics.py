"""Mosaics, from which the wall is drawn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from clipdesk.gui.wall import mosaics
from clipdesk.gui.wall.camera import Camera, Stage
from clipdesk.gui.wall.mosaics import LEVELS, Mosaics, across, inner, level_of
from clipdesk.gui.wall.source import Hanging, Kind, Picture
from clipdesk.gui.wall.tiles import Tiles
from tests.gui.wall.walls import GREEN, RED, looks, picture, plain

UNITS, COLUMNS = 60, 10
WALL, EMPTY = "#101010", "#808080"


class Drawing:
    """A wall that is drawn on an image; units 0 and 33 have red pictures."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self.pictures: dict[int, Picture] = {0: picture(RED), 33: picture(RED)}
        self.tiles = Tiles(self.pictures, None)
        self.mosaics = Mosaics()
        self.stage = Stage(600, 360, COLUMNS, UNITS // COLUMNS)
        self.hang(range(UNITS))

    def hang(self, order: range) -> None:
        hanging = Hanging(order, COLUMNS, Kind.PICTURE, QColor(WALL).rgb(), QColor(EMPTY).rgb())
        self.mosaics.hang(hanging, self.tiles)

    def paint(self, camera: Camera) -> tuple[QImage, bool]:
        image = plain("#000000", 600, 360)
        painter = QPainter(image)
        done = self.mosaics.paint(painter, camera, self.stage, 1)
        painter.end()
        return image, done

    def drawn(self, camera: Camera) -> QImage:
        """What is seen when all of it is there."""
        self._qtbot.waitUntil(lambda: self.paint(camera)[1])
        return self.paint(camera)[0]

    def color(self, camera: Camera, place: int) -> QColor:
        """What is seen in the middle of a cell."""
        x, y = camera.point_of(place % COLUMNS + 0.5, place // COLUMNS + 0.5, self.stage)
        return self.drawn(camera).pixelColor(int(x), int(y))


@pytest.fixture
def drawing(qtbot: QtBot) -> Iterator[Drawing]:
    drawing = Drawing(qtbot)
    yield drawing
    assert drawing.mosaics.close()


def test_cells_are_drawn_from_the_next_larger_level() -> None:
    assert [level_of(side) for side in (3, 8, 8.1, 33, 512, 4000)] == [8, 8, 16, 64, 512, 512]


def test_tiles_of_all_levels_leave_a_gap_between_them() -> None:
    for level in LEVELS:
        assert inner(level).width() < level
        assert across(level) * level >= 256


@pytest.mark.parametrize("side", [60.0, 100.0, 360.0])
def test_each_unit_hangs_in_its_place(drawing: Drawing, side: float) -> None:
    for place, color in {0: RED, 33: RED, 34: EMPTY}.items():
        camera = Camera(place % COLUMNS + 0.5, place // COLUMNS + 0.5, side).bounded(drawing.stage)
        assert looks(drawing.color(camera, place), color)


def test_another_order_moves_the_pictures(drawing: Drawing) -> None:
    whole = Camera.of_all(drawing.stage)
    assert looks(drawing.color(whole, 0), RED)
    drawing.hang(range(UNITS - 1, -1, -1))
    assert looks(drawing.color(whole, 0), EMPTY)
    assert looks(drawing.color(whole, UNITS - 1), RED)


def test_a_picture_that_is_made_meanwhile_appears(drawing: Drawing) -> None:
    whole = Camera.of_all(drawing.stage)
    assert looks(drawing.color(whole, 7), EMPTY)
    drawing.pictures[7] = picture(GREEN)
    drawing.tiles.forget(7)
    drawing.mosaics.change([7])
    assert not drawing.paint(whole)[1], "it is made anew"
    assert looks(drawing.color(whole, 7), GREEN)
    assert looks(drawing.color(whole, 0), RED)


def test_until_it_is_made_a_smaller_one_is_shown(drawing: Drawing) -> None:
    drawing.drawn(Camera.of_all(drawing.stage))
    near = Camera(0.5, 0.5, 120).bounded(drawing.stage)
    image, done = drawing.paint(near)
    assert not done
    assert looks(image.pixelColor(60, 60), RED)


def test_the_whole_wall_is_there_when_it_is_zoomed_out(drawing: Drawing) -> None:
    drawing.drawn(Camera(0.5, 0.5, 300).bounded(drawing.stage))
    whole = Camera.of_all(drawing.stage)
    drawing._qtbot.waitUntil(lambda: not drawing.mosaics._asked)
    assert drawing.paint(whole)[1]


def test_memory_is_bounded(drawing: Drawing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosaics, "BYTES", 3 * 2**20)
    for place in range(0, UNITS, 7):
        drawing.drawn(Camera(place % COLUMNS + 0.5, place // COLUMNS + 0.5, 360).bounded(drawing.stage))
    # A view at this size sees up to six mosaics of a MB, and the whole wall needs six of a quarter.
    assert drawing.mosaics.bytes <= 8 * 2**20
    kept = drawing.mosaics._kept.values()
    assert drawing.mosaics.bytes == sum(each.image.sizeInBytes() for each in kept)


def test_nothing_is_lost_between_two_mosaics(drawing: Drawing) -> None:
    """Where mosaics meet at a fraction of a pixel, no line of what is behind them is left."""
    camera = Camera(5.013, 3.007, 97.3)
    image = drawing.drawn(camera)
    black = sum(image.pixelColor(x, y) == QColor("#000000") for x in range(600) for y in range(0, 360, 40))
    assert black == 0
