"""The way to the trash: deleted pictures leave the gallery at once, and their files a while later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

if TYPE_CHECKING:
    from clipdesk.gui.library import Entry, Library
    from clipdesk.gui.panels.gallery import GalleryPanel

_UNDO_MS = 12_000


class Trash(QObject):
    """Lets the user take a deletion back, as long as a bar offers it.

    Until then no file is touched: whatever happens to the program, nothing is lost.

    Args:
        library: Moves files to the system's trash.
        gallery: Has the pictures, and the bar.

    Signals:
        changed: A list of `Entry` that have gone from the gallery or have come back.
    """

    changed = Signal(list)

    def __init__(self, library: Library, gallery: GalleryPanel) -> None:
        super().__init__(library)
        self._library = library
        self._gallery = gallery
        self._waiting: list[Entry] = []
        self._timer = QTimer(self, singleShot=True, interval=_UNDO_MS)
        self._timer.timeout.connect(self.empty)
        gallery.delete_asked.connect(self.put)
        gallery.undo_bar.undo_asked.connect(self.undo)
        gallery.undo_bar.dismissed.connect(self.empty)
        library.not_deleted.connect(self._bring_back)

    @Slot(list)
    def put(self, entries: Sequence[Entry]) -> None:
        """Delete pictures, and offer to take that back; what was deleted before goes for good."""
        self.empty()
        self._waiting = list(entries)
        for entry in self._waiting:
            self._gallery.model.remove(entry)
        count = len(self._waiting)
        what = self._waiting[0].label if count == 1 else f"{count} pictures"
        self._gallery.undo_bar.offer(f"Moved {what} to the trash")
        self._timer.start()
        self.changed.emit(self._waiting)

    @Slot()
    def undo(self) -> None:
        """Bring back what was deleted last, if its file is still there."""
        entries, self._waiting = self._waiting, []
        if not entries:
            return
        self._close()
        self._gallery.model.add(entries)
        self._gallery.select(entries)
        self.changed.emit(entries)

    @Slot()
    def empty(self) -> None:
        """Let the files follow now."""
        entries, self._waiting = self._waiting, []
        self._close()
        for entry in entries:
            self._library.delete(entry)

    def _close(self) -> None:
        self._timer.stop()
        self._gallery.undo_bar.leave()

    @Slot(object)
    def _bring_back(self, entry: Entry) -> None:
        """A file could not be moved, which the user is told."""
        self._gallery.model.add([entry])
        self.changed.emit([entry])
