"""``<layer>_metadata.json``: what a batch made, unit by unit.

To note a unit costs the same however many there are: it is a line in a journal beside the file. The journal is merged
into the file when it has grown in proportion, and at the end. Whoever opens the metadata here sees both.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clipdesk.errors import ClipDeskError, UsageError, one_line
from clipdesk.export.files import reason_of, write_atomically
from clipdesk.models.names import ModelName, is_same_name, parse_name
from clipdesk.paths import data_folder
from clipdesk.render.settings import RenderSettings

log = logging.getLogger(__name__)

_LOCK_SECONDS = 60.0
_LEAST_LINES = 16
_SHARE = 0.5
"""The journal is merged when it has so many lines, and so many for each unit of the file: as often, on the whole, as
there are doublings of the units."""
_MAX_BYTES = 256 * 2**20
"""Larger files are not read; 100,000 units take 80 MB."""


def is_layer_name(text: str) -> bool:
    """Whether a layer can have this name, and a file can be named after it."""
    return re.fullmatch(r"[\w.-]{1,200}", text) is not None


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
        if not is_layer_name(layer):
            raise UsageError(f"{layer!r} is not the name of a layer")
        return folder / f"{layer}_metadata.json"

    @classmethod
    def open(cls, folder: Path, layer: str, model: ModelName | str) -> BatchMetadata:
        """Read a batch's metadata, or start it.

        Raises:
            UsageError: the file is damaged.
            OtherModelError: it is of another model's batch.
            ClipDeskError: it cannot be read.
        """
        path, name = cls.path(folder, layer), parse_name(model)
        text = _read(path)
        try:
            found = cls(model=str(name), layer=layer) if text is None else cls.model_validate_json(text)
        except ValidationError as error:
            raise UsageError(f"{path} is damaged. Move it away, or choose another folder") from error
        found.units.update(_journal(folder, layer, name))
        if not is_same_name(name, found.model):
            raise OtherModelError(folder, found.model, name)
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


class OtherModelError(UsageError):
    """A folder holds the batch of another model."""

    def __init__(self, folder: Path, found: str, wanted: ModelName) -> None:
        super().__init__(
            f"{folder} holds a batch of the model '{one_line(found)}'. Choose another folder for '{wanted}'"
        )


class MetadataWriter:
    """Notes what becomes of the units of one layer; several processes may do this to one folder.

    Args:
        folder: The batch's folder.
        layer: The layer.
        model: The model.

    Raises:
        UsageError, OtherModelError, ClipDeskError: as `BatchMetadata.open`.
    """

    def __init__(self, folder: Path, layer: str, model: ModelName | str) -> None:
        self._folder = folder
        self._layer = layer
        self._model = parse_name(model)
        self._known = len(BatchMetadata.open(folder, layer, self._model).units)
        self._lines = 0
        name = hashlib.sha256(os.fsencode(BatchMetadata.path(folder.absolute(), layer))).hexdigest()
        self._lock = data_folder() / "locks" / f"{name}.lock"

    def note(self, index: int, record: UnitRecord) -> None:
        """Note what became of a unit, at a cost that does not depend on how many there are.

        Raises:
            ClipDeskError: it cannot be written.
        """
        line = _Line(model=str(self._model), index=index, record=record).model_dump_json()
        with self._alone():
            _append(_journal_path(self._folder, self._layer), line)
        self._lines += 1
        if self._lines >= max(_LEAST_LINES, _SHARE * self._known):
            self.settle()

    def settle(self) -> None:
        """Merge the journal into the file.

        Raises:
            UsageError, OtherModelError, ClipDeskError: as `BatchMetadata.open` and `BatchMetadata.save`.
        """
        journal = _journal_path(self._folder, self._layer)
        with self._alone():
            if journal.exists():
                metadata = BatchMetadata.open(self._folder, self._layer, self._model)
                metadata.save(self._folder)
                self._known = len(metadata.units)
                journal.unlink()
        self._lines = 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While it is entered, no other process writes this layer's metadata."""
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._lock, timeout=_LOCK_SECONDS):
                yield
        except Timeout as error:
            raise ClipDeskError(
                f"Another program has held the metadata of {self._folder} for a minute. Close it"
            ) from error
        except OSError as error:
            # Of the lock's file: those of the metadata are told where they happen.
            raise ClipDeskError(f"Cannot write to the folder {self._lock.parent}: {reason_of(error)}") from error


class _Line(BaseModel):
    """A line of the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    index: Annotated[int, Field(ge=0)]
    record: UnitRecord


def _journal_path(folder: Path, layer: str) -> Path:
    return folder / f".{layer}_metadata.journal"


def _append(path: Path, line: str) -> None:
    try:
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                # A process that was killed may have left half a line, which is passed over.
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ClipDeskError(f"Cannot write {path}: {reason_of(error)}. Choose another place") from error


def _journal(folder: Path, layer: str, model: ModelName) -> dict[int, UnitRecord]:
    """What the journal says of this model's units; lines that are damaged are passed over."""
    found: dict[int, UnitRecord] = {}
    for text in (_read(_journal_path(folder, layer)) or b"").splitlines():
        try:
            line = _Line.model_validate_json(text)
        except ValidationError:
            log.warning("a damaged line in the journal of %s in %s", layer, folder)
            continue
        if is_same_name(model, line.model):
            found[line.index] = line.record
    return found


def _read(path: Path) -> bytes | None:
    """What a file holds; None where there is none."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            # A pipe could be waited for and read for ever.
            raise UsageError(f"{path} is not a regular file. Move it away")
        if state.st_size > _MAX_BYTES:
            raise UsageError(f"{path} is larger than any that ClipDesk writes. Move it away")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ClipDeskError(f"Cannot read {path}: {error.strerror}") from error


if __name__ == "__main__":
    print(json.dumps(metadata_schema(), indent=2))
