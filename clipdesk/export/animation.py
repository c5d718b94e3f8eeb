"""Animations of how a picture forms: animated WebP and GIF through Pillow, MP4 through PyAV where it is installed."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.files import write_atomically
from clipdesk.export.recipe import MAX_CHARS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from clipdesk.export.recipe import Recipe

FORMATS = ("webp", "gif", "mp4")
MOST_FRAMES = 60
FRAME_MS, HOLD_MS = 60, 1500

_EXIF_DESCRIPTION = 0x010E
_PALETTE_SIDE = 64
_SHORTEST_MS = 20  # browsers play a GIF that is quicker ten times slower


def frame_steps(iterations: int) -> list[int]:
    """The steps of a render of `iterations` that its animation shows, at most `MOST_FRAMES`: from 1 to the last one.

    Neighbours are about in one ratio: a picture mostly takes its form in the first tenth of a run, of which frames
    spread evenly would show little.
    """
    ratio = 1.0
    while True:
        steps = [1]
        while steps[-1] < iterations:
            steps.append(min(iterations, max(steps[-1] + 1, round(steps[-1] * ratio))))
        if len(steps) <= MOST_FRAMES:
            return steps
        ratio += 0.005


def save_animation(
    frames: Sequence[NDArray[np.uint8]],
    path: str | Path,
    recipe: Recipe | None = None,
    *,
    frame_ms: int = FRAME_MS,
    hold_ms: int = HOLD_MS,
) -> None:
    """Write pictures as an animation that plays for ever; the file's suffix says in which format.

    Args:
        frames: The pictures in order, uint8, (height, width, 3) each, all of one size.
        path: The file: ``.webp``, ``.gif``, or ``.mp4``, for which PyAV must be installed.
        recipe: How the last picture was made. The file carries it as JSON: WebP as Exif ``ImageDescription``, GIF and
            MP4 as their comment.
        frame_ms: How long a picture is shown, in milliseconds, 20 or more; a GIF rounds it down to tens.
        hold_ms: How long the last one is shown.

    Raises:
        UsageError: another suffix, no frames, not all of one size, or too short a time.
        ClipDeskError: PyAV is not there, or the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    check_format(kind)
    if not frames or any(f.dtype != np.uint8 or f.ndim != 3 or f.shape != (*frames[0].shape[:2], 3) for f in frames):
        raise UsageError("An animation needs pictures of one size: uint8 arrays of (height, width, 3)")
    if frame_ms < _SHORTEST_MS:
        raise UsageError(f"frame_ms must be {_SHORTEST_MS} or more, not {frame_ms}")
    text = "" if recipe is None else json.dumps(recipe.model_dump(mode="json"))
    if len(text) > MAX_CHARS:
        text = ""
    encode = {"webp": _webp, "gif": _gif, "mp4": _mp4}[kind]
    content = encode(frames, frame_ms, hold_ms, text)

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_atomically(path, write)


def check_format(kind: str) -> None:
    """Check that animations can be written in a format of `FORMATS`, before anything is rendered for one.

    Raises:
        UsageError: there is no such format.
        ClipDeskError: it is MP4, and PyAV is not there.
    """
    if kind not in FORMATS:
        raise UsageError(f"An animation is webp, gif or mp4, not {kind or 'without a suffix'}")
    if kind == "mp4" and not has_video():
        raise ClipDeskError("MP4 needs PyAV: pip install 'clipdesk[video]'. WebP and GIF work without it")


def has_video() -> bool:
    """Whether PyAV is installed, by which MP4 is written."""
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
    """A picture in 256 colours of its own: they go from grey to vivid, and a palette for all falsifies the first ones.

    Maximum coverage, dithered, stays closer to the colours than Pillow's usual median cut, which dulls them. It takes
    long on a whole picture, and finds as good a palette among some of its pixels.
    """
    some = image.resize((_PALETTE_SIDE, _PALETTE_SIDE), Image.Resampling.NEAREST)
    palette = some.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    return image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _durations(frames: Sequence[object], frame_ms: int, hold_ms: int) -> list[int]:
    return [frame_ms] * (len(frames) - 1) + [hold_ms]


def _mp4(frames: Sequence[NDArray[np.uint8]], frame_ms: int, hold_ms: int, text: str) -> bytes:
    import av

    height, width, _ = frames[0].shape
    # To move the index to the front, so that a browser plays before it has everything, FFmpeg reads what it wrote.
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
        # In yuv420p, which every player knows, colours are stored for squares of four pixels.
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        held = [frames[-1]] * max(0, hold_ms // frame_ms - 1)
        for frame in (*frames, *held):
            even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()
