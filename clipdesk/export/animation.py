"""Animations of how a picture forms: WebP and GIF with Pillow, MP4 with PyAV if that is installed."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.files import write_atomically
from clipdesk.export.recipe import Recipe
from clipdesk.given import checked

FORMATS = ("webp", "gif", "mp4")
MOST_FRAMES = 60
FRAME_MS, HOLD_MS = 60, 1500

_EXIF_DESCRIPTION = 0x010E
_LONGEST_RECIPE = 65_536
"""Characters of a recipe that an animation contains; its PNG contains longer ones too."""
_PALETTE_SIDE = 64
_SHORTEST_MS = 20  # browsers slow faster GIFs down tenfold


def frame_steps(iterations: int) -> list[int]:
    """The steps that the animation of a render shows, at most `MOST_FRAMES`, from 1 to `iterations`.

    Successive steps have roughly a constant ratio: a picture takes most of its form in the first tenth of the steps, of
    which evenly spaced frames would show little.
    """
    ratio = 1.0
    while True:
        steps = [1]
        while steps[-1] < iterations:
            steps.append(min(iterations, max(steps[-1] + 1, round(steps[-1] * ratio))))
        if len(steps) <= MOST_FRAMES:
            return steps
        ratio += 0.005


@checked
def save_animation(
    frames: Sequence[NDArray[np.uint8]],
    path: str | Path,
    recipe: Recipe | None = None,
    *,
    frame_ms: int = FRAME_MS,
    hold_ms: int = HOLD_MS,
) -> None:
    """Write frames as an animation that loops for ever, in the format of the file's suffix.

    Args:
        frames: The frames in order, uint8, (height, width, 3) each, all of one size.
        path: The file: ``.webp``, ``.gif``, or ``.mp4``, for which PyAV must be installed.
        recipe: Recipe of the last frame. The file contains it as JSON: WebP as Exif ``ImageDescription``, GIF and MP4
            as their comment.
        frame_ms: Duration of a frame in milliseconds, 20 or more; a GIF rounds it down to tens.
        hold_ms: Duration of the last frame in milliseconds.

    Raises:
        UsageError: the suffix is another, there are no frames, their sizes differ, or the duration is too short.
        ClipDeskError: PyAV is not installed, or the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    check_format(kind)
    if not frames or any(f.dtype != np.uint8 or f.ndim != 3 or f.shape != (*frames[0].shape[:2], 3) for f in frames):
        raise UsageError("An animation needs pictures of one size: uint8 arrays of (height, width, 3)")
    if frame_ms < _SHORTEST_MS:
        raise UsageError(f"frame_ms must be {_SHORTEST_MS} or more, not {frame_ms}")
    text = "" if recipe is None else json.dumps(recipe.model_dump(mode="json"))
    if len(text) > _LONGEST_RECIPE:
        text = ""
    encode = {"webp": _webp, "gif": _gif, "mp4": _mp4}[kind]
    content = encode(frames, frame_ms, hold_ms, text)

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_atomically(path, write)


def check_format(kind: str) -> None:
    """Check that animations can be written in a format, before anything is rendered for one.

    Raises:
        UsageError: the format is not one of `FORMATS`.
        ClipDeskError: the format is MP4, and PyAV is not installed.
    """
    if kind not in FORMATS:
        raise UsageError(f"An animation is webp, gif or mp4, not {kind or 'without a suffix'}")
    if kind == "mp4" and not has_video():
        raise ClipDeskError("MP4 needs PyAV: pip install 'clipdesk[video]'. WebP and GIF work without it")


def has_video() -> bool:
    """True if PyAV, which writes MP4, is installed."""
    return importlib.util.find_spec("av") is not None


def _webp(frames: Sequence[NDArray[np.uint8]], frame_ms: int, hold_ms: int, text: str) -> bytes:
    exif = Image.Exif()
    if text:
        exif[_EXIF_DESCRIPTION] = text
    first, *others = (Image.fromarray(frame) for frame in frames)
    durations = _durations(frames, frame_ms, hold_ms)
    file = io.BytesIO()
    first.save(
        file, "WEBP", save_all=True, append_images=others, duration=durations, loop=0, quality=85, method=4, exif=exif
    )
    return file.getvalue()


def _gif(frames: Sequence[NDArray[np.uint8]], frame_ms: int, hold_ms: int, text: str) -> bytes:
    first, *others = (_dithered(Image.fromarray(frame)) for frame in frames)
    durations = _durations(frames, frame_ms, hold_ms)
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others, duration=durations, loop=0, comment=text)
    return file.getvalue()


def _dithered(image: Image.Image) -> Image.Image:
    """Reduce a frame to a palette of its own: frames go from grey to vivid, and one palette would falsify the first.

    Maximum coverage with dithering stays closer to the colours than Pillow's default median cut, which dulls them. It
    is slow on a whole frame, and finds as good a palette from a sample of its pixels.
    """
    some = image.resize((_PALETTE_SIDE, _PALETTE_SIDE), Image.Resampling.NEAREST)
    palette = some.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    return image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _durations(frames: Sequence[object], frame_ms: int, hold_ms: int) -> list[int]:
    return [frame_ms] * (len(frames) - 1) + [hold_ms]


def _mp4(frames: Sequence[NDArray[np.uint8]], frame_ms: int, hold_ms: int, text: str) -> bytes:
    import av

    height, width, _ = frames[0].shape
    # FFmpeg reads its output again to move the index to the front, so that a browser can play before it has the whole
    # file.
    file = io.BytesIO()
    with av.open(
        file,
        "w",
        format="mp4",
        container_options={"movflags": "faststart"},
        io_open=lambda *_: io.BytesIO(file.getvalue()),
    ) as container:
        container.metadata["comment"] = text
        options = {"crf": "18", "x264-params": "colormatrix=smpte170m"}
        stream = container.add_stream("libx264", Fraction(1000, frame_ms), options=options)
        # Every player knows yuv420p, which stores one colour per square of four pixels.
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        held = [frames[-1]] * max(0, hold_ms // frame_ms - 1)
        for frame in (*frames, *held):
            even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()
