"""``<layer>_metadata.json``: what a batch made, unit by unit.

To note a unit costs the same however many there are: it is a line in a journal beside the file. The journal is merged
into the file when it has grown in proportion, and at the end. Whoever opens the metadata here sees both.
"""

from __future__ import annotations

import io
import itertools
import json
import logging
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from clipdesk.activations.active import Activity
from clipdesk.errors import ClipDeskError, UsageError, one_line
from clipdesk.export.check_record import CheckRecord
from clipdesk.export.claims import claims_of
from clipdesk.export.files import unwritable, write_atomically
from clipdesk.export.recipe import Outcome
from clipdesk.models.names import ModelName, is_same_name, parse_name
from clipdesk.render.settings import RenderSettings

log = logging.getLogger(__name__)

_LOCK_SECONDS = 60.0
_PIECE = 1_000
_LEAST_LINES = 16
_SHARE = 0.5
"""The journal is merged when it has so many lines, and so many for each unit of the file: as often, on the whole, as
there are doublings of the units."""
_MAX_BYTES = 256 * 2**20
"""Larger files are not read; 100,000 units take 80 MB."""


def is_layer_name(text: str) -> bool:
    """Whether a layer can have this name, and a file can be named after it."""
    return re.fullmatch(r"[\w.-]{1,200}", text) is not None


@lru_cache(maxsize=64)
def _shared(settings: RenderSettings) -> RenderSettings:
    """The same object for equal settings: those of a hundred thousand units would take a gigabyte otherwise."""
    return settings


class UnitRecord(BaseModel):
    """One unit of a batch.

    Attributes:
        status: ``done``, ``failed``, or ``interrupted`` (the picture shows the last step reached).
        outcome: ``done``, ``stopped``, ``silent`` (nothing excited the unit) or ``worse`` (the activation ended below
            where it began); None if the unit failed, or was noted by an older version.
        parameters: Settings of the picture, including its own seed.
        file: Name of the PNG in the batch's folder; None if the unit failed.
        sha256: Checksum of that file, which reveals a changed or damaged one.
        activation: The clean activation: of the saved picture, without the transforms and noise of the steps, under
            which its curve is. Where the network computed in bfloat16 (see `parameters`), it is bfloat16's, a few
            tenths of a percent off float32's.
        active: What is left of a latent in the picture, behind its activation; None for other units.
        seconds: Time that the unit's group took.
        reason: Reason of the failure.
        check: What `clipdesk check --keep` has found of the picture; None before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["done", "failed", "interrupted"]
    outcome: Outcome | None = None
    parameters: Annotated[RenderSettings, AfterValidator(_shared)]
    file: str | None = None
    sha256: str | None = None
    activation: float | None = None
    active: Activity | None = None
    seconds: float | None = None
    reason: str | None = None
    check: CheckRecord | None = None


class BatchMetadata(BaseModel):
    """The whole file.

    Attributes:
        version: Version of this format.
        model: The model whose units they are.
        layer: Their layer.
        units: The newest record of each unit, by its index.
        earlier: The records before it, oldest first, such as those of other seeds; only of units that have some.
            Where an earlier one names the same file as a newer one, its picture was replaced.
    """

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    model: str
    layer: str
    units: dict[int, UnitRecord] = {}
    earlier: dict[int, tuple[UnitRecord, ...]] = {}

    def records(self, index: int) -> tuple[UnitRecord, ...]:
        """All records of a unit, oldest first."""
        newest = self.units.get(index)
        return () if newest is None else (*self.earlier.get(index, ()), newest)

    def add(self, index: int, record: UnitRecord) -> None:
        """Make a record a unit's newest one; one that is there already, as after a crash, is not there twice."""
        before = tuple(each for each in self.records(index) if each != record)
        if before:
            self.earlier[index] = before
        self.units[index] = record

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
    def is_there(cls, folder: Path, layer: str) -> bool:
        """Whether a folder has metadata of a layer, if only a journal."""
        return cls.path(folder, layer).exists() or _journal_path(folder, layer).exists()

    def amend(self, index: int, file: str, changes: Mapping[str, object]) -> None:
        """Change what the records of a unit say of a file, where they are."""
        found = [
            UnitRecord.model_validate({**dict(record), **changes}) if record.file == file else record
            for record in self.records(index)
        ]
        if found:
            *earlier, self.units[index] = found
            if earlier:
                self.earlier[index] = tuple(earlier)

    @classmethod
    def open(cls, folder: Path, layer: str, model: ModelName | str) -> BatchMetadata:
        """Read a batch's metadata, or start it.

        Raises:
            UsageError: the file is damaged, or is another layer's under this one's name.
            OtherModelError: it is of another model's batch.
            ClipDeskError: it cannot be read.
        """
        path, name = cls.path(folder, layer), parse_name(model)
        text, journal = _read_both(path, _journal_path(folder, layer))
        lines = (line for line in _lines(journal, path) if line.layer in (layer, None))
        first = next(lines, None)
        # Until there is a file, the first line says whose batch it is.
        begun = str(name) if first is None else first.model
        try:
            found = cls(model=begun, layer=layer) if text is None else cls.model_validate_json(text)
        except ValidationError as error:
            raise UsageError(f"{path} is damaged. Move it away, or choose another folder") from error
        del text
        if found.layer != layer:
            # Their units have the same numbers.
            raise UsageError(
                f"{path} lists units of the layer '{one_line(found.layer)}'. Move it away, or choose another folder"
            )
        if not is_same_name(name, found.model):
            raise OtherModelError(folder, found.model, name)
        for line in itertools.chain([first] if first else [], lines):
            if is_same_name(name, line.model):
                found.add(line.index, line.record)
        return found

    def save(self, folder: Path) -> None:
        """Write the file atomically."""

        def write(file: BinaryIO) -> None:
            for piece in self._pieces():
                file.write(piece)

        write_atomically(self.path(folder, self.layer), write)

    def _pieces(self) -> Iterator[bytes]:
        """As `model_dump_json` with an indent of 2, a thousand units at a time: all of a large layer take 80 MB."""
        empty = self.model_copy(update={"units": {}}).model_dump_json(indent=2).encode()
        # A quote in a name would have a backslash before it.
        before, after = empty.split(b'"units": {}', 1)
        yield before + b'"units": {'
        indices = list(self.units)
        for start in range(0, len(indices), _PIECE):
            part = {index: self.units[index] for index in indices[start : start + _PIECE]}
            text = _UNITS.dump_json(part, indent=2).replace(b"\n", b"\n  ")
            yield (b"," if start else b"") + text[1:-4]
        yield (b"\n  }" if indices else b"}") + after


_UNITS = TypeAdapter(dict[int, UnitRecord])


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

    When two models begin in one folder at once, the first one that notes a unit has the folder's metadata.

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
        self._owned = self._known > 0
        self._lines = 0

    def note(self, index: int, record: UnitRecord) -> None:
        """Note what became of a unit, at a cost that does not depend on how many there are.

        Raises:
            OtherModelError: another model has begun a batch in the folder since this writer was made.
            UsageError: the file was damaged meanwhile, before this writer noted its first unit.
            ClipDeskError: the journal cannot be written.
        """
        line = _Line(model=str(self._model), layer=self._layer, index=index, record=record).model_dump_json()
        with self._alone():
            if not self._owned:
                BatchMetadata.open(self._folder, self._layer, self._model)
            _append(_journal_path(self._folder, self._layer), line)
        self._owned = True
        self._lines += 1
        if self._lines >= max(_LEAST_LINES, _SHARE * self._known):
            self._settle_or_wait()

    def amend(self, index: int, file: str, changes: Mapping[str, object]) -> None:
        """Change what is noted of a unit's file, such as its check; the journal is merged with it.

        Args:
            index: The unit.
            file: Name of the file.
            changes: New values of a record's attributes.

        Raises:
            UsageError, OtherModelError, ClipDeskError: as `BatchMetadata.open` and `BatchMetadata.save`.
        """
        with self._alone():
            metadata = BatchMetadata.open(self._folder, self._layer, self._model)
            metadata.amend(index, file, changes)
            metadata.save(self._folder)
            _journal_path(self._folder, self._layer).unlink(missing_ok=True)
        self._lines = 0
        claims_of(self._folder).tidy()

    def _settle_or_wait(self) -> None:
        """Merge the journal, or leave it for later: the units that were noted are safe in it."""
        try:
            self.settle()
        except OtherModelError:
            raise
        except ClipDeskError as error:
            log.warning("the metadata stays in its journal: %s", error)
            self._lines = 0

    def settle(self) -> None:
        """Merge the journal into the file.

        Raises:
            UsageError, OtherModelError, ClipDeskError: as `BatchMetadata.open` and `BatchMetadata.save`.
        """
        journal = _journal_path(self._folder, self._layer)
        with self._alone():
            if journal.exists():
                # Under the lock the two files belong together.
                metadata = BatchMetadata.open(self._folder, self._layer, self._model)
                metadata.save(self._folder)
                self._known = len(metadata.units)
                journal.unlink()
        self._lines = 0
        claims_of(self._folder).tidy()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While it is entered, no other process writes this layer's metadata."""
        try:
            with claims_of(self._folder).alone(f"metadata of {self._layer}", _LOCK_SECONDS):
                yield
        except TimeoutError as error:
            raise ClipDeskError(
                f"Another program has held the metadata of {self._folder} for a minute. Close it"
            ) from error


class _Line(BaseModel):
    """A line of the journal; an older version did not write the layer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    layer: str | None = None
    index: Annotated[int, Field(ge=0)]
    record: UnitRecord


def _journal_path(folder: Path, layer: str) -> Path:
    return folder / f".{layer}_metadata.journal"


def _append(path: Path, line: str) -> None:
    try:
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                # A process that was killed may have left half a line, which is skipped.
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from error


def _lines(journal: bytes | None, path: Path) -> Iterator[_Line]:
    """The lines of a journal; damaged ones are skipped."""
    for text in io.BytesIO(journal or b""):
        try:
            yield _Line.model_validate_json(text)
        except ValidationError:
            log.warning("the journal of %s has a damaged line", path)


def _read_both(path: Path, journal: Path) -> tuple[bytes | None, bytes | None]:
    """The file and its journal as they were at one moment, although another process may merge them meanwhile."""
    before = _read(journal)
    while True:
        text, after = _read(path), _read(journal)
        # Lines are only added to a journal until it is merged and deleted.
        if before == after or (before and after and after.startswith(before)):
            return text, after
        before = after


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
