"""What is dropped onto the window: checkpoints are opened, pictures are rendered again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDropEvent

from clipdesk.models.places import INDEX, SUFFIXES, holds_checkpoint

if TYPE_CHECKING:
    from clipdesk.gui.library import Library
    from clipdesk.gui.opening import Opening


def offer_to_take(event: QDropEvent) -> None:
    """Accept what is dragged from another program, if there is something that can be taken."""
    data = event.mimeData()
    if event.source() is None and (_pictures(data) or _checkpoint(data)):
        _take_copy(event)


def take(event: QDropEvent, opening: Opening, library: Library) -> None:
    """Open a checkpoint that was dropped; pictures from anywhere are rendered again, from the recipes inside."""
    checkpoint = _checkpoint(event.mimeData())
    if checkpoint is not None:
        opening.open(checkpoint)
    for path in _pictures(event.mimeData()):
        library.ask_again(path)
    _take_copy(event)


def _take_copy(event: QDropEvent) -> None:
    """Accept what is dragged. The file manager proposes to move files within a drive, and would remove them."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()


def _files(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def _pictures(data: QMimeData) -> list[Path]:
    """The PNG files among what is dragged."""
    return [path for path in _files(data) if path.suffix.lower() == ".png"]


def _checkpoint(data: QMimeData) -> str | None:
    """The checkpoint among what is dragged, or the folder that holds one; None where there is none."""
    for path in _files(data):
        if path.name.endswith((*SUFFIXES, INDEX)) or (os.path.isdir(path) and holds_checkpoint(path)):
            return str(path)
    return None
