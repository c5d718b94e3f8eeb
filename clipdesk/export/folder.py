"""The pictures of a folder, in order."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.png import SavedPicture, pixels_of, read_png

T = TypeVar("T")

log = logging.getLogger(__name__)

_MOST_THREADS = 16
_LARGE_PIXELS = 2048**2
"""Larger pictures than this are worked on one after the other."""


def from_pictures(
    folder: Path, take: Callable[[Path, SavedPicture], T], progress: Callable[[int, int], None] = lambda done, all: None
) -> list[T]:
    """Call `take` for each undamaged picture in a folder; returns the results by layer, unit and time.

    Other files are skipped.

    Args:
        folder: Folder with the pictures.
        take: Called with the path and the picture, from several threads, since decoding releases Python's lock.
        progress: Called after each file with the number of files read, and of all files.

    Raises:
        UsageError: the folder does not exist, or does not contain a picture that ClipDesk wrote.
    """
    check_is_folder(folder)

    def read(path: Path) -> tuple[tuple[str, int, str], T] | None:
        try:
            picture = read_png(path)
        except ClipDeskError as error:
            log.info("skipped: %s", error)
            return None
        return (*picture.recipe.target.sort_key, picture.recipe.date), take(path, picture)

    paths = sorted(folder.glob("*.png"))
    found: list[tuple[tuple[str, int, str], T]] = []
    threads = min(_MOST_THREADS, (os.cpu_count() or 1) + 4)
    with ThreadPoolExecutor(threads) as many, ThreadPoolExecutor(1) as one:
        try:
            waiting = [(one if _is_large(path) else many).submit(read, path) for path in paths]
            for done, item in enumerate(waiting, 1):
                result = item.result()
                found.extend([result] if result else [])
                progress(done, len(paths))
        except BaseException:
            # After Ctrl-C, do not wait for thousands of files.
            for pool in (many, one):
                pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not found:
        raise UsageError(f"{folder} does not contain a picture that ClipDesk wrote")
    return [taken for _, taken in sorted(found, key=lambda item: item[0])]


def check_is_folder(folder: Path) -> None:
    """Check that a folder exists.

    Raises:
        UsageError: it does not.
    """
    # Not Path.is_dir, which raises an error for a name that is too long.
    if not os.path.isdir(folder):
        raise UsageError(f"There is no folder {folder}")


def _is_large(path: Path) -> bool:
    """Whether a picture is to be worked on alone; each thread keeps the memory that it has once used."""
    try:
        return pixels_of(path) > _LARGE_PIXELS
    except ClipDeskError:
        return False
