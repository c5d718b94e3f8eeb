"""Opening an image set by what a person names."""

from __future__ import annotations

import os
from pathlib import Path

from clipdesk.errors import UsageError, printable
from clipdesk.imagesets.drawn import PREFIX, open_scenes
from clipdesk.imagesets.folders import folder_set
from clipdesk.imagesets.sets import ImageSet
from clipdesk.imagesets.walking import walk

_RIGHT = "an image set is a folder with PNG, JPEG, WebP, BMP or TIFF files in it, or scenes:5000"


def open_image_set(source: str | Path) -> ImageSet:
    """Open an image set. No picture is decoded, but all places, labels and captions are read, and sizes and times.

    Args:
        source: A folder, or ``scenes:COUNT``.

    Raises:
        UsageError: it is not there, cannot be read, or holds no pictures.
    """
    if str(source).startswith(PREFIX):
        return open_scenes(str(source))
    path = Path(os.path.abspath(Path(source).expanduser()))
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read {printable(path)}: {getattr(error, 'strerror', None) or error}") from None
    if path.is_dir():
        return _open_folder(path)
    raise UsageError(f"{printable(path)} is not an image set: {_RIGHT}")


def _open_folder(path: Path) -> ImageSet:
    found = walk(path)
    if not found.pictures:
        raise UsageError(f"There are no images in {printable(path)}: {_RIGHT}")
    return folder_set(path, found, {})
