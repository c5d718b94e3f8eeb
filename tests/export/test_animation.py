import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.animation import MOST_FRAMES, frame_steps, save_animation
from clipdesk.export.recipe import Recipe
from clipdesk.render.targets import Text
from tests.recipes import make_recipe

RECIPE = make_recipe(Text(text="une étoile"))


def pictures(count: int = 5, height: int = 64, width: int = 64) -> list[NDArray[np.uint8]]:
    """Frame i is a ramp from black to red at its top, and a grey of 40 i below."""
    frames = np.zeros((count, height, width, 3), dtype=np.uint8)
    for i, frame in enumerate(frames):
        frame[:] = 40 * i
        frame[:16] = 0
        frame[:16, :, 0] = np.linspace(0, 255, width)
    return list(frames)


@pytest.mark.parametrize("iterations", [1, 2, 59, 60, 61, 100, 500, 5000])
def test_frames_are_dense_while_the_picture_forms(iterations: int) -> None:
    steps = frame_steps(iterations)
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (1, iterations)
    assert len(steps) <= MOST_FRAMES
    assert len(steps) >= min(iterations, 50)
    if iterations >= 500:
        assert sum(step <= iterations / 10 for step in steps) >= 25


def pillow_frames(path: Path) -> tuple[list[NDArray[np.float64]], list[int]]:
    frames, durations = [], []
    with Image.open(path) as image:
        assert image.info["loop"] == 0
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            image.load()
            frames.append(np.asarray(image.convert("RGB"), dtype=float))
            durations.append(image.info["duration"])
    return frames, durations


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_webp_and_gif(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    save_animation(pictures(), path, RECIPE)
    frames, durations = pillow_frames(path)
    assert durations == [60, 60, 60, 60, 1500]
    for frame, picture in zip(frames, pictures(), strict=True):
        assert abs(frame - picture).mean() < 6
    with Image.open(path) as image:
        text = image.info["comment"].decode() if kind == "gif" else image.getexif()[0x010E]
    assert Recipe.from_json(text) == RECIPE


def test_a_gif_has_the_colours_of_each_frame(tmp_path: Path) -> None:
    grey, vivid = np.zeros((64, 64, 3), dtype=np.uint8), np.zeros((64, 64, 3), dtype=np.uint8)
    grey[:] = np.linspace(90, 130, 64)[:, None]
    vivid[..., 0], vivid[..., 1] = np.linspace(0, 255, 64), np.linspace(0, 255, 64)[:, None]
    save_animation([grey, *[np.roll(vivid, i, axis=2) for i in range(20)]], tmp_path / "x.gif")
    frames, _ = pillow_frames(tmp_path / "x.gif")
    assert abs(frames[0] - grey).mean() < 1.5


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 67)])
def test_mp4(tmp_path: Path, height: int, width: int) -> None:
    path = tmp_path / "x.mp4"
    save_animation(pictures(5, height, width), path, RECIPE)
    with av.open(path) as video:
        assert Recipe.from_json(video.metadata["comment"]) == RECIPE
        (stream,) = video.streams.video
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.height, stream.width) == (height + height % 2, width + width % 2)
        assert video.duration is not None
        assert video.duration / av.time_base == pytest.approx(4 * 0.06 + 1.5, abs=0.06)
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(stream)]
    for frame, picture in zip(frames, pictures(5, height, width), strict=False):
        assert abs(frame[:height, :width].astype(float) - picture).mean() < 6
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_an_animation_of_one_picture_has_one_frame_and_needs_no_recipe(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind.upper()}"
    (picture,) = pictures(1)
    save_animation([picture], str(path))
    with Image.open(path) as image:
        assert image.format == kind.upper()
        assert getattr(image, "n_frames", 1) == 1
        assert not image.info.get("comment")
        assert 0x010E not in image.getexif()
        assert abs(np.asarray(image.convert("RGB"), dtype=float) - picture).mean() < 6


def test_an_mp4_of_one_picture_holds_it_and_needs_no_recipe(tmp_path: Path) -> None:
    path = tmp_path / "x.MP4"
    (picture,) = pictures(1)
    save_animation([picture], str(path))
    with av.open(path) as video:
        assert "comment" not in video.metadata
        assert video.duration is not None
        assert video.duration / av.time_base == pytest.approx(1.5, abs=0.06)
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video.streams.video[0])]
    assert all(abs(frame.astype(float) - picture).mean() < 6 for frame in frames)


def test_mp4_needs_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ClipDeskError, match=r"pip install 'clipdesk\[video\]'"):
        save_animation(pictures(), tmp_path / "x.mp4")
    save_animation(pictures(), tmp_path / "x.webp")
    assert [path.name for path in tmp_path.iterdir()] == ["x.webp"]


@pytest.mark.parametrize("name", ["x.avi", "x", "x.png"])
def test_other_formats_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="An animation is webp, gif or mp4, not"):
        save_animation(pictures(), tmp_path / name)


def test_frames_must_be_pictures_of_one_size(tmp_path: Path) -> None:
    small, large = pictures(1), pictures(1, 80)
    floats: list[Any] = [small[0].astype(np.float32)]
    for frames in ([], [*small, *large], floats, [small[0][..., :1]], [small[0][0]]):
        with pytest.raises(UsageError, match="pictures of one size"):
            save_animation(frames, tmp_path / "x.webp")
    with pytest.raises(UsageError, match="frame_ms must be 20 or more, not 0"):
        save_animation(small, tmp_path / "x.mp4", frame_ms=0)


@pytest.mark.parametrize("kind", ["webp", "gif", "mp4"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(ClipDeskError, match="the disk is full"):
        save_animation(pictures(), tmp_path / f"x.{kind}")
    assert list(tmp_path.iterdir()) == []
