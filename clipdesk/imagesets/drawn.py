"""Drawn scenes as an image set, such as ``scenes:5000``: something to try a survey with."""

from __future__ import annotations

import hashlib
import re
import shutil

from PIL import Image

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.imagesets.sets import ImageSet, Picture, ReadPicture, digest_of
from clipdesk.paths import cache_folder
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes, kept_in
from clipdesk.scenes.scenes import COLOR_NAMES, SHAPE_NAMES, SIZE

MOST_SCENES = 100_000
"""49 kB each."""
_SOURCE = re.compile(r"scenes:(\d{1,9})(?::(\d{1,9}))?")
_DRAWING = 1
"""To be raised when scenes are drawn otherwise, so that those that were kept are drawn anew."""
_MOST_WITHOUT_PROCESSES = 10_000
"""Drawn in half a minute; for more, other processes are worth their start."""


class SceneSet(ImageSet):
    """Single objects of the shape and colour pairs that the embedded models were trained with, on plain backgrounds.

    The label says colour and shape, as "red star"; the caption is the first of the scene's.

    Args:
        source: As in `ImageSet`.
        scenes: The scenes.
    """

    def __init__(self, source: str, scenes: Scenes) -> None:
        width = max(5, len(str(len(scenes.images) - 1)))
        pictures = [
            Picture(str(i).zfill(width), f"{COLOR_NAMES[color]} {SHAPE_NAMES[shape]}", captions[0].text)
            for i, ((shape, color, *_), captions) in enumerate(
                zip(scenes.factors.tolist(), scenes.captions, strict=True)
            )
        ]
        super().__init__(source, source, pictures, (), digest_of(pictures, [source, _DRAWING]))
        self._images = scenes.images

    def read(self, index: int, side: int = 0) -> ReadPicture:
        """As `ImageSet.read`."""
        return ReadPicture(Image.fromarray(self._images[index]), self.sha256(index))

    def sha256(self, index: int) -> str:
        """As `ImageSet.sha256`."""
        return hashlib.sha256(self._images[index].tobytes()).hexdigest()


def open_scenes(source: str) -> SceneSet:
    """Open ``scenes:COUNT`` or ``scenes:COUNT:SEED``; the seed is 0 if it is not named.

    They are drawn at the first opening, some 300 a second on one core, and kept in the user's cache folder.

    Raises:
        UsageError: it is written otherwise, or asks for too many.
        ClipDeskError: there is no room to keep them.
    """
    asked = _SOURCE.fullmatch(source)
    count, seed = (int(asked[1]), int(asked[2] or 0)) if asked else (0, 0)
    if not 0 < count <= MOST_SCENES:
        raise UsageError(f"Write scenes:5000 or scenes:5000:SEED, with at most {MOST_SCENES:,} scenes")
    cache = cache_folder() / f"scenes-{_DRAWING}"
    processes = 1 if count <= _MOST_WITHOUT_PROCESSES else None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        drawn = kept_in(cache, count, seed, Kind.SEEN).is_dir()
        if not drawn and shutil.disk_usage(cache).free < 2 * count * SIZE * SIZE * 3:
            raise ClipDeskError(f"There is too little room in {cache} for {count:,} scenes")
        scenes = draw_scenes(count, seed, Kind.SEEN, cache=cache, processes=processes)
    except OSError as error:
        raise ClipDeskError(f"Cannot keep scenes in {cache}: {error.strerror or error}") from None
    return SceneSet(source if seed else f"scenes:{count}", scenes)
