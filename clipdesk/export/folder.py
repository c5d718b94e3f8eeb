"""The pictures of a folder, in order."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Condition
from typing import TypeVar

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.png import SavedPicture, pixels_of, read_png

T = TypeVar("T")

log = logging.getLogger(__name__)

_MOST_THREADS = 16
_MOST_PIXELS = 64_000_000
"""Pixels of the pictures that are worked on at once, a quarter of a gigabyte; a larger one is worked on alone."""


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
    # Not Path.is_dir, which raises an error for a name that is too long.
    if not os.path.isdir(folder):
        raise UsageError(f"There is no folder {folder}")
    room = _Room(_MOST_PIXELS)

    def read(path: Path) -> tuple[tuple[str, int, str], T] | None:
        with ExitStack() as stack:
            try:
                stack.enter_context(room.taken(pixels_of(path)))
                picture = read_png(path)
            except ClipDeskError as error:
                log.info("skipped: %s", error)
                return None
            return (*picture.recipe.target.sort_key, picture.recipe.date), take(path, picture)

    paths = sorted(folder.glob("*.png"))
    found: list[tuple[tuple[str, int, str], T]] = []
    with ThreadPoolExecutor(min(_MOST_THREADS, (os.cpu_count() or 1) + 4)) as pool:
        try:
            for done, item in enumerate(pool.map(read, paths), 1):
                found.extend([item] if item else [])
                progress(done, len(paths))
        except BaseException:
            # After Ctrl-C, do not wait for thousands of files.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not found:
        raise UsageError(f"{folder} does not contain a picture that ClipDesk wrote")
    return [taken for _, taken in sorted(found, key=lambda item: item[0])]


class _Room:
    """Bounds the pixels that several threads hold at once.

    Args:
        most: The bound; a single picture may have more, and is then alone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._used = 0
        self._free = Condition()

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """While it is entered, so many pixels are held; waits until there is room for them."""
        with self._free:
            self._free.wait_for(lambda: not self._used or self._used + pixels <= self._most)
            self._used += pixels
        try:
            yield
        finally:
            with self._free:
                self._used -= pixels
                self._free.notify_all()
