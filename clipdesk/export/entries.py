"""The entries of ``<layer>_metadata.json``, one after the other, so that a large file is never in memory as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

_FIELD = re.compile(rb'  "[a-z]+": [^\[{].*\n')
_ENTRY = re.compile(rb'    "(\d{1,18})": ([\[{])\n')
_ENDS = {b"{": (b"    }\n", b"    },\n"), b"[": (b"    ]\n", b"    ],\n")}


class OtherFormError(ValueError):
    """A file is not written as ClipDesk writes it, as after another program has formatted it; or it is damaged."""


class EntryReader:
    """Reads a file as `write_entries` writes it: its units first, and what was noted of them earlier after those.

    Args:
        file: From its beginning.

    Attributes:
        head: What comes before the units, as JSON.

    Raises:
        OtherFormError: the file has another form; also from `units` and `earlier`, which may have given some by then.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        if file.readline() != b"{\n":
            raise OtherFormError
        fields: list[bytes] = []
        self._line = file.readline()
        while _FIELD.fullmatch(self._line):
            fields.append(self._line)
            self._line = file.readline()
        if not self._line.startswith((b'  "units": {', b'  "earlier": {', b"}")):
            raise OtherFormError
        self.head = b"{" + b"".join(fields).rstrip(b",\n") + b"}"

    def units(self) -> Iterator[tuple[int, bytes]]:
        """The index of each unit, and its entry as it stands there."""
        yield from self._section(b"units")

    def earlier(self) -> Iterator[tuple[int, bytes]]:
        """The same for the records before the newest ones, when `units` has come to its end."""
        yield from self._section(b"earlier")
        if self._line != b"}" or self._file.read(1):
            raise OtherFormError

    def _section(self, name: bytes) -> Iterator[tuple[int, bytes]]:
        opened = b'  "%b": {' % name
        if not self._line.startswith(opened):
            # It may be missing, as in a file of an older version.
            return
        if self._line == opened + b"\n":
            for line in self._file:
                found = _ENTRY.fullmatch(line)
                if found is None:
                    if line not in (b"  }\n", b"  },\n"):
                        raise OtherFormError
                    break
                yield int(found[1]), found[2] + b"\n" + self._rest(*_ENDS[found[2]])
        elif self._line not in (opened + b"}\n", opened + b"},\n"):
            raise OtherFormError
        self._line = self._file.readline()

    def _rest(self, last: bytes, not_last: bytes) -> bytes:
        """What follows of an entry."""
        lines: list[bytes] = []
        for line in self._file:
            if line in (last, not_last):
                return b"".join(lines) + last[:-1]
            lines.append(line)
        raise OtherFormError


def write_entries(
    file: BinaryIO, head: bytes, units: Iterable[tuple[int, bytes]], earlier: Iterable[tuple[int, bytes]]
) -> None:
    """Write a file entry by entry, as `json.dumps` with an indent of 2 would.

    Args:
        file: Where to.
        head: What comes before the units: a JSON object with that indent.
        units: The index of each unit, and its entry, as `EntryReader` gives it or `entry_of` makes it.
        earlier: The same for the records before the newest ones.
    """
    file.write(head.removesuffix(b"\n}"))
    for name, entries in ((b"units", units), (b"earlier", earlier)):
        file.write(b',\n  "%b": {' % name)
        between = b"\n"
        for index, text in entries:
            file.write(b'%b    "%d": %b' % (between, index, text))
            between = b",\n"
        file.write(b"}" if between == b"\n" else b"\n  }")
    file.write(b"\n}")


def entry_of(json: bytes) -> bytes:
    """An entry for `write_entries`, of JSON with an indent of 2."""
    return json.replace(b"\n", b"\n    ")
