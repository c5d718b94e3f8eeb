"""Copying pictures of the gallery to the clipboard: as pixels and files, or as commands that make them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, QUrl, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage

from clipdesk.gui.words import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clipdesk.gui.library import Entry, Library


class Copier(QObject):
    """Reads and writes on the library's thread what takes long, and then fills the clipboard.

    Args:
        library: Whose thread it is.

    Signals:
        said: A line for the status bar.
    """

    said = Signal(str)
    _read = Signal(list, QImage)
    _written = Signal(str, str)

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._library = library
        self._read.connect(self._put_pictures)
        self._written.connect(self._put_text)

    @Slot(list)
    def copy(self, entries: Sequence[Entry]) -> None:
        """Copy the files, and of a single picture its pixels, too."""

        def read() -> None:
            self._read.emit(list(entries), QImage(str(entries[0].path)) if len(entries) == 1 else QImage())

        self._library.start(read)

    @Slot(list)
    def copy_commands(self, entries: Sequence[Entry]) -> None:
        """Copy a line for each picture, which makes it again in a terminal."""

        def write() -> None:
            # It loads torch, which the first sight of the window does without.
            from clipdesk.export.command import command_of

            lines = [command_of(entry.recipe, entry.path) for entry in entries]
            self._written.emit("\n".join(lines), f"Copied {_counted(entries, 'the command of', 'commands')}")

        self._library.start(write)

    @Slot(list, QImage)
    def _put_pictures(self, entries: list[Entry], image: QImage) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(entry.path)) for entry in entries])
        if not image.isNull():
            data.setImageData(image)
        QGuiApplication.clipboard().setMimeData(data)
        self.said.emit(f"Copied {_counted(entries, '', 'pictures')}")

    @Slot(str, str)
    def _put_text(self, text: str, words: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.said.emit(words)


def _counted(entries: Sequence[Entry], one: str, many: str) -> str:
    if len(entries) == 1:
        return f"{one} {shortened(entries[0].label)}".strip()
    return f"{len(entries):,} {many}"
