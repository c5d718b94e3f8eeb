"""MetadataWriter: notes in ``<layer>_metadata.json`` what becomes of a batch's units.

To note a unit costs the same however many there are: it is a line in a journal beside the file. The journal is merged
into the file when it has grown in proportion, and at the end. The file is written anew unit by unit, so that a layer of
a hundred thousand units takes no more memory than what is new.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydantic import ValidationError

from clipdesk.errors import ClipDeskError
from clipdesk.export.claims import claims_of
from clipdesk.export.entries import EntryReader, OtherFormError, entry_of, write_entries
from clipdesk.export.files import unwritable, write_atomically
from clipdesk.export.metadata import (
    EARLIER,
    BatchMetadata,
    JournalLine,
    OtherModelError,
    UnitRecord,
    amended,
    damaged,
    earlier_than,
    journal_path,
    lines_of,
    read_with,
)
from clipdesk.models.names import ModelName, is_same_name, parse_name

log = logging.getLogger(__name__)

_Made = TypeVar("_Made")
_LOCK_SECONDS = 60.0
_LEAST_LINES = 16
_SHARE = 0.5
"""The journal is merged when it has so many lines, and so many for each unit of the file: as often, on the whole, as
there are doublings of the units."""


class MetadataWriter:
    """Notes what becomes of the units of one layer; several processes may do this to one folder.

    When two models begin in one folder at once, the first one that notes a unit has the folder's metadata.

    Args:
        folder: The batch's folder.
        layer: The layer.
        model: The model.

    Raises:
        UsageError, OtherModelError, ClipDeskError: as `BatchMetadata.open`; units are looked at when they are merged.
    """

    def __init__(self, folder: Path, layer: str, model: ModelName | str) -> None:
        self._folder = folder
        self._layer = layer
        self._model = parse_name(model)
        self._path = BatchMetadata.path(folder, layer)
        self._journal = journal_path(folder, layer)
        self._known = self._count()
        self._owned = self._known > 0
        self._lines = 0

    def _count(self) -> int:
        """Check that the metadata is of this layer and model; how many units the file has."""
        try:
            count = read_with(self._path, self._count_in)
        except (OtherFormError, ValidationError):
            count = None
        return len(self._open().units) if count is None else count

    def _count_in(self, file: BinaryIO) -> int:
        reader = self._reader(file)
        count = sum(1 for _ in reader.units())
        self._finish(reader)
        return count

    def _reader(self, file: BinaryIO) -> EntryReader:
        reader = EntryReader(file)
        BatchMetadata.model_validate_json(reader.head).check(self._path, self._layer, self._model)
        return reader

    def _open(self) -> BatchMetadata:
        return BatchMetadata.open(self._folder, self._layer, self._model)

    def note(self, index: int, record: UnitRecord) -> None:
        """Note what became of a unit, at a cost that does not depend on how many there are.

        Raises:
            OtherModelError: another model has begun a batch in the folder since this writer was made.
            UsageError: the file was damaged meanwhile, before this writer noted its first unit.
            ClipDeskError: the journal cannot be written.
        """
        line = JournalLine(model=str(self._model), layer=self._layer, index=index, record=record).model_dump_json()
        with self._alone():
            if not self._owned:
                self._open()
            _append(self._journal, line)
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
            self._known = self._merge(_Amendment(index, file, changes))
            self._journal.unlink(missing_ok=True)
        self._lines = 0
        claims_of(self._folder).tidy()

    def newest(self, take: Callable[[UnitRecord], _Made]) -> dict[int, _Made]:
        """What a function makes of the newest record of each unit; one record at a time is in memory.

        Raises:
            UsageError, OtherModelError, ClipDeskError: as `BatchMetadata.open`.
        """

        def units_in(file: BinaryIO) -> dict[int, _Made]:
            reader = self._reader(file)
            found = {index: take(self._record(text)) for index, text in reader.units()}
            self._finish(reader)
            return found

        def add_lines_in(file: BinaryIO) -> None:
            found.update((index, take(record)) for index, record in self._lines_in(file))

        # Under the lock the journal is not merged between one reading and the other.
        with self._alone():
            try:
                read = read_with(self._path, units_in)
            except (OtherFormError, ValidationError):
                read = None
            if read is None:
                return {index: take(record) for index, record in self._open().units.items()}
            found = read
            read_with(self._journal, add_lines_in)
        return found

    def _record(self, text: bytes) -> UnitRecord:
        return UnitRecord.model_validate_json(text).as_meant(self._model)

    @staticmethod
    def _finish(reader: EntryReader) -> None:
        """Read what comes after the units, and drop it: half a file is no file."""
        for _ in reader.earlier():
            pass

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
        with self._alone():
            if self._journal.exists():
                # Under the lock the two files belong together.
                self._known = self._merge()
                self._journal.unlink()
        self._lines = 0
        claims_of(self._folder).tidy()

    def _merge(self, amendment: _Amendment | None = None) -> int:
        """Merge the journal, and then amend what is noted; how many units there are then."""
        if self._path.exists():
            try:
                return self._merged_by_unit(amendment)
            except OtherFormError:
                pass
            except ValidationError as error:
                raise damaged(self._path) from error
        metadata = self._open()
        if amendment is not None:
            metadata.amend(amendment.index, amendment.file, amendment.changes)
        metadata.save(self._folder)
        return len(metadata.units)

    def _merged_by_unit(self, amendment: _Amendment | None) -> int:
        noted = read_with(self._journal, self._noted_in) or {}
        merge = _Merge(noted, self._model, amendment)

        def copy(file: BinaryIO, into: BinaryIO) -> None:
            reader = self._reader(file)
            write_entries(into, _indented(reader.head), merge.units(reader), merge.earlier(reader))

        # The old file is closed before the new one takes its name, which Windows would refuse otherwise.
        write_atomically(self._path, lambda into: read_with(self._path, lambda file: copy(file, into)))
        return merge.count

    def _noted_in(self, file: BinaryIO) -> dict[int, list[UnitRecord]]:
        """What a journal says of each unit."""
        noted: dict[int, list[UnitRecord]] = {}
        for index, record in self._lines_in(file):
            noted.setdefault(index, []).append(record)
        return noted

    def _lines_in(self, file: BinaryIO) -> Iterator[tuple[int, UnitRecord]]:
        for line in lines_of(file, self._path):
            if line.layer in (self._layer, None) and is_same_name(self._model, line.model):
                yield line.index, line.record.as_meant(self._model)

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


@dataclass(frozen=True)
class _Amendment:
    """Changes of what is noted of a unit's file, as of `MetadataWriter.amend`."""

    index: int
    file: str
    changes: Mapping[str, object]

    def of(self, index: int, record: UnitRecord) -> UnitRecord:
        """A unit's record with the changes, if they concern it."""
        return amended(record, self.file, self.changes) if index == self.index else record


class _Merge:
    """Entries of a file as they are with what was noted since; `units` first, and then `earlier`.

    Args:
        noted: The new records of units, oldest first.
        model: Whose units they are.
        amendment: Changes of what is noted then.

    Attributes:
        count: How many units there are.
    """

    def __init__(
        self, noted: Mapping[int, list[UnitRecord]], model: ModelName, amendment: _Amendment | None = None
    ) -> None:
        self.count = 0
        self._noted, self._model, self._amendment = noted, model, amendment
        self._replaced: dict[int, UnitRecord] = {}

    def units(self, reader: EntryReader) -> Iterator[tuple[int, bytes]]:
        for index, text in reader.units():
            # What is damaged is seen before it is copied, and what an older version has written is brought up to date.
            record = UnitRecord.model_validate_json(text).as_meant(self._model)
            if index in self._noted:
                self._replaced[index] = record
            yield self._entry(index, self._noted.get(index, [record])[-1])
        for index, records in self._noted.items():
            if index not in self._replaced:
                yield self._entry(index, records[-1])

    def _entry(self, index: int, record: UnitRecord) -> tuple[int, bytes]:
        self.count += 1
        return index, entry_of(self._amended(index, record).model_dump_json(indent=2).encode())

    def _amended(self, index: int, record: UnitRecord) -> UnitRecord:
        return record if self._amendment is None else self._amendment.of(index, record)

    def earlier(self, reader: EntryReader) -> Iterator[tuple[int, bytes]]:
        met = set()
        for index, text in reader.earlier():
            met.add(index)
            records = tuple(each.as_meant(self._model) for each in EARLIER.validate_json(text))
            yield from self._before(index, records)
        for index in self._noted:
            if index not in met:
                yield from self._before(index, ())

    def _before(self, index: int, records: tuple[UnitRecord, ...]) -> Iterator[tuple[int, bytes]]:
        """The entry of a unit's records before its newest one, if there are any."""
        if index in self._replaced:
            records = (*records, self._replaced[index])
        if index in self._noted:
            for record in self._noted[index]:
                records = (*earlier_than(record, records), record)
            records = records[:-1]
        if records:
            records = tuple(self._amended(index, record) for record in records)
            yield index, entry_of(EARLIER.dump_json(records, indent=2))


def _indented(head: bytes) -> bytes:
    """The head of a file as it stands there."""
    return BatchMetadata.model_validate_json(head).head()


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
