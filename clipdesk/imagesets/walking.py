"""The files of a folder and of the folders in it."""

from __future__ import annotations

import os
import stat
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from clipdesk.errors import UsageError
from clipdesk.files import is_unicode
from clipdesk.imagesets import fields
from clipdesk.imagesets.sets import LeftOut, Omissions, check_count
from clipdesk.imagesets.suffixes import SUFFIXES, UNREAD_SUFFIXES

_DEEPEST = 100
_OTHERS = (*fields.TEXTS, *fields.TABLES, ".parquet", ".tar")
_SKIPPED = ("__MACOSX",)


class FoundFile(NamedTuple):
    """A regular file: its path from the folder with "/" between the parts, its size, and its time of change in ns."""

    place: str
    size: int
    modified: int


@dataclass
class Walk:
    """What a folder holds.

    Attributes:
        pictures: Files whose names say that they are images.
        others: Regular files that may be tables, archives or texts beside images, by place.
        left_out: What cannot be read, with the reasons.
    """

    pictures: list[FoundFile] = field(default_factory=list)
    others: dict[str, FoundFile] = field(default_factory=dict)
    left_out: Omissions = field(default_factory=Omissions)


class _Folder(NamedTuple):
    prefix: str
    path: str
    real: str
    depth: int


def walk(root: Path) -> Walk:
    """Find the files of a folder, recursively. Hidden ones and those of ``__MACOSX`` are skipped.

    Each folder is entered once, whatever links lead to it, and by its own path rather than by a link's.

    Raises:
        UsageError: the folder cannot be read, or holds too many pictures.
    """
    found = Walk()
    real = os.path.realpath(root)
    # Folders first, then the links among them, one after the other.
    waiting, links, entered = deque([_Folder("", str(root), real, 0)]), deque[_Folder](), set[str]()
    while waiting or links:
        folder = waiting.popleft() if waiting else _followed(links.popleft(), real, found)
        if folder is None or folder.real in entered:
            continue
        entered.add(folder.real)
        try:
            with os.scandir(folder.path) as entries:
                for entry in entries:
                    if not entry.name.startswith(".") and entry.name not in _SKIPPED:
                        _sort_in(entry, folder, found, waiting, links)
        except OSError as error:
            if folder.prefix:
                found.left_out.append(_left_out(folder.prefix[:-1], error.strerror or str(error)))
            else:
                raise UsageError(f"Cannot read {root}: {error.strerror or error}") from None
        check_count(max(len(found.pictures), len(found.others)), str(root))
    return found


def _followed(link: _Folder, root: str, found: Walk) -> _Folder | None:
    real = os.path.realpath(link.path)
    if f"{root}{os.sep}".startswith(f"{real.rstrip(os.sep)}{os.sep}"):
        found.left_out.append(_left_out(link.prefix[:-1], "it is a link to a folder that it is in"))
        return None
    return link._replace(real=real)


def _sort_in(
    entry: os.DirEntry[str], folder: _Folder, found: Walk, waiting: deque[_Folder], links: deque[_Folder]
) -> None:
    """Sort one entry of a folder in: a file, or a folder to be entered later."""
    place = folder.prefix + entry.name
    suffix = os.path.splitext(entry.name)[1].lower()
    try:
        if entry.is_dir():
            inner = _Folder(place + "/", entry.path, os.path.join(folder.real, entry.name), folder.depth + 1)
            if folder.depth >= _DEEPEST:
                found.left_out.append(_left_out(place, f"it is more than {_DEEPEST} folders deep"))
            else:
                (links if entry.is_symlink() else waiting).append(inner)
            return
        state = entry.stat()
    except OSError as error:
        if suffix in SUFFIXES and entry.is_symlink() and isinstance(error, FileNotFoundError):
            found.left_out.append(_left_out(place, "it is a link to a file that is not there"))
        elif suffix in SUFFIXES:
            found.left_out.append(_left_out(place, error.strerror or str(error)))
        return
    if suffix in UNREAD_SUFFIXES:
        found.left_out.append(_left_out(place, f"{suffix[1:].upper()} is not read; save it as PNG or JPEG"))
    elif not stat.S_ISREG(state.st_mode):
        if suffix in SUFFIXES:
            # Reading a pipe or a device might never end.
            found.left_out.append(_left_out(place, "it is not a regular file"))
    elif not is_unicode(place):
        if suffix in SUFFIXES:
            found.left_out.append(_left_out(place, "its name is not valid Unicode; rename it"))
    elif suffix in SUFFIXES:
        found.pictures.append(FoundFile(place, state.st_size, state.st_mtime_ns))
    elif suffix in _OTHERS:
        found.others[place] = FoundFile(place, state.st_size, state.st_mtime_ns)


def _left_out(place: str, reason: str) -> LeftOut:
    return LeftOut(place if is_unicode(place) else place.encode("utf-8", "backslashreplace").decode(), reason)
