"""Transparent pictures are seen on a checkerboard, thumbnails too."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from clipdesk.export.png import read_png, save_png
from clipdesk.gui.images import CHECK, on_checkerboard, packed, small, to_image, unpacked
from clipdesk.gui.library import entry_of, read_entry
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.canvas import Canvas
from clipdesk.gui.tracks import Track
from clipdesk.jobs.events import Result
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.gui.conftest import finished, until
from tests.recipes import make_recipe


def half_clear(side: int = 64) -> NDArray[np.uint8]:
    """Red; the left half is clear, the right one opaque."""
    pixels = np.zeros((side, side, 4), dtype=np.uint8)
    pixels[..., 0] = 200
    pixels[:, side // 2 :, 3] = 255
    return pixels


def finished_track() -> Track:
    recipe = make_recipe(settings=make_settings(iterations=3, transparency="gradients"))
    pixels, curve = half_clear(), np.array([1, 2, 3], dtype=np.float32)
    result = Result(
        recipe.target, recipe.settings, pixels[..., :3], curve, 3.0, 1.0, True, recipe, alpha=pixels[..., 3]
    )
    track = Track(recipe.target, "4")
    for step in (1, 2):
        track.frames.add(step, pixels[..., :3].copy())
    track.finish(result)
    return track


def colors(image: QImage, columns: range) -> set[str]:
    return {QColor(image.pixel(x, y)).name() for x in columns for y in range(image.height())}


def test_the_checkerboard_shows_through_where_a_picture_is_clear() -> None:
    seen = on_checkerboard(to_image(half_clear()))
    assert colors(seen, range(32)) == {"#ffffff", "#cccccc"}
    assert colors(seen, range(32, 64)) == {"#c80000"}
    assert seen.pixel(0, 0) != seen.pixel(CHECK, 0)
    opaque = to_image(half_clear()[..., :3])
    assert colors(on_checkerboard(opaque), range(64)) == {"#c80000"}


def test_thumbnails_are_on_a_checkerboard_from_memory_and_from_a_file(tmp_path: Path) -> None:
    track = finished_track()
    assert track.result is not None
    path = save_png(track.result.pixels, tmp_path / "x.png", track.result.recipe, track.result.curve)
    read = read_entry(path)
    assert read is not None
    for thumbnail in (read.thumbnail, entry_of(track.result, path).thumbnail, packed(small(half_clear(), 112))):
        image = unpacked(thumbnail)
        grey = [QColor(image.pixel(x, y)) for x in range(4, 40) for y in range(image.height())]
        assert max(color.red() for color in grey) > 240
        assert min(color.red() for color in grey) > 190
        assert all(abs(color.red() - color.green()) < 30 for color in grey)


def test_a_canvas_shows_the_checkerboard_and_can_do_without(qtbot: QtBot) -> None:
    canvas = Canvas()
    canvas.resize(500, 500)
    qtbot.addWidget(canvas)
    canvas.show()
    canvas.show_tracks([finished_track()])

    def left() -> set[str]:
        frame = canvas.view.frame_of(0)
        image = canvas.view.grab().toImage()
        middle = frame.center()
        return {QColor(image.pixel(QPoint(middle.x() - 60 + i, middle.y()))).name() for i in range(40)}

    assert left() == {"#ffffff", "#cccccc"}
    canvas.alpha_action.trigger()
    assert left() == {"#c80000"}
    canvas.copy_action.trigger()
    assert not QGuiApplication.clipboard().image().hasAlphaChannel()
    canvas.alpha_action.trigger()
    canvas.slider.setValue(0)
    assert left() == {"#c80000"}, "steps on the way have no transparency"


def test_a_transparent_picture_of_the_folder_is_shown_as_it_is(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    save_png(half_clear(), tmp_path / "x.png", make_recipe())
    window.session.use_folder(tmp_path)
    until(qtbot, lambda: window.gallery.model.rowCount() == 1)
    window.gallery.chosen.emit(window.gallery.model.all)
    until(qtbot, lambda: len(window.canvas.tracks) == 1)
    shown = window.canvas.tracks[0].frames.newest
    assert shown is not None
    assert (shown == half_clear()).all()
    assert read_png(tmp_path / "x.png").pixels.shape == (64, 64, 3)


def test_a_rendered_picture_keeps_its_transparency(window: MainWindow, qtbot: QtBot) -> None:
    window.parameters.show_settings(make_settings(iterations=4, transparency="gradients"))
    window.asking.render((Unit(layer="visual.conv1", index=4),))
    until(qtbot, lambda: finished(window))
    (track,) = window.canvas.tracks
    assert track.result is not None
    assert track.frames.images[-1].shape[-1] == 4
    assert (track.frames.images[-1] == track.result.pixels).all()


def test_a_transparent_picture_is_animated_without_its_transparency(window: MainWindow) -> None:
    window.canvas.show_tracks([finished_track()])
    (picture,) = window.animations.pictures()
    assert [frame.shape[-1] for frame in picture.frames] == [3, 3, 3]
