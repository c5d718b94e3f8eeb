"""``<layer>_metadata.json``: what a batch made, unit by unit.

A `MetadataWriter` notes units in a journal beside the file, and merges it into the file now and then. Whoever opens the
metadata here sees both.
"""

from __future__ import annotations

import io
import itertools
import json
import logging
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from clipdesk.activations.active import Activity
from clipdesk.errors import ClipDeskError, UsageError, one_line
from clipdesk.export.check_record import CheckRecord
from clipdesk.export.entries import EntryReader, OtherFormError, entry_of, write_entries
from clipdesk.export.files import write_atomically
from clipdesk.export.recipe import Outcome, Recipe
from clipdesk.models.names import ModelName, WithLatents, is_same_name, parse_name
from clipdesk.render.settings import RenderSettings, of_latents, says_latent_gradient

log = logging.getLogger(__name__)

_Made = TypeVar("_Made")
_MAX_BYTES = 2**30
"""Larger files are not read; 100,000 units take 150 MB."""


def is_layer_name(text: str) -> bool:
    """Whether a layer can have this name, and a file can be named after it."""
    return re.fullmatch(r"[\w.-]{1,200}", text) is not None


@lru_cache(maxsize=64)
def _same(settings: RenderSettings, _says_latent_gradient: bool) -> RenderSettings:
    return settings


def _shared(settings: RenderSettings) -> RenderSettings:
    """The same object for equal settings: those of a hundred thousand units would take a gigabyte otherwise."""
    return _same(settings, says_latent_gradient(settings))


class WorkerRecord(BaseModel):
    """The worker that rendered a picture, where a job was divided among several.

    Attributes:
        name: Where it was, such as ``GPU 0``.
        node: Its computer's name.
        device: What it computed with, for people; empty where it has not said so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    node: str
    device: str

    @property
    def in_words(self) -> str:
        """For people."""
        return ", ".join(filter(None, (f"{self.name} on {self.node}" if self.node else self.name, self.device)))


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
        worker: Who rendered the picture; None where the process did that queued it, or where that is not known. It is
            not in the recipe: the same picture has the same recipe whoever rendered it.
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
    worker: WorkerRecord | None = None

    def as_meant(self, name: ModelName) -> UnitRecord:
        """The record of a unit of this model as the version that has written it meant it."""
        if not isinstance(name, WithLatents):
            return self
        return self.model_copy(update={"parameters": _shared(of_latents(self.parameters))})


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
        before = earlier_than(record, self.records(index))
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
        return cls.path(folder, layer).exists() or journal_path(folder, layer).exists()

    def amend(self, index: int, file: str, changes: Mapping[str, object]) -> None:
        """Change what the records of a unit say of a file, where they are."""
        found = [amended(record, file, changes) for record in self.records(index)]
        if found:
            *earlier, self.units[index] = found
            if earlier:
                self.earlier[index] = tuple(earlier)

    @classmethod
    def open(cls, folder: Path, layer: str, model: ModelName | str, only: int | None = None) -> BatchMetadata:
        """Read a batch's metadata, or start it.

        Args:
            folder: The batch's.
            layer: The units'.
            model: Theirs.
            only: The one unit to read, which is several times as fast in a large batch; None for all.

        Raises:
            UsageError: the file is damaged, or is another layer's under this one's name.
            OtherModelError: it is of another model's batch.
            ClipDeskError: it cannot be read.
        """
        path, name = cls.path(folder, layer), parse_name(model)
        found, journal = _read_both(path, journal_path(folder, layer), only)
        lines = (line for line in lines_of(io.BytesIO(journal or b""), path) if line.layer in (layer, None))
        first = next(lines, None)
        if found is None:
            # Until there is a file, the first line says whose batch it is.
            found = cls(model=str(name) if first is None else first.model, layer=layer)
        found.check(path, layer, name)
        found.units = {index: record.as_meant(name) for index, record in found.units.items()}
        for index, records in found.earlier.items():
            found.earlier[index] = tuple(each.as_meant(name) for each in records)
        for line in itertools.chain([first] if first else [], lines):
            if is_same_name(name, line.model) and only in (None, line.index):
                found.add(line.index, line.record.as_meant(name))
        return found

    @classmethod
    def in_file(cls, file: BinaryIO, only: int | None = None) -> BatchMetadata:
        """Read a file, without a journal. One that ClipDesk has written is read unit by unit.

        Args:
            file: From its beginning.
            only: The one unit that is wanted; None for all. From a file of another form come all in any case.

        Raises:
            ValidationError: it is damaged.
        """
        try:
            reader = EntryReader(file)
            found = cls.model_validate_json(reader.head)
            for index, text in reader.units():
                if only in (None, index):
                    found.units[index] = UnitRecord.model_validate_json(text)
            for index, text in reader.earlier():
                if only in (None, index):
                    found.earlier[index] = EARLIER.validate_json(text)
        except OtherFormError:
            file.seek(0)
            return cls.model_validate_json(file.read())
        return found

    def check(self, path: Path, layer: str, name: ModelName) -> None:
        """Check whose batch it is.

        Raises:
            UsageError: it is another layer's.
            OtherModelError: it is another model's.
        """
        if self.layer != layer:
            # Their units have the same numbers.
            raise UsageError(
                f"{path} lists units of the layer '{one_line(self.layer)}'. Move it away, or choose another folder"
            )
        if not is_same_name(name, self.model):
            raise OtherModelError(path.parent, self.model, name)

    def save(self, folder: Path) -> None:
        """Write the file atomically."""
        units = ((index, entry_of(record.model_dump_json(indent=2).encode())) for index, record in self.units.items())
        earlier = ((index, entry_of(EARLIER.dump_json(records, indent=2))) for index, records in self.earlier.items())
        write_atomically(self.path(folder, self.layer), lambda file: write_entries(file, self.head(), units, earlier))

    def head(self) -> bytes:
        """What stands before the units in the file."""
        return self.model_dump_json(indent=2, exclude={"units", "earlier"}).encode()


EARLIER = TypeAdapter(tuple[UnitRecord, ...])
"""The records of a unit before its newest one."""


def earlier_than(record: UnitRecord, records: Iterable[UnitRecord]) -> tuple[UnitRecord, ...]:
    """Which of a unit's records come before its newest one, which may be among them."""
    return tuple(each for each in records if each != record)


def amended(record: UnitRecord, file: str, changes: Mapping[str, object]) -> UnitRecord:
    """A record with new values of attributes, if it is that of a file."""
    return UnitRecord.model_validate({**dict(record), **changes}) if record.file == file else record


def workers_in(folder: Path, layer: str, model: ModelName | str) -> dict[str, WorkerRecord]:
    """The workers that rendered a layer's pictures, by the names of their files; none where the metadata names none.

    Raises:
        UsageError, ClipDeskError: as `BatchMetadata.open`.
    """
    metadata = BatchMetadata.open(folder, layer, model)
    records = (record for index in metadata.units for record in metadata.records(index))
    # Of records that name the same file, the newest one is of the picture that is there.
    return {each.file: each.worker for each in records if each.file and each.worker}


def worker_of(picture: Path, recipe: Recipe) -> WorkerRecord | None:
    """The worker that rendered a picture; None where the metadata beside it does not say so, or cannot be read.

    Args:
        picture: Its file.
        recipe: What is in there.
    """
    target = recipe.target
    if target.layer is None or target.index is None or not is_layer_name(target.layer):
        return None
    with suppress(ClipDeskError):
        # Opened only where it is: otherwise it would be that of a batch without units.
        if BatchMetadata.is_there(picture.parent, target.layer):
            metadata = BatchMetadata.open(picture.parent, target.layer, recipe.model, target.index)
            records = [each for each in metadata.records(target.index) if each.file == picture.name]
            return records[-1].worker if records else None
    return None


def metadata_schema() -> dict[str, Any]:
    """The format of the file, as a JSON schema."""
    return BatchMetadata.model_json_schema()


class OtherModelError(UsageError):
    """A folder holds the batch of another model."""

    def __init__(self, folder: Path, found: str, wanted: ModelName) -> None:
        super().__init__(
            f"{folder} holds a batch of the model '{one_line(found)}'. Choose another folder for '{wanted}'"
        )


class JournalLine(BaseModel):
    """A line of the journal; an older version did not write the layer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    layer: str | None = None
    index: Annotated[int, Field(ge=0)]
    record: UnitRecord


def journal_path(folder: Path, layer: str) -> Path:
    """Where units are noted until they are merged into the file."""
    return folder / f".{layer}_metadata.journal"


def lines_of(journal: Iterable[bytes], path: Path) -> Iterator[JournalLine]:
    """The lines of a journal; damaged ones are skipped.

    Args:
        journal: Their bytes.
        path: The file that it is beside, for the log.
    """
    for text in journal:
        try:
            yield JournalLine.model_validate_json(text)
        except ValidationError:
            log.warning("the journal of %s has a damaged line", path)


def _read_both(path: Path, journal: Path, only: int | None) -> tuple[BatchMetadata | None, bytes | None]:
    """The file and its journal as they were at one moment, although another process may merge them meanwhile."""
    before = _bytes_of(journal)
    while True:
        try:
            found, after = read_with(path, lambda file: BatchMetadata.in_file(file, only)), _bytes_of(journal)
        except ValidationError as error:
            raise damaged(path) from error
        # Lines are only added to a journal until it is merged and deleted.
        if before == after or (before and after and after.startswith(before)):
            return found, after
        before = after


def _bytes_of(path: Path) -> bytes | None:
    return read_with(path, lambda file: file.read())


def damaged(path: Path) -> UsageError:
    """The error for metadata that cannot be understood."""
    return UsageError(f"{path} is damaged. Move it away, or choose another folder")


def read_with(path: Path, read: Callable[[BinaryIO], _Made]) -> _Made | None:
    """What a function makes of a file; None where there is none.

    Raises:
        UsageError: it is not a file, or is too large.
        ClipDeskError: it cannot be read.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            # A pipe could be waited for and read for ever.
            raise UsageError(f"{path} is not a regular file. Move it away")
        if state.st_size > _MAX_BYTES:
            raise UsageError(f"{path} is larger than any that ClipDesk writes. Move it away")
        with path.open("rb") as file:
            return read(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ClipDeskError(f"Cannot read {path}: {error.strerror}") from error


if __name__ == "__main__":
    print(json.dumps(metadata_schema(), indent=2))
