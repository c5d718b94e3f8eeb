"""The activation under each picture, and what became of it."""

import numpy as np
from PySide6.QtCore import QPoint
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.canvas import Canvas
from clipdesk.render.targets import Unit
from tests.gui.conftest import tracks_of
from tests.recipes import SILENT, make_recipe


def test_the_activation_stands_under_each_picture_and_follows_the_slider(qtbot: QtBot) -> None:
    canvas = Canvas()
    qtbot.addWidget(canvas)
    made = tracks_of(Unit(layer="a", index=1), Unit(layer="a", index=2))
    for i, track in enumerate(made):
        for step in (1, 2):
            track.curve.append(step + i)
            track.frames.add(step, np.zeros((32, 32, 3), dtype=np.uint8))
    canvas.show_tracks(made)
    names = [track.label for track in made]
    assert [tile.label for tile in canvas.view.tiles] == [f"{names[0]}   2", f"{names[1]}   3"]
    canvas.slider.setValue(0)
    assert [tile.label for tile in canvas.view.tiles] == [f"{names[0]}   1", f"{names[1]}   2"]


def test_a_picture_that_nothing_excited_says_so_but_its_copy_does_not(qtbot: QtBot) -> None:
    canvas = Canvas()
    canvas.resize(600, 500)
    qtbot.addWidget(canvas)
    (track,) = tracks_of(Unit(layer="a", index=1))
    track.frames.add(1, np.full((32, 32, 3), 250, dtype=np.uint8))
    canvas.show_tracks([track])

    def lowest() -> int:
        frame = canvas.view.frame_of(0)
        image = canvas.view.grab().toImage()
        place = QPoint(frame.left() + 3, frame.bottom() - 2) * image.devicePixelRatio()
        return image.pixelColor(place).red()

    assert lowest() > 200
    track.recipe = make_recipe(track.target, activation=SILENT)
    canvas.refresh()
    assert canvas.view.tiles[0].note == "nothing excited it"
    assert lowest() < 100
    copied = canvas.view.tiles[0].image
    assert copied is not None
    assert copied.pixelColor(3, 31).red() == 250
