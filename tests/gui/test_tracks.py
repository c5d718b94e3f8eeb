"""What the window keeps of a picture: its curve and its frames."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from clipdesk.gui import tracks
from clipdesk.gui.tracks import KeptFrames, Series, Track
from clipdesk.jobs.events import Result
from clipdesk.render.targets import Text
from tests.recipes import make_recipe


def picture(value: int = 0) -> NDArray[np.uint8]:
    return np.full((4, 4, 3), value, dtype=np.uint8)


def test_a_series_grows() -> None:
    series = Series()
    for i in range(200):
        series.append(i)
    np.testing.assert_array_equal(series.values, np.arange(200))


@pytest.mark.parametrize("count", [1, 2, 59, 60, 61, 500, 5000])
def test_kept_frames_are_dense_where_the_picture_forms(count: int) -> None:
    frames = KeptFrames()
    for step in range(1, count + 1):
        frames.add(step, picture(step % 256))
    steps = frames.steps
    assert len(steps) == min(count, tracks.MAX_FRAMES)
    assert (steps[0], steps[-1]) == (1, count)
    if count >= 500:
        assert sum(step <= count / 10 for step in steps) >= 25
        assert max(later / step for step, later in pairwise(steps[10:])) < 1.2
    for step, image in zip(steps, frames.images, strict=True):
        assert image[0, 0, 0] == step % 256


def test_a_picture_replaces_one_of_the_same_step() -> None:
    frames = KeptFrames()
    for step, value in ((1, 1), (5, 2), (5, 3)):
        frames.add(step, picture(value))
    assert frames.steps == [1, 5]
    assert [int(image[0, 0, 0]) for image in frames.images] == [1, 3]


def test_the_picture_at_a_step_between_two_is_the_earlier() -> None:
    frames = KeptFrames()
    frames.add(1, picture(1))
    frames.add(9, picture(9))
    assert [int(image[0, 0, 0]) for s in (0, 1, 5, 9, 20) if (image := frames.at(s)) is not None] == [1, 1, 1, 9, 9]
    assert [frames.step_at(s) for s in (0, 1, 5, 9, 20)] == [1, 1, 1, 9, 9]
    assert KeptFrames().step_at(3) is None


def test_a_track_tells_at_which_earlier_step_it_is_seen() -> None:
    track = Track(Text(text="a star"), "a star")
    assert track.earlier(3) is None
    for step in (1, 5, 9):
        track.frames.add(step, picture(step))
    assert [track.earlier(step) for step in (None, 1, 4, 6, 9, 20)] == [None, 1, 1, 5, None, None]


def test_a_track_ends_with_its_picture_though_others_of_its_group_went_on() -> None:
    track = Track(Text(text="a"), "a", 0)
    track.penalties["flatness"] = Series()
    for step in range(1, 9):
        track.curve.append(step)
        track.penalties["flatness"].append(step)
        track.frames.add(step, picture(step))
    recipe = make_recipe(Text(text="a"), steps=5).model_copy(update={"steady": True})
    curve = np.arange(1, 6, dtype=np.float32)
    track.finish(Result(recipe.target, recipe.settings, picture(99), curve, 5.0, 1.0, True, recipe))
    assert (len(track.curve), len(track.penalties["flatness"])) == (5, 5)
    assert track.frames.steps == [1, 2, 3, 4, 5]
    assert track.frames.newest is not None
    assert track.frames.newest.max() == 99
