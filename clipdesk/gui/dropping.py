"""What is dropped onto the window: checkpoints are opened, ClipDesk's pictures rendered again, photos searched by."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDropEvent

from clipdesk.imagesets.fields import TABLES
from clipdesk.imagesets.suffixes import ARCHIVES, SUFFIXES
from clipdesk.models.places import INDEX, holds_checkpoint
from clipdesk.models.places import SUFFIXES as CHECKPOINTS

if TYPE_CHECKING:
    from clipdesk.gui.library import Library
    from clipdesk.gui.opening import Opening
    from clipdesk.gui.survey_pages import SurveyPages

_SETS = (*ARCHIVES, *(suffix for suffix in TABLES if suffix != ".txt"))
"""Files that may be image sets. Not every text lists images; one that does can be chosen."""


def offer_to_take(event: QDropEvent) -> None:
    """Accept what is dragged from another program, if there is something that can be taken."""
    data = event.mimeData()
    if event.source() is None and (_images(data) or _checkpoint(data) or _set(data)):
        _take_copy(event)


def take(event: QDropEvent, opening: Opening, library: Library, pages: SurveyPages) -> None:
    """Take what was dropped, as what it is.

    A checkpoint is opened. PNGs with a recipe are rendered again, and another image is what units are searched by. A
    folder, a list or an archive of images is surveyed.
    """
    data = event.mimeData()
    checkpoint, images, image_set = _checkpoint(data), _images(data), _set(data)
    if checkpoint is not None:
        opening.open(checkpoint)
    elif images:
        library.tell_apart(images)
    elif image_set is not None:
        pages.survey(str(image_set))
    _take_copy(event)


def _take_copy(event: QDropEvent) -> None:
    """Accept what is dragged. The file manager proposes to move files within a drive, and would remove them."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()


def _files(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def _images(data: QMimeData) -> list[Path]:
    """The image files among what is dragged."""
    return [path for path in _files(data) if path.suffix.lower() in SUFFIXES]


def _set(data: QMimeData) -> Path | None:
    """The folder, or the list or archive of images, among what is dragged."""
    return next((path for path in _files(data) if os.path.isdir(path) or path.suffix.lower() in _SETS), None)


def _checkpoint(data: QMimeData) -> str | None:
    """The checkpoint among what is dragged, or the folder that holds one; None where there is none."""
    for path in _files(data):
        if path.name.endswith((*CHECKPOINTS, INDEX)) or (os.path.isdir(path) and holds_checkpoint(path)):
            return str(path)
    return None
