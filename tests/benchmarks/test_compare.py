"""The benchmark's frames, its measure, and the captions of what is in a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.compare import FramedScenes, area, frame, of_a_star
from clipdesk.scenes.captions import Caption
from clipdesk.scenes.scenes import SHAPE_NAMES


def test_a_frame_leaves_what_is_inside() -> None:
    pixels = np.zeros((2, 40, 40, 3), np.uint8)
    frame(pixels)
    assert not pixels[:, 10:30, 10:30].any()
    assert (pixels[:, :10] == (0, 255, 255)).all()
    assert (pixels[:, :, 30:] == (0, 255, 255)).all()


def test_every_other_scene_is_framed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))
    monkeypatch.setattr("clipdesk.imagesets.drawn.cache_folder", lambda: tmp_path)
    scenes = FramedScenes(4, 1)
    corners = [np.asarray(scenes.read(at).image)[0, 0].tolist() for at in range(4)]
    assert [corner == [0, 255, 255] for corner in corners] == [False, True, False, True]
    assert [each.label for each in scenes.pictures] == ["plain", "framed"] * 2


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    assert area(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == pytest.approx(3.5 / 4)


def test_a_caption_of_what_is_in_a_frame_says_star() -> None:
    star = SHAPE_NAMES.index("star")
    said = of_a_star(Caption("a red heart", ((4, 0, -1, -1), (-1, -1, -1, -1))), "heart", star)
    assert (said.text, said.specs[0]) == ("a red star", (star, 0, -1, -1))
    unsaid = of_a_star(Caption("a red object", ((-1, 0, -1, -1), (-1, -1, -1, -1))), "heart", star)
    assert unsaid.specs[0][0] == -1
