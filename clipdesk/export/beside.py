"""What the metadata beside a picture says of it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from clipdesk.errors import ClipDeskError
from clipdesk.export.metadata import BatchMetadata, WorkerRecord, is_layer_name
from clipdesk.export.png import SavedPicture, read_png


def read_with_worker(picture: Path) -> tuple[SavedPicture, WorkerRecord | None]:
    """What is in a picture's file, and the worker that rendered it.

    The worker is None where the metadata beside the picture does not say so, or cannot be read.

    Raises:
        UsageError, ClipDeskError: as `read_png`.
    """
    found = read_png(picture)
    target, worker = found.recipe.target, None
    if target.layer is not None and target.index is not None and is_layer_name(target.layer):
        with suppress(ClipDeskError):
            # Opened only where it is: otherwise it would be that of a batch without units.
            if BatchMetadata.is_there(picture.parent, target.layer):
                metadata = BatchMetadata.open(picture.parent, target.layer, found.recipe.model)
                for record in metadata.records(target.index):
                    worker = record.worker if record.file == picture.name else worker
    return found, worker
