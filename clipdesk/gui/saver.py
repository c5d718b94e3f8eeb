"""Saver: writes what the user saves, on a thread of its own, so that the window does not wait for the disk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PySide6.QtCore import Signal

from clipdesk.export.files import free_path, picture_name, write_atomically
from clipdesk.gui.background import Background

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.gui.exporter import Source
    from clipdesk.jobs.events import Result


@dataclass(frozen=True)
class AnimatedPicture:
    """A picture and the frames of its run, (size, size, 3) each, to which nobody writes any more."""

    result: Result
    frames: list[NDArray[np.uint8]]


class Saver(Background):
    """Writes pictures one after the other, so that two never take the same free name.

    Signals:
        saved: What was saved and where, in words, when the user asked for it.
    """

    saved = Signal(str)

    def save(self, source: Source, place: Path) -> None:
        """Save a picture to a file, over one that is there."""

        def write() -> None:
            path = place if place.suffix.lower() == ".png" else place.with_name(f"{place.name}.png")
            source.write(path)
            self.saved.emit(f"Saved {path}")

        self.start(write)

    def animate(self, pictures: list[AnimatedPicture], place: Path) -> None:
        """Save one picture's animation to a file, or several into a folder as WebP, where nothing is overwritten.

        Each takes a second or more, so finished pictures are kept before the next one is begun.
        """
        saved: list[Path] = []

        def write(picture: AnimatedPicture) -> None:
            from clipdesk.export.animation import save_animation

            result, path = picture.result, place
            if len(pictures) > 1:
                name = picture_name(result.target, datetime.now())
                path = free_path((place / name).with_suffix(".webp"))
            save_animation(picture.frames, path, result.recipe)
            saved.append(path)
            if len(saved) == len(pictures):
                self.saved.emit(f"Saved {path}" if len(saved) == 1 else f"Saved {len(saved)} animations in {place}")

        for picture in pictures:
            self.start(partial(write, picture), urgent=False)

    def close(self, timeout_ms: int = 60_000) -> bool:
        """Wait until all is written; False if it is stuck, as on a dead drive."""
        return self.wait(timeout_ms)

    def write(self, content: bytes, path: Path) -> None:
        """Save a file with this content."""

        def put(file: BinaryIO) -> None:
            file.write(content)

        def write() -> None:
            write_atomically(path, put)
            self.saved.emit(f"Saved {path}")

        self.start(write)
