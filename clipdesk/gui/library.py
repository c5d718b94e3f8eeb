"""The results folder: pictures with their recipes, read and deleted on a thread of its own."""

from __future__ import annotations

import logging
import os
import re
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QFile, QObject, QSize, Qt, Signal
from PySide6.QtGui import QImageReader

from clipdesk.errors import ClipDeskError, UsageError, one_line
from clipdesk.export.metadata import worker_of
from clipdesk.export.recipe import Recipe
from clipdesk.gui.background import Background
from clipdesk.gui.images import packed, small
from clipdesk.marks.keys import Key, PictureKey, UnitKey
from clipdesk.models.listing import is_on_disk
from clipdesk.models.names import parse_name
from clipdesk.network.layer_names import short_label
from clipdesk.render.presets import preset_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clipdesk.jobs.events import Result

log = logging.getLogger(__name__)

THUMBNAIL = 160
"""Side of the pictures that are kept for the gallery, which shows them larger or smaller."""
_DIGITS = 9
OTHER = "other settings"
"""Shown in place of a preset if the settings are none of the presets'."""
_CHUNK, _MOST_AT_ONCE = 24, 384


@dataclass(frozen=True, eq=False)
class Entry:
    """A finished picture: its file, its recipe, and a small picture of it, as `packed` makes it."""

    path: Path
    recipe: Recipe
    thumbnail: bytes

    @property
    def layer(self) -> str:
        """Dotted name of the layer; ``text`` or ``combined`` for other targets."""
        target = self.recipe.target
        return target.layer or target.kind

    @property
    def label(self) -> str:
        """The unit, or the text."""
        return short_label(self.recipe.target.label)

    @cached_property
    def preset(self) -> str:
        """The preset that it was made with."""
        return preset_of(self.recipe.settings) or OTHER

    @cached_property
    def unit_or_text(self) -> str:
        """What a number in a search is looked for in: ``:5`` for unit 5, or the text, folded."""
        target = self.recipe.target
        if target.layer is not None:
            return f":{target.index}"
        return target.label.casefold()

    @cached_property
    def words(self) -> str:
        """All that it can be found by, folded."""
        recipe = self.recipe
        names = (recipe.target.label, self.label, recipe.model, self.preset, recipe.outcome_in_words, self.path.name)
        return "\n".join(names).casefold()

    @cached_property
    def picture_key(self) -> PictureKey:
        """By this its marks are found, wherever its file is."""
        return PictureKey(self.recipe.key)

    @cached_property
    def marked(self) -> tuple[Key, ...]:
        """What a person may have marked: the picture, and its unit where it is known of which weights that is."""
        target, weights = self.recipe.target, self.recipe.weights
        if target.layer is None or weights is None:
            return (self.picture_key,)
        return self.picture_key, UnitKey(weights, target.layer, target.index)

    @cached_property
    def unit_key(self) -> str:
        """Where it stands among all units: numbers are in the order of their values."""
        return re.sub(r"\d+", lambda number: number[0].zfill(_DIGITS), self.recipe.target.label)


class Library(Background):
    """Reads the results folder in the background.

    Signals:
        found: A list of `Entry`, some at a time, newest file first.
        scanned: How many there are, when the folder has been read.
        loaded: An `Entry`, its picture in full, (height, width, 3 or 4), and its curve, or None where it has none.
        worker_found: An `Entry`, and the worker that rendered it, in words.
        asked_again: The `Recipe` of a picture that is to be rendered again, and can be without a download.
        photo_found: An image that no recipe is in.
        not_deleted: An `Entry` whose file could not be moved to the trash, as `failed` says.
    """

    found = Signal(list)
    scanned = Signal(int)
    loaded = Signal(object, object, object)
    worker_found = Signal(object, str)
    asked_again = Signal(object)
    photo_found = Signal(object)
    not_deleted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._closing = threading.Event()
        self._asked_for: Entry | None = None

    def scan(self, folder: Path) -> None:
        """Find the pictures of a folder that hold a recipe."""

        def read() -> None:
            count = 0
            chunk: list[Entry] = []
            for path in _newest_first(folder):
                if self._closing.is_set():
                    return
                entry = read_entry(path)
                if entry is not None:
                    chunk.append(entry)
                    count += 1
                # More and more at a time: for each chunk the gallery lays out all that it has.
                if len(chunk) >= max(_CHUNK, min(count // 2, _MOST_AT_ONCE)):
                    self.found.emit(chunk)
                    chunk = []
            if chunk:
                self.found.emit(chunk)
            self.scanned.emit(count)

        self.start(read)

    def look_at(self, path: Path) -> None:
        """Find one picture that is new in the folder."""

        def read() -> None:
            entry = read_entry(path)
            if entry is not None:
                self.found.emit([entry])

        self.start(read)

    def load(self, entry: Entry) -> None:
        """Read a picture in full."""

        def read() -> None:
            # Here and below: it loads NumPy and Pillow, which the first sight of the window does without.
            from clipdesk.export.png import read_png

            picture = read_png(entry.path)
            self.loaded.emit(entry, picture.whole, picture.curve)

        self.start(read)

    def find_worker(self, entry: Entry) -> None:
        """Find the worker that rendered a picture, where one did, unless another picture is asked for meanwhile."""
        self._asked_for = entry

        def find() -> None:
            # Whoever goes through a gallery waits for the last one alone: a large batch takes a second for each.
            if self._asked_for is not entry:
                return
            worker = worker_of(entry.path, entry.recipe)
            if worker is not None:
                self.worker_found.emit(entry, one_line(worker.in_words, 200))

        self.start(find)

    def ask_again(self, path: Path, recipe: Recipe | None = None) -> None:
        """Ask for a picture again.

        Args:
            path: The picture, from anywhere.
            recipe: Its recipe, if it has been read.
        """

        def ask() -> None:
            found = recipe or _recipe(path)
            name = parse_name(found.model)
            if not is_on_disk(name):
                # Whoever drops a picture has not asked for the hundreds of megabytes that it may name.
                raise UsageError(
                    f"{path.name} was made with {name}, which is not on this disk. Open that model first, which "
                    "downloads it, then render the picture again"
                )
            self.asked_again.emit(found)

        self.start(ask)

    def tell_apart(self, images: Sequence[Path]) -> None:
        """Ask for ClipDesk's pictures among some images again; `photo_found` tells of the last other one."""

        def tell() -> None:
            for path in images:
                try:
                    recipe = _recipe(path)
                except ClipDeskError as error:
                    self._take_photo(path, error)
                else:
                    self.ask_again(path, recipe)

        self.start(tell)

    def delete(self, entry: Entry) -> None:
        """Move a picture's file to the system's trash."""

        def move() -> None:
            if os.path.exists(entry.path) and not QFile.moveToTrash(str(entry.path)):
                self.not_deleted.emit(entry)
                raise ClipDeskError(f"Cannot move {entry.path} to the trash. Delete it in your file manager")

        self.start(move)

    def _take_photo(self, path: Path, error: ClipDeskError) -> None:
        """Tell of an image that no recipe is in; what cannot be read at all is no picture of ClipDesk's either."""
        if not QImageReader(str(path)).canRead():
            raise error
        self.photo_found.emit(path)

    def close(self, timeout_ms: int = 5_000) -> bool:
        """Stop reading, and wait for the picture that is being read; False if it is stuck, as on a dead drive."""
        self._closing.set()
        return self.wait(timeout_ms)


def read_entry(path: Path) -> Entry | None:
    """A picture with its recipe; None if the file is not a complete PNG of ClipDesk's."""
    try:
        recipe = _recipe(path)
    except ClipDeskError as error:
        log.info("not in the gallery: %s", error)
        return None
    reader = QImageReader(str(path))
    reader.setScaledSize(reader.size().scaled(QSize(THUMBNAIL, THUMBNAIL), Qt.AspectRatioMode.KeepAspectRatio))
    entry = Entry(path, recipe, packed(reader.read()))
    # Here, where nobody waits for it.
    _ = entry.words, entry.unit_or_text, entry.unit_key, entry.marked
    return entry


def entry_of(result: Result, path: Path) -> Entry:
    """The entry of a picture that was just saved."""
    return Entry(path, result.recipe, packed(small(result.pixels, THUMBNAIL)))


def _newest_first(folder: Path) -> list[Path]:
    if not os.path.isdir(folder):
        return []
    dated = []
    for path in folder.rglob("*.png"):
        try:
            dated.append((path.stat().st_mtime, path))
        except OSError:
            continue
    return [path for _, path in sorted(dated, reverse=True)]


def _recipe(path: Path) -> Recipe:
    from clipdesk.export.png import read_recipe

    return read_recipe(path)
