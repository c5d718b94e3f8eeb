"""``<layer>_metadata.json``: what a batch made, unit by unit."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from pathlib import Path
from typing import Any, BinaryIO, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from clipdesk.errors import ClipDeskError, UsageError, one_line
from clipdesk.export.files import reason_of, write_atomically
from clipdesk.paths import data_folder
from clipdesk.render.settings import RenderSettings

_LOCK_SECONDS = 60.0
_MAX_BYTES = 256 * 2**20
"""A larger file is not even read; 100,000 units take 80 MB."""


class UnitRecord(BaseModel):
    """One unit of a batch.

    Attributes:
        status: ``done``, ``failed``, or ``interrupted`` (the picture is what was reached).
        parameters: The settings it was made with, its own seed among them.
        file: Name of the PNG in the batch's folder; None where it failed.
        sha256: Checksum of that file, by which a changed or damaged one is known.
        activation: Activation of the saved picture.
        seconds: Time the unit's group took.
        reason: Why it failed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["done", "failed", "interrupted"]
    parameters: RenderSettings
    file: str | None = None
    sha256: str | None = None
    activation: float | None = None
    seconds: float | None = None
    reason: str | None = None


class BatchMetadata(BaseModel):
    """The file as a whole; `units` is keyed by unit index."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    model: str
    layer: str
    units: dict[int, UnitRecord] = {}

    @staticmethod
    def path(folder: Path, layer: str) -> Path:
        """Where the metadata of a layer's batch is.

        Raises:
            UsageError: no layer can have this name; it may come from a file that anybody has written.
        """
        if not re.fullmatch(r"[\w.-]{1,200}", layer):
            raise UsageError(f"{layer!r} is not the name of a layer")
        return folder / f"{layer}_metadata.json"

    @classmethod
    def note(cls, folder: Path, layer: str, model: str, index: int, record: UnitRecord) -> None:
        """Note what became of a unit, in the file; several processes may do this to one folder.

        Raises:
            UsageError, ClipDeskError: as `open` and `save`.
        """
        name = hashlib.sha256(str(cls.path(folder.absolute(), layer)).encode()).hexdigest()
        locks = data_folder() / "locks"
        try:
            locks.mkdir(parents=True, exist_ok=True)
            with FileLock(locks / f"{name}.lock", timeout=_LOCK_SECONDS):
                metadata = cls.open(folder, layer, model)
                metadata.units[index] = record
                metadata.save(folder)
        except Timeout as error:
            raise ClipDeskError(f"Another program has held the metadata of {folder} for a minute. Close it") from error
        except OSError as error:
            # Of the lock's file: those of the metadata are told by `open` and `save`.
            raise ClipDeskError(f"Cannot write to the folder {locks}: {reason_of(error)}") from error

    @classmethod
    def open(cls, folder: Path, layer: str, model: str) -> BatchMetadata:
        """Read a batch's metadata, or start it.

        Raises:
            UsageError: the file is damaged, or of another model's batch.
            ClipDeskError: it cannot be read.
        """
        path = cls.path(folder, layer)
        try:
            state = path.stat()
            if not stat.S_ISREG(state.st_mode):
                # A pipe could be waited for and read for ever.
                raise UsageError(f"{path} is not a regular file. Move it away")
            if state.st_size > _MAX_BYTES:
                raise UsageError(f"{path} is larger than any metadata that ClipDesk writes. Move it away")
            found = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls(model=model, layer=layer)
        except OSError as error:
            raise ClipDeskError(f"Cannot read {path}: {error.strerror}") from error
        except ValidationError as error:
            raise UsageError(f"{path} is damaged. Move it away, or choose another folder") from error
        if found.model != model:
            raise UsageError(
                f"{folder} contains a batch of the model '{one_line(found.model)}'. Choose another folder for '{model}'"
            )
        return found

    def save(self, folder: Path) -> None:
        """Write it, atomically."""
        text = self.model_dump_json(indent=2)

        def write(file: BinaryIO) -> None:
            file.write(text.encode())

        write_atomically(self.path(folder, self.layer), write)


def metadata_schema() -> dict[str, Any]:
    """The form of the file, as a JSON schema."""
    return BatchMetadata.model_json_schema()


if __name__ == "__main__":
    print(json.dumps(metadata_schema(), indent=2))
