"""Exporting pictures into a folder in the background, from memory or from files, with sheets and tables of them."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PySide6.QtCore import QObject, Signal

from clipdesk.errors import ClipDeskError
from clipdesk.export.files import free_path, make_folder, write_atomically
from clipdesk.export.marked import with_mark
from clipdesk.export.plan import Fate, Planned
from clipdesk.gui.background import Background
from clipdesk.gui.problems import explained
from clipdesk.marks.mark import UNMARKED, Mark
from clipdesk.network.layer_names import short_label

if TYPE_CHECKING:
    from clipdesk.export.recipe import Recipe
    from clipdesk.gui.library import Entry
    from clipdesk.gui.tracks import Track
    from clipdesk.jobs.events import Result


@dataclass(frozen=True)
class Source:
    """A picture to export: in memory, or in its file.

    Attributes:
        label: Its unit or text.
        recipe: How it was made.
        result: The picture; None where it is to be copied from `path`.
        path: Its file.
        mark: What the user says of it, which goes with it.
    """

    label: str
    recipe: Recipe
    result: Result | None = None
    path: Path | None = None
    mark: Mark = UNMARKED

    @classmethod
    def of_track(cls, track: Track, step: int | None = None) -> Source | None:
        """The finished picture of a track, if it is finished.

        Args:
            track: The track.
            step: An earlier step that it keeps, whose picture is wanted instead.
        """
        if track.recipe is None or (track.result is None and track.path is None):
            return None
        result = track.result
        if result is not None and step is not None and (image := track.frames.at(step)) is not None:
            result = result.at(step, image)
        recipe = track.recipe if result is None else result.recipe
        return cls(short_label(recipe.target.label), recipe, result, None if result else track.path)

    @classmethod
    def of_entry(cls, entry: Entry) -> Source:
        """A picture of the gallery."""
        return cls(entry.label, entry.recipe, path=entry.path)

    def write(self, path: Path) -> None:
        """Write the picture to a file, over one that is there.

        Raises:
            ClipDeskError: it cannot be read, or it cannot be written.
        """
        from clipdesk.jobs.saving import write_result

        source = self.path
        if self.result is not None:
            write_result(self.result, path)
            source = path
        if self.result is not None and not self.mark:
            return
        try:
            content = b"" if source is None else source.read_bytes()
        except OSError as error:
            raise ClipDeskError(f"Cannot read {source}: {error.strerror}") from error
        content = with_mark(content, self.mark)

        def put(file: BinaryIO) -> None:
            file.write(content)

        write_atomically(path, put)


@dataclass(frozen=True)
class Export:
    """What to export.

    Attributes:
        sources: The pictures.
        plan: Their names, as `plan_export` gave them.
        folder: Where to.
        replace: Whether a file that has a picture's name by then is replaced; else the picture gets a number.
        extras: Names of files to write beside them: contact sheets of these pictures (``.png``, ``.pdf``), and a page
            (``.html``) and the curves (``.csv``) of all pictures that the folder then contains.
    """

    sources: Sequence[Source]
    plan: Sequence[Planned]
    folder: Path
    replace: bool
    extras: Sequence[str] = ()


class Exporter(Background):
    """Runs one export after the other.

    Signals:
        listed: A folder, the names of its files, or None if it does not exist yet, and the bytes that are free on its
            disk, or None if that is not known.
        progressed: How many pictures are done, and how many there are.
        finished: How many pictures were written, and how many were to be.
    """

    listed = Signal(object, object, object)
    progressed = Signal(int, int)
    finished = Signal(int, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cancelled = threading.Event()

    def look(self, folder: Path) -> None:
        """List a folder; `listed` follows."""

        def read() -> None:
            names: list[str] | None = None
            # The user hears what is wrong with it when it is written to.
            with suppress(OSError):
                names = os.listdir(folder)
            self.listed.emit(folder, names, _free_bytes(folder))

        self.start(read)

    def export(self, export: Export) -> None:
        """Write the pictures; `finished` follows in any case, and `failed` before it if something went wrong."""
        self._cancelled.clear()
        todo = [pair for pair in zip(export.sources, export.plan, strict=True) if pair[1].fate is not Fate.LEFT]

        def write() -> None:
            written: list[tuple[Path, Recipe]] = []
            try:
                make_folder(export.folder)
                for source, planned in todo:
                    if self._cancelled.is_set():
                        break
                    path = export.folder / planned.name
                    path = path if export.replace else free_path(path)
                    source.write(path)
                    written.append((path, source.recipe))
                    self.progressed.emit(len(written), len(todo))
                else:
                    _write_extras(export, written)
            except Exception as error:
                self.failed.emit(explained(error))
            self.finished.emit(len(written), len(todo))

        self.start(write)

    def cancel(self) -> None:
        """Stop after the picture that is being written; pictures that were written stay."""
        self._cancelled.set()

    def close(self, timeout_ms: int = 20_000) -> bool:
        """Stop, and wait for the picture that is being written; False if it is stuck, as on a dead drive."""
        self.cancel()
        return self.wait(timeout_ms)


def _free_bytes(folder: Path) -> int | None:
    """How much room the disk of a folder has, which may have to be made first; None if that is not known."""
    for place in (folder.absolute(), *folder.absolute().parents):
        with suppress(OSError):
            return shutil.disk_usage(place).free
    return None


def _write_extras(export: Export, written: Sequence[tuple[Path, Recipe]]) -> None:
    from clipdesk.export import curves, page, sheet

    for name in export.extras if written else ():
        path = export.folder / name
        path = path if export.replace else free_path(path)
        if path.suffix == ".html":
            page.save_page(export.folder, path)
        elif path.suffix == ".csv":
            curves.save_curves(export.folder, path)
        else:
            sheet.save_sheet(written, path)
