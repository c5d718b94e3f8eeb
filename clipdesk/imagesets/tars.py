"""The index of a tar archive of images, as WebDataset and img2dataset write them: which bytes each picture is."""

from __future__ import annotations

import os
import posixpath
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from clipdesk.errors import UsageError, one_line, printable
from clipdesk.files import MOST_BYTES, check_readable, is_unicode
from clipdesk.imagesets import fields
from clipdesk.imagesets.sets import LeftOut, Omissions
from clipdesk.imagesets.suffixes import SUFFIXES, UNREAD_SUFFIXES

_MOST_BYTES = 1_000_000_000_000
_MOST_HEADER = 1_000_000
_LONGEST_PLACE = 4_096
_BLOCK = 512
_EXTENDED = (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


class Member(NamedTuple):
    """A picture in an archive: its name, where its bytes begin, how many they are, its label and its caption."""

    name: str
    offset: int
    size: int
    label: str
    caption: str


class Index(NamedTuple):
    """The pictures of an archive, and what is not one of them, by name; the name "" stands for the archive."""

    members: list[Member]
    left_out: list[LeftOut]


def index_of(path: Path) -> Index:
    """Find the pictures of an archive, with the texts beside them. What is whole of a damaged archive is found.

    Takes some 15 us for each of its members, where the disk does not take longer.

    Raises:
        UsageError: it cannot be read, or is not a tar archive, or is compressed.
    """
    check_readable(path, _MOST_BYTES)
    building = _Building()
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if file.read(2) == b"\x1f\x8b":
                raise UsageError(f"{printable(path)} is compressed, and cannot be read in place: unpack it with gunzip")
            for header in _headers(file, size, path, building.left_out):
                building.add(header, file, size)
    except OSError as error:
        raise UsageError(f"Cannot read {printable(path)}: {error.strerror or error}") from None
    return building.index()


class _Header(NamedTuple):
    """A member of an archive: its name, where its bytes begin, how many they are, and whether they are a plain file."""

    name: str
    offset: int
    size: int
    plain: bool


def _headers(file: BinaryIO, size: int, path: Path, left_out: Omissions) -> Iterator[_Header]:
    """The members of an archive, up to its end or to where it is damaged.

    `tarfile` reads each header, but does not go from one to the next: it would read as many bytes as a header asks for,
    go back where a size is negative, and say nothing of an archive that is cut off.
    """
    offset, said = 0, dict[str, str]()
    while True:
        file.seek(offset)
        block = file.read(_BLOCK)
        if not block:
            left_out.append(LeftOut("", "the archive has no end, so it may be cut off; what is there is used"))
        if not any(block) and offset:
            return
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            held = header.isreg() or header.type not in tarfile.SUPPORTED_TYPES or header.type in _EXTENDED
            length = int(said.get("size", header.size)) if held else 0
            if length < 0:
                raise tarfile.HeaderError
        except (tarfile.HeaderError, ValueError):
            if offset == 0:
                raise UsageError(f"{printable(path)} is not a tar archive") from None
            left_out.append(LeftOut("", f"the archive is damaged from byte {offset:,} on; what is before is used"))
            return
        data = offset + _BLOCK
        offset = data + -(-length // _BLOCK) * _BLOCK
        if header.type in _EXTENDED and offset <= size:
            content = _read(file, data, length) if length <= _MOST_HEADER else b""
            if header.type == tarfile.XHDTYPE:
                said |= _records(content)
            elif header.type == tarfile.GNUTYPE_LONGNAME:
                said["path"] = _decoded(content.rstrip(b"\0"))
            continue
        if header.type not in _EXTENDED:
            plain = header.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE) and "sparse" not in said
            yield _Header(said.get("path", header.name), data, length, plain)
        said = {}
        if offset > size:
            left_out.append(LeftOut("", "the archive is cut off; what is whole of it is used"))
            return


def _records(content: bytes) -> dict[str, str]:
    """What an extended header says of the member that follows: its name and its size, and whether it is sparse."""
    found: dict[str, str] = {}
    while content:
        digits, _, _ = content[:10].partition(b" ")
        if not digits.isdigit() or int(digits) <= len(digits):
            break
        key, _, value = content[len(digits) + 1 : int(digits) - 1].partition(b"=")
        content = content[int(digits) :]
        if key in (b"path", b"size"):
            found[key.decode()] = _decoded(value)
        elif key.startswith(b"GNU.sparse"):
            found["sparse"] = "yes"
    return found


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


class _Building:
    """Sorts the members of an archive."""

    def __init__(self) -> None:
        self.left_out = Omissions()
        self._pictures: dict[str, tuple[int, int]] = {}
        self._texts: dict[str, tuple[str, str]] = {}

    def add(self, member: _Header, file: BinaryIO, size: int) -> None:
        name = _clean(member.name)
        suffix = posixpath.splitext(name)[1].lower()
        base = posixpath.basename(name)
        if base.startswith(".") or name.startswith("__MACOSX/"):
            return
        if suffix in fields.TEXTS:
            if member.plain and member.size <= fields.MOST_BYTES and member.offset + member.size <= size:
                self._add_text(name, suffix, _read(file, member.offset, member.size))
        elif suffix in UNREAD_SUFFIXES:
            self._leave_out(name, f"{suffix[1:].upper()} is not read; save it as PNG or JPEG")
        elif suffix in SUFFIXES:
            reason = self._reason(name, member, size)
            if reason:
                self._leave_out(name, reason)
            else:
                self._pictures[name] = member.offset, member.size

    def _reason(self, name: str, member: _Header, size: int) -> str:
        if not is_unicode(name) or len(name) > _LONGEST_PLACE or "\0" in name:
            return "its name is not valid; pack it under another"
        if not member.plain:
            return "it is not packed as a plain file"
        if member.offset + member.size > size:
            return "it is cut off"
        if member.size > MOST_BYTES:
            return f"it has more than {MOST_BYTES // 1_000_000} MB"
        return "it is in the archive twice; the first is used" if name in self._pictures else ""

    def _leave_out(self, name: str, reason: str) -> None:
        self.left_out.append(LeftOut(one_line(name, 1_000), reason))

    def _add_text(self, name: str, suffix: str, data: bytes) -> None:
        key = posixpath.splitext(name)[0]
        label, caption = fields.from_text(suffix, data)
        known = self._texts.get(key, ("", ""))
        # What a plain text says counts more than what JSON says.
        more, less = (known, (label, caption)) if suffix == ".json" else ((label, caption), known)
        self._texts[key] = more[0] or less[0], more[1] or less[1]

    def index(self) -> Index:
        members = []
        used = set()
        for name, (offset, size) in self._pictures.items():
            key = posixpath.splitext(name)[0]
            if key not in self._texts:
                # WebDataset's key ends at the first dot: "1.left.jpg" belongs to "1.txt".
                folder, base = posixpath.split(name)
                key = posixpath.join(folder, base.split(".", 1)[0])
            used.add(key)
            members.append(Member(name, offset, size, *self._texts.get(key, ("", ""))))
        for key in self._texts.keys() - used:
            self._leave_out(key, "there are texts of this name, but no image")
        return Index(members, self.left_out.listed())


def _clean(name: str) -> str:
    """A name without parts that would lead out of the archive, were it unpacked."""
    return "/".join(part for part in name.split("/") if part not in ("", ".", ".."))


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
