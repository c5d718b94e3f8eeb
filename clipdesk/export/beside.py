"""What the metadata beside a picture says of it."""

from __future__ import annotations

from pathlib import Path

from clipdesk.export.metadata import WorkerRecord, worker_of
from clipdesk.export.png import SavedPicture, read_png


def read_with_worker(picture: Path) -> tuple[SavedPicture, WorkerRecord | None]:
    """What is in a picture's file, and the worker that rendered it, as `worker_of` finds it.

    Raises:
        UsageError, ClipDeskError: as `read_png`.
    """
    found = read_png(picture)
    return found, worker_of(picture, found.recipe)
