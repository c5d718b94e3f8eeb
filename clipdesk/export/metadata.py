"""``<layer>_metadata.json``: the result of each unit of a batch."""

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
"""Larger files are not read; 100,000 units take 80 MB."""


class UnitRecord(BaseModel):
    """One unit of a batch.

    Attributes:
        status: ``done``, ``failed``, or ``interrupted`` (the picture shows the last step reached).
        parameters: Settings of the picture, including its own seed.
        file: Name of the PNG in the batch's folder; None if the unit failed.
        sha256: Checksum of that file, which reveals a changed or damaged one.
        activation: Activation of the saved picture.
        seconds: Time that the unit's group took.
        reason: Reason of the failure.
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
    """The whole file; `units` is keyed by unit index."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    model: str
    layer: str
    units: dict[int, UnitRecord] = {}

    @staticmethod
    def path(folder: Path, layer: str) -> Path:
        """Path of the metadata of a layer's batch.

        Raises:
            UsageError: a layer cannot have this name, which may come from an untrusted file.
        """
        if not re.fullmatch(r"[\w.-]{1,200}", layer):
            raise UsageError(f"{layer!r} is not the name of a layer")
        return folder / f"{layer}_metadata.json"

    @classmethod
    def note(cls, folder: Path, layer: str, model: str, index: int, record: UnitRecord) -> None:
        """Write the result of a unit into the file; several processes may do this in one folder.

        Raises:
            UsageError, ClipDeskError: see `open` and `save`.
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
            # The lock's file failed; `open` and `save` report errors of the metadata itself.
            raise ClipDeskError(f"Cannot write to the folder {locks}: {reason_of(error)}") from error

    @classmethod
    def open(cls, folder: Path, layer: str, model: str) -> BatchMetadata:
        """Read the metadata of a batch, or start new metadata.

        Raises:
            UsageError: the file is damaged, or belongs to another model.
            ClipDeskError: the file cannot be read.
        """
        path = cls.path(folder, layer)
        try:
            state = path.stat()
            if not stat.S_ISREG(state.st_mode):
                # Reading a pipe could block for ever.
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
        """Write the file atomically."""
        text = self.model_dump_json(indent=2)

        def write(file: BinaryIO) -> None:
            file.write(text.encode())

        write_atomically(self.path(folder, self.layer), write)


def metadata_schema() -> dict[str, Any]:
    """The format of the file, as a JSON schema."""
    return BatchMetadata.model_json_schema()


if __name__ == "__main__":
    print(json.dumps(metadata_schema(), indent=2))
