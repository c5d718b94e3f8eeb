"""Tiles that are decoded from pictures and photos."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage, QPainter

from clipdesk.gui.images import packed
from clipdesk.gui.wall.source import Kind, Picture
from clipdesk.gui.wall.tiles import Tiles
from tests.gui.wall.walls import BLUE, GREEN, RED, Known, looks, picture, plain

_EMPTY = "#808080"


def drawn(tiles: Tiles, kind: Kind, unit: int, side: int) -> QImage:
    image = plain("#000000", side, side)
    painter = QPainter(image)
    tiles.draw(painter, QRect(0, 0, side, side), kind, unit, QColor(_EMPTY).rgb())
    painter.end()
    return image


def at(image: QImage, x: float, y: float) -> QColor:
    """The colour at a part of the width and a part of the height."""
    return image.pixelColor(int(x * image.width()), int(y * image.height()))


@pytest.fixture
def tiles() -> Tiles:
    """Units 0 and 1 have red pictures; all but unit 0 have blue photos."""
    return Tiles({0: picture(RED), 1: picture(RED)}, Known(4))


@pytest.mark.parametrize("side", [7, 30, 122, 500])
def test_a_tile_shows_picture_or_photo(tiles: Tiles, side: int) -> None:
    assert looks(at(drawn(tiles, Kind.PICTURE, 1, side), 0.5, 0.5), RED)
    assert looks(at(drawn(tiles, Kind.PHOTO, 1, side), 0.5, 0.5), BLUE)


@pytest.mark.parametrize("side", [7, 30, 60])
def test_a_small_tile_is_halved_between_them(tiles: Tiles, side: int) -> None:
    both = drawn(tiles, Kind.BOTH, 1, side)
    assert looks(at(both, 0.2, 0.1), RED)
    assert looks(at(both, 0.8, 0.9), BLUE)


def test_a_large_tile_has_them_side_by_side(tiles: Tiles) -> None:
    both = drawn(tiles, Kind.BOTH, 1, 122)
    assert looks(at(both, 0.2, 0.5), RED)
    assert looks(at(both, 0.8, 0.5), BLUE)
    assert looks(at(both, 0.2, 0.1), _EMPTY)


@pytest.mark.parametrize("side", [7, 30, 122])
def test_where_one_is_missing_the_other_takes_its_place(tiles: Tiles, side: int) -> None:
    for x in (0.2, 0.8):
        assert looks(at(drawn(tiles, Kind.BOTH, 0, side), x, 0.1), RED)
        assert looks(at(drawn(tiles, Kind.BOTH, 2, side), x, 0.1), BLUE)


def test_a_tile_without_either_is_empty() -> None:
    nothing = Tiles({}, None)
    for kind in Kind:
        assert looks(at(drawn(nothing, kind, 0, 30), 0.5, 0.5), _EMPTY)


def test_a_picture_that_shows_nothing_of_the_unit_is_grey() -> None:
    found = at(drawn(Tiles({0: picture(RED, faded=True)}, None), Kind.PICTURE, 0, 30), 0.5, 0.5)
    assert found.red() == found.green() == found.blue()


def test_a_damaged_picture_leaves_the_tile_empty() -> None:
    damaged = Tiles({0: Picture(b"nonsense")}, None)
    assert looks(at(drawn(damaged, Kind.PICTURE, 0, 30), 0.5, 0.5), _EMPTY)


def test_a_large_tile_is_read_from_the_file(tmp_path: Path) -> None:
    plain(GREEN, 224, 224).save(str(tmp_path / "0.png"))
    tiles = Tiles({0: Picture(picture(RED).thumbnail, path=tmp_path / "0.png")}, None)
    assert looks(at(drawn(tiles, Kind.PICTURE, 0, 248), 0.5, 0.5), GREEN)
    assert looks(at(drawn(tiles, Kind.PICTURE, 0, 60), 0.5, 0.5), RED)


def test_where_the_file_is_gone_its_thumbnail_is_shown(tmp_path: Path) -> None:
    tiles = Tiles({0: Picture(picture(RED).thumbnail, path=tmp_path / "gone.png")}, None)
    assert looks(at(drawn(tiles, Kind.PICTURE, 0, 248), 0.5, 0.5), RED)


def test_a_photo_keeps_its_form() -> None:
    wide = Tiles({0: Picture(packed(plain(RED, 96, 48)))}, None)
    image = drawn(wide, Kind.PICTURE, 0, 30)
    assert looks(at(image, 0.5, 0.5), RED)
    assert looks(at(image, 0.5, 0.1), _EMPTY)


def test_small_tiles_stay_decoded_until_their_picture_changes() -> None:
    pictures = {0: picture(RED)}
    tiles = Tiles(pictures, None)
    assert not tiles.is_ready(Kind.PICTURE, 0)
    drawn(tiles, Kind.PICTURE, 0, 15)
    assert tiles.is_ready(Kind.PICTURE, 0)
    pictures[0] = picture(GREEN)
    tiles.forget(0)
    assert not tiles.is_ready(Kind.PICTURE, 0)
    assert looks(at(drawn(tiles, Kind.PICTURE, 0, 15), 0.5, 0.5), GREEN)
