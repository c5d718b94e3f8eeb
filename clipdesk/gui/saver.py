"""File work on a thread of its own, so that neither the window nor a render waits for the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PySide6.QtCore import Signal

from clipdesk.errors import ClipDeskError
from clipdesk.gui.background import Background

if TYPE_CHECKING:
    from clipdesk.jobs.runner import Failure, Result


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptPicture:
    """A picture is in its file."""

    result: Result
    path: Path


class Saver(Background):
    """Writes pictures one after the other, so that two never take the same free name.

    Signals:
        kept: A `KeptPicture`, when a finished picture is in the results folder.
        saved: What was saved and where, in words, when the user asked for it.
    """

    kept = Signal(object)
    saved = Signal(str)

    def keep(self, result: Result, folder: Path) -> None:
        """Put a finished picture into a folder, and note it in the folder's metadata."""

        def write() -> None:
            from clipdesk.export.files import make_folder
            from clipdesk.jobs.batch import note_result, write_result

            make_folder(folder)
            path = write_result(result, folder)
            _try_to_note(lambda: note_result(result, path))
            self.kept.emit(KeptPicture(result, path))

        self.start(write)

    def note(self, failure: Failure, model: str, folder: Path) -> None:
        """Note in the folder's metadata that a unit failed."""

        def write() -> None:
            from clipdesk.export.files import make_folder
            from clipdesk.jobs.batch import note_failure

            make_folder(folder)
            _try_to_note(lambda: note_failure(failure, model, folder))

        self.start(write)

    def save(self, results: list[Result], place: Path) -> None:
        """Save one picture to a file, or several into a folder, where nothing is overwritten."""

        def write() -> None:
            from clipdesk.export.files import free_path, picture_name
            from clipdesk.export.png import save_png

            if len(results) == 1:
                path = place if place.suffix.lower() == ".png" else place.with_name(f"{place.name}.png")
                save_png(results[0].image, path, results[0].recipe, results[0].curve)
                self.saved.emit(f"Saved {path}")
                return
            for result in results:
                path = free_path(place / picture_name(result.target, datetime.now()))
                save_png(result.image, path, result.recipe, result.curve)
            self.saved.emit(f"Saved {len(results)} pictures in {place}")

        self.start(write)

    def write(self, content: bytes, path: Path) -> None:
        """Save a file with this content."""

        def put(file: BinaryIO) -> None:
            file.write(content)

        def write() -> None:
            from clipdesk.export.files import write_atomically

            write_atomically(path, put)
            self.saved.emit(f"Saved {path}")

        self.start(write)


def _try_to_note(note: Callable[[], None]) -> None:
    """In the window, pictures of several models share a folder, and a metadata file holds one: the first one's."""
    try:
        note()
    except ClipDeskError as error:
        log.info("not in the metadata: %s", error)
