import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from pytestqt.qtbot import QtBot

from clipdesk.gui.colors import track_color
from clipdesk.gui.panels.canvas import MOST_TILES, Canvas
from clipdesk.gui.tracks import Track
from clipdesk.render.targets import Unit
from tests.gui.conftest import tracks_of

LEFT = Qt.MouseButton.LeftButton


def tracks(count: int, steps: int = 10, side: int = 32) -> list[Track]:
    """Tracks whose picture at step s is a grey of 10 s."""
    made = tracks_of(*(Unit(layer="a", index=i) for i in range(count)))
    for track in made:
        for step in range(1, steps + 1):
            track.frames.add(step, np.full((side, side, 3), 10 * step, dtype=np.uint8))
            track.curve.append(step)
    return made


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    canvas = Canvas()
    canvas.resize(600, 500)
    qtbot.addWidget(canvas)
    canvas.show()
    canvas.show_tracks(tracks(4))
    return canvas


def grey(canvas: Canvas, tile: int = 0) -> int:
    image = canvas.view.tiles[tile].image
    assert image is not None
    return image.pixelColor(0, 0).red()


def on_screen(canvas: Canvas, place: QPoint) -> int:
    image = canvas.view.grab().toImage()
    ratio = image.devicePixelRatio()
    return image.pixelColor(round(place.x() * ratio), round(place.y() * ratio)).red()


def wheel(canvas: Canvas, place: QPoint, up: bool) -> None:
    view = canvas.view
    QGuiApplication.sendEvent(
        view,
        QWheelEvent(
            QPointF(place),
            QPointF(view.mapToGlobal(place)),
            QPoint(),
            QPoint(0, 120 if up else -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


@pytest.mark.parametrize("count", [1, 2, 3, 8, 64, 200])
def test_tiles_fill_the_canvas_without_overlap(canvas: Canvas, count: int) -> None:
    canvas.show_tracks(tracks(count, steps=1))
    frames = [canvas.view.frame_of(i) for i in range(min(count, MOST_TILES))]
    assert all(canvas.view.rect().contains(frame) for frame in frames)
    assert not any(a.intersects(b) for i, a in enumerate(frames) for b in frames[:i])


def test_a_click_shows_one_alone_and_another_click_all(canvas: Canvas, qtbot: QtBot) -> None:
    qtbot.mouseClick(canvas.view, LEFT, pos=canvas.view.frame_of(2).center())
    assert canvas.view.visible_tiles() == [2]
    assert canvas.selected() == [canvas.tracks[2]]
    qtbot.mouseClick(canvas.view, LEFT, pos=canvas.view.frame_of(2).center())
    assert len(canvas.view.visible_tiles()) == 4


def test_the_keyboard_chooses_pictures(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.view.setFocus()
    qtbot.keyClick(canvas.view, Qt.Key.Key_Right)
    qtbot.keyClick(canvas.view, Qt.Key.Key_Return)
    assert canvas.view.visible_tiles() == [1]
    qtbot.keyClick(canvas.view, Qt.Key.Key_Right)
    assert canvas.view.visible_tiles() == [2]
    qtbot.keyClick(canvas.view, Qt.Key.Key_Escape)
    assert len(canvas.view.visible_tiles()) == 4


def test_the_wheel_zooms_to_the_cursor(canvas: Canvas) -> None:
    canvas.show_tracks(tracks(1))
    view = canvas.view
    frame = view.frame_of(0)
    cursor = frame.topLeft() + QPoint(frame.width() // 4, frame.height() // 3)

    def under_cursor() -> tuple[float, float]:
        target = view.target_of(0)
        return (cursor.x() - target.x()) / target.width(), (cursor.y() - target.y()) / target.height()

    before = under_cursor()
    wheel(canvas, cursor, up=True)
    wheel(canvas, cursor, up=True)
    assert view.zoom is not None
    assert view.zoom > view.fit_scale()
    assert under_cursor() == pytest.approx(before, abs=0.01)
    for _ in range(3):
        wheel(canvas, cursor, up=False)
    assert view.zoom is None


def test_one_to_one_shows_a_pixel_for_each_pixel(canvas: Canvas) -> None:
    canvas.show_tracks(tracks(1))
    canvas.one_action.trigger()
    view = canvas.view
    assert view.target_of(0).width() * view.devicePixelRatioF() == pytest.approx(32)
    canvas.fit_action.trigger()
    assert view.zoom is None


def test_a_drag_pans_when_zoomed_in(canvas: Canvas, qtbot: QtBot) -> None:
    view = canvas.view
    canvas.in_action.trigger()
    canvas.in_action.trigger()
    before = view.target_of(0)
    start = view.frame_of(0).center()
    qtbot.mousePress(view, LEFT, pos=start)
    qtbot.mouseMove(view, start + QPoint(-15, 0))
    qtbot.mouseRelease(view, LEFT, pos=start + QPoint(-15, 0))
    assert view.target_of(0) == before.translated(-15, 0)
    assert len(view.visible_tiles()) == 4, "a drag is not a click"


def test_all_tiles_share_zoom_and_place(canvas: Canvas) -> None:
    canvas.in_action.trigger()
    view = canvas.view
    shares = set()
    for i in range(4):
        frame, target = view.frame_of(i), view.target_of(i)
        shares.add((round(target.width()), round(target.x() - frame.x())))
    assert len(shares) == 1


def test_the_slider_goes_back_through_the_steps(canvas: Canvas) -> None:
    assert grey(canvas) == 100
    canvas.slider.setValue(2)
    assert canvas.step == 3
    assert grey(canvas) == 30
    canvas.tracks[0].frames.add(11, np.full((32, 32, 3), 110, dtype=np.uint8))
    canvas.refresh()
    assert canvas.step == 3, "new steps do not move what is looked at"
    canvas.slider.setValue(canvas.slider.maximum())
    assert grey(canvas) == 110


def test_a_step_that_is_gone_gives_way_to_the_one_before(canvas: Canvas) -> None:
    canvas.slider.setValue(2)
    for track in canvas.tracks:
        track.frames.thin()
    canvas.refresh()
    assert (canvas.step, grey(canvas)) == (1, 10)
    canvas.tracks[0].clear()
    canvas.show_tracks(canvas.tracks[:1])
    assert canvas.step is None


def test_new_steps_are_followed_at_the_end(canvas: Canvas) -> None:
    canvas.tracks[0].frames.add(11, np.full((32, 32, 3), 110, dtype=np.uint8))
    canvas.refresh()
    assert canvas.step is None
    assert grey(canvas) == 110


def test_the_steps_are_played(canvas: Canvas, qtbot: QtBot) -> None:
    seen: list[int] = []
    canvas.slider.valueChanged.connect(seen.append)
    qtbot.mouseClick(canvas.strip.play_button, LEFT)
    qtbot.waitUntil(lambda: canvas.slider.value() == canvas.slider.maximum() and len(seen) >= 9, timeout=10_000)
    assert seen == list(range(10))


def test_before_and_after_are_wiped(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_tracks(tracks(1))
    canvas.wipe_action.trigger()
    frame = canvas.view.frame_of(0)
    left = frame.center() - QPoint(frame.width() // 4, 0)
    right = frame.center() + QPoint(frame.width() // 4, 0)
    assert (on_screen(canvas, left), on_screen(canvas, right)) == (10, 100)
    qtbot.mousePress(canvas.view, LEFT, pos=frame.center())
    qtbot.mouseMove(canvas.view, frame.topLeft() + QPoint(5, 50))
    qtbot.mouseRelease(canvas.view, LEFT, pos=frame.topLeft() + QPoint(5, 50))
    assert on_screen(canvas, left) == 100


def test_what_is_copied_stays_the_same_picture_when_one_is_kept(canvas: Canvas) -> None:
    fifth = canvas.tracks[3]
    canvas.view.current = 3
    canvas.pin_action.trigger()
    assert canvas.current is fifth
    canvas.view.set_solo(1)
    chosen = canvas.current
    canvas.pin_action.trigger()
    assert canvas.current is chosen
    assert canvas.shown() == canvas.tracks


def test_the_framed_picture_is_kept_and_not_the_first(canvas: Canvas) -> None:
    canvas.view.current = 2
    canvas.pin_action.trigger()
    assert canvas.shown()[0] is canvas.tracks[2]
    assert len(canvas.shown()) == 4


def test_two_pictures_of_one_run_are_seen_large_side_by_side(canvas: Canvas, qtbot: QtBot) -> None:
    first, second = canvas.tracks[1], canvas.tracks[3]
    canvas.view.set_solo(1)
    canvas.pin_action.trigger()
    assert canvas.visible() == [first], "keeping a picture does not change what is seen"
    at = canvas.shown().index(second)
    canvas.view.set_solo(at)
    assert canvas.visible() == [first, second]
    assert canvas.current is second
    canvas.in_action.trigger()
    widths = {canvas.view.target_of(i).width() for i in canvas.view.visible_tiles()}
    assert len(widths) == 1, "they share the zoom"
    canvas.view.setFocus()
    qtbot.keyClick(canvas.view, Qt.Key.Key_Right)
    assert canvas.visible() == [first, canvas.tracks[0]], "the kept one is left out"
    qtbot.keyClick(canvas.view, Qt.Key.Key_Escape)
    assert len(canvas.visible()) == 4


def test_captions_say_which_is_which_and_what_differs(canvas: Canvas) -> None:
    canvas.view.set_solo(0)
    canvas.pin_action.trigger()
    canvas.show_tracks(tracks(1, steps=6))
    assert [tile.label for tile in canvas.view.tiles] == ["A · a:0 · 10 steps   10", "B · a:0 · 6 steps   6"]
    canvas.wipe_action.trigger()
    assert canvas.view.tiles[1].label == "A · a:0 · 10 steps   10\nB · a:0 · 6 steps   6"
    canvas.wipe_action.trigger()
    canvas.pin_action.trigger()
    assert [tile.label for tile in canvas.view.tiles] == ["a:0   6"]


def test_two_pictures_are_wiped_with_the_mouse_and_with_the_slider(canvas: Canvas, qtbot: QtBot) -> None:
    kept, other = canvas.tracks[0], canvas.tracks[2]
    other.frames.add(20, np.full((32, 32, 3), 200, dtype=np.uint8))
    canvas.view.set_solo(0)
    canvas.pin_action.trigger()
    canvas.view.set_solo(canvas.shown().index(other))
    assert not canvas.wipe_slider.isVisible()
    canvas.wipe_action.trigger()
    assert canvas.visible() == [other], "the kept one lies below it"
    frame = canvas.view.frame_of(canvas.shown().index(other))
    left, right = (frame.center() + QPoint(by * frame.width() // 4, 0) for by in (-1, 1))
    assert (on_screen(canvas, left), on_screen(canvas, right)) == (100, 200)
    canvas.wipe_slider.setValue(canvas.wipe_slider.maximum())
    assert (on_screen(canvas, left), on_screen(canvas, right)) == (100, 100)
    qtbot.mousePress(canvas.view, LEFT, pos=QPoint(frame.right(), frame.center().y()))
    qtbot.mouseMove(canvas.view, QPoint(frame.left() + 2, frame.center().y()))
    qtbot.mouseRelease(canvas.view, LEFT, pos=QPoint(frame.left() + 2, frame.center().y()))
    assert (on_screen(canvas, left), on_screen(canvas, right)) == (200, 200)
    assert canvas.wipe_slider.value() < 50
    assert kept.compared


def test_two_pictures_without_steps_are_wiped_against_each_other(canvas: Canvas) -> None:
    first, second = tracks(2, steps=1)
    second.frames.add(1, np.full((32, 32, 3), 200, dtype=np.uint8))
    canvas.show_tracks([first, second])
    canvas.wipe_action.trigger()
    assert canvas.visible() == [second]
    frame = canvas.view.frame_of(1)
    left, right = (frame.center() + QPoint(by * frame.width() // 4, 0) for by in (-1, 1))
    assert (on_screen(canvas, left), on_screen(canvas, right)) == (10, 200)
    canvas.wipe_action.trigger()
    assert canvas.visible() == [first, second]


def test_a_pinned_picture_stays_beside_the_next_ones(canvas: Canvas, qtbot: QtBot) -> None:
    first = canvas.tracks[1]
    canvas.view.set_solo(1)
    canvas.pin_action.trigger()
    second = tracks(1)
    canvas.show_tracks(second)
    assert canvas.shown() == [first, *second]
    canvas.pin_action.trigger()
    assert canvas.shown() == second


def test_curves_follow_what_is_compared_and_its_colour_is_no_others(canvas: Canvas) -> None:
    said: list[list[Track]] = []
    canvas.compared.connect(said.append)
    first = canvas.tracks[0]
    canvas.view.set_solo(0)
    canvas.pin_action.trigger()
    assert said[-1] == canvas.tracks
    # The next run's first picture would have the same one.
    (second,) = tracks(1)
    canvas.show_tracks([second])
    colors = [tile.color for tile in canvas.view.tiles]
    assert colors == [track_color(first), track_color(second)]
    assert colors[0].saturation() == 0 < colors[1].saturation()
    canvas.pin_action.trigger()
    assert said[-1] == [second]
    assert track_color(first) == track_color(second)


def test_the_picture_is_copied(canvas: Canvas) -> None:
    canvas.copy_action.trigger()
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.pixelColor(0, 0).red()) == (32, 100)


def test_a_picture_can_be_pixelated(canvas: Canvas) -> None:
    track = tracks(1, side=2)[0]
    checker = np.zeros((2, 2, 3), dtype=np.uint8)
    checker[0, 0] = checker[1, 1] = 255
    track.frames.add(20, checker)
    canvas.show_tracks([track])
    frame = canvas.view.frame_of(0)
    near_the_edge = frame.topLeft() + QPoint(frame.width() * 9 // 20, frame.height() // 4)
    assert on_screen(canvas, near_the_edge) < 250
    canvas.smooth_action.trigger()
    assert on_screen(canvas, near_the_edge) == 255


def test_a_drag_out_is_asked_for(canvas: Canvas, qtbot: QtBot) -> None:
    asked: list[int] = []
    canvas.view.drag_asked.disconnect()
    canvas.view.drag_asked.connect(asked.append)
    start = canvas.view.frame_of(3).center()
    qtbot.mousePress(canvas.view, LEFT, pos=start)
    qtbot.mouseMove(canvas.view, start + QPoint(40, 0))
    qtbot.mouseRelease(canvas.view, LEFT, pos=start + QPoint(40, 0))
    assert asked == [3]
