"""Tables and lists that name pictures: CSV, TSV, JSON lines, plain lists of paths, and Parquet through `parquets`."""

from __future__ import annotations

import csv
import os
import posixpath
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from clipdesk.errors import UsageError, one_line, printable
from clipdesk.files import check_readable, is_unicode
from clipdesk.imagesets import fields, sets
from clipdesk.imagesets.parquets import parquet_rows
from clipdesk.imagesets.sets import LeftOut
from clipdesk.imagesets.walking import FoundFile

METADATA = ("metadata.csv", "metadata.tsv", "metadata.jsonl", "metadata.parquet")
"""Tables that Hugging Face reads beside images."""
_MOST_BYTES = 4_000_000_000
_LONGEST_PATH = 4_096
_DELIMITERS = ("\t", ",", ";")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*(?:/[A-Za-z0-9_][A-Za-z0-9_. -]*)*")
"""Most paths: relative, and without parts that lead elsewhere. There may be millions."""
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class Row(NamedTuple):
    """What a row of a table says: its number from 1 (of a line, with the header), a path, a label and a caption."""

    number: int
    path: str
    label: str
    caption: str


class Named(NamedTuple):
    """A picture that a table names: its place, the path if that is not in the table's folder, and the table's row."""

    place: str
    elsewhere: Path | None
    row: Row


def named_in(table: Path, *, anywhere: bool) -> Iterator[Named | LeftOut]:
    """The pictures that a table names, each once; whether they are there is not looked at.

    Args:
        table: A file of one of the suffixes `fields.TABLES`, or in Parquet.
        anywhere: True if absolute paths may lead out of the table's folder; relative ones may not.

    Raises:
        UsageError: the table cannot be read, or has no column of paths, or too many rows.
    """
    seen: set[str] = set()
    for row in _rows(table):
        if isinstance(row, LeftOut):
            yield row
            continue
        if row.number > sets.MOST_PICTURES:
            raise UsageError(f"{printable(table)} has more than {sets.MOST_PICTURES:,} rows")
        place, elsewhere, reason = _located(row.path, table.parent, anywhere)
        if not reason and place in seen:
            reason = f"{one_line(place)} is named twice"
        if reason:
            yield LeftOut(_where(table, row.number), reason)
        else:
            seen.add(place)
            yield Named(place, elsewhere, row)


def state_of(path: Path | str, place: str) -> FoundFile | LeftOut:
    """The size and the time of change of a picture that a table names, or the reason why it cannot be read."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return LeftOut(place, "it is not there")
    except (OSError, ValueError) as error:
        return LeftOut(place, getattr(error, "strerror", None) or str(error))
    if not stat.S_ISREG(found.st_mode):
        return LeftOut(place, "it is not a regular file")
    return FoundFile(place, found.st_size, found.st_mtime_ns)


def _where(table: Path, number: int) -> str:
    return f"{table.name}, {'row' if table.suffix.lower() == '.parquet' else 'line'} {number}"


def _located(text: str, folder: Path, anywhere: bool) -> tuple[str, Path | None, str]:
    """The place that a path means, its full path if it is outside the folder, and the reason why it means none."""
    if len(text) <= _LONGEST_PATH and _PLAIN.fullmatch(text):
        return text, None, ""
    if "/" not in text and not _DRIVE.match(text):
        # Tables that were written on Windows.
        text = text.replace("\\", "/")
    if not text or len(text) > _LONGEST_PATH or "\0" in text or not is_unicode(text):
        return "", None, "it names no file" if not text else f"{one_line(text)} is not a path"
    if re.match(r"https?://", text, re.IGNORECASE):
        return "", None, f"{one_line(text)} is a web address; download the pictures first"
    if os.path.isabs(text) or text.startswith("/") or _DRIVE.match(text):
        full = Path(os.path.normpath(text))
        for root in (folder, Path(os.path.realpath(folder))):
            if full.is_relative_to(root):
                return full.relative_to(root).as_posix(), None, ""
        if anywhere:
            return full.as_posix().replace(":", "").lstrip("/"), full, ""
        return "", None, f"{one_line(text)} is outside the table's folder"
    place = posixpath.normpath(text)
    if place == ".." or place.startswith("../"):
        return "", None, f"{one_line(text)} is outside the table's folder"
    return place, None, ""


def _rows(table: Path) -> Iterator[Row | LeftOut]:
    if table.suffix.lower() == ".parquet":
        for number, values in enumerate(parquet_rows(table), 1):
            yield Row(number, *values)
        return
    check_readable(table, _MOST_BYTES)
    try:
        with table.open("rb") as file:
            start = file.read(2)
            if start in (b"\xff\xfe", b"\xfe\xff"):
                raise UsageError(f"{printable(table)} is written in UTF-16; save it in UTF-8")
            file.seek(0)
            lines = _Lines(file, table)
            if table.suffix.lower() == ".txt":
                yield from _listed(lines)
            elif table.suffix.lower() == ".jsonl":
                yield from _objects(lines, table)
            else:
                yield from _cells(lines, table)
    except OSError as error:
        raise UsageError(f"Cannot read {printable(table)}: {error.strerror or error}") from None


class _Lines:
    """The lines of a table, of which those that are too long for any memory are left out."""

    def __init__(self, file: BinaryIO, table: Path) -> None:
        self._file, self._table = file, table
        self.number = 0
        self.left_out: list[LeftOut] = []

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(fields.MOST_BYTES + 1):
            self.number += 1
            if len(line) > fields.MOST_BYTES:
                self.left_out.append(LeftOut(_where(self._table, self.number), "it is longer than 1 MB"))
                while line and not line.endswith(b"\n"):
                    line = self._file.readline(fields.MOST_BYTES)
                continue
            yield line.decode("utf-8-sig" if self.number == 1 else "utf-8", "replace")

    def taken(self) -> list[LeftOut]:
        """What was left out since this was last asked."""
        taken, self.left_out = self.left_out, []
        return taken


def _listed(lines: _Lines) -> Iterator[Row | LeftOut]:
    for line in lines:
        yield from lines.taken()
        if path := line.strip():
            yield Row(lines.number, path, "", "")
    yield from lines.taken()


def _objects(lines: _Lines, table: Path) -> Iterator[Row | LeftOut]:
    known = False
    for line in lines:
        yield from lines.taken()
        values = fields.json_of(line.encode("utf-8", "replace")) if line.strip() else {}
        if not isinstance(values, dict):
            yield LeftOut(_where(table, lines.number), "it is not a JSON object")
        elif values:
            path = fields.column(values, fields.PLACES)
            known = known or path is not None
            named = values[path] if path is not None else ""
            yield Row(lines.number, named.strip() if isinstance(named, str) else "", *fields.from_mapping(values))
    yield from lines.taken()
    if not known:
        raise _no_column(table)


def _cells(lines: _Lines, table: Path) -> Iterator[Row | LeftOut]:
    texts = iter(lines)
    header = next(texts, "")
    delimiter = next((one for one in _DELIMITERS if fields.column(_split(header, one), fields.PLACES)), None)
    if delimiter is None:
        raise _no_column(table)
    names = _split(header, delimiter)
    columns = [fields.column(names, known) for known in (fields.PLACES, fields.LABELS, fields.CAPTIONS)]
    places = [names.index(name) if name is not None else -1 for name in columns]
    rows = csv.reader(texts, delimiter=delimiter)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield LeftOut(_where(table, lines.number), f"it is not a row of a table: {one_line(error)}")
            continue
        yield from lines.taken()
        if row is None:
            return
        if row:
            path, label, caption = (row[i] if 0 <= i < len(row) else "" for i in places)
            yield Row(lines.number, path.strip(), fields.as_label(label), fields.as_caption(caption))


def _split(header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        return []


def _no_column(table: Path) -> UsageError:
    return UsageError(f"{printable(table)} does not say where the pictures are: name a column file_name, or filepath")
