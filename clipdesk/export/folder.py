"""The pictures of a folder, in order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.png import SavedPicture, read_png

T = TypeVar("T")


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
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}")

    def read(path: Path) -> tuple[tuple[str, int, str], T] | None:
        try:
            picture = read_png(path)
        except ClipDeskError:
            return None
        return (*picture.recipe.target.sort_key, picture.recipe.date), take(path, picture)

    paths = sorted(folder.glob("*.png"))
    found: list[tuple[tuple[str, int, str], T]] = []
    with ThreadPoolExecutor() as pool:
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
