"""Keep a check in the picture that was checked, and in the metadata beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from clipdesk.export.check_record import CheckRecord
from clipdesk.export.metadata import BatchMetadata, is_layer_name
from clipdesk.export.metadata_writer import MetadataWriter
from clipdesk.export.png import read_png, write_check
from clipdesk.render.targets import Unit


def keep_check(path: Path, check: CheckRecord) -> None:
    """Write a check into a PNG, whose pixels, recipe and curve stay, and into the metadata that list the file.

    Args:
        path: The picture.
        check: What was found; an earlier check is replaced.

    Raises:
        UsageError: the file is not a complete PNG that ClipDesk wrote, or its metadata are damaged.
        ClipDeskError: one of the two cannot be written.
    """
    recipe = read_png(path).recipe
    target, folder = recipe.target, path.parent
    noted = (
        isinstance(target, Unit)
        and is_layer_name(target.layer)
        and BatchMetadata.is_there(folder, target.layer)
        and MetadataWriter(folder, target.layer, recipe.model)
    )
    write_check(path, check)
    if noted and isinstance(target, Unit):
        # The file's checksum is another one now.
        changes = {"check": check, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        noted.amend(target.index, path.name, changes)
