"""File names of pictures, and atomic writing."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import BinaryIO

from clipdesk.errors import ClipDeskError, DiskFullError
from clipdesk.render.targets import Target

_PARTIAL = ".partial"
_DAY_SECONDS = 86_400.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""With these no other file would fare better: the disk or the quota is full, or nothing can be written there."""


def picture_name(target: Target, when: datetime) -> str:
    """``neuron_<index>_<layer>_<timestamp>.png``; ``text_<words>_...`` and ``combined_<words>_...`` for the others."""
    return f"{target.stem}_{when.strftime('%Y%m%d-%H%M%S')}.png"


def free_path(path: Path, taken: Container[Path] = ()) -> Path:
    """The path itself, or the first of ``name-2``, ``name-3``, ... that neither exists nor is among those `taken`.

    Somebody else may take it before it is written to: see `write_new`.
    """
    return next(candidate for candidate in _names(path) if not os.path.lexists(candidate) and candidate not in taken)


def _names(path: Path) -> Iterator[Path]:
    """The path itself, then ``name-2``, ``name-3`` and so on."""
    yield path
    for count in itertools.count(2):
        yield path.with_name(f"{path.stem}-{count}{path.suffix}")


def check_folder(folder: Path) -> None:
    """Check, without making the folder, that it exists or can be made, and can be written to.

    Raises:
        ClipDeskError: it cannot.
    """
    # Not Path.exists, which raises an error for a path inside a folder that may not be entered.
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if os.path.exists(place))
    if not there.is_dir():
        raise _refused(folder, f"{there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _refused(folder, "permission denied")


def make_folder(folder: Path) -> None:
    """Make a folder for output, and check that it can be written to.

    Raises:
        ClipDeskError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _refused(folder, reason_of(error)) from error


def _refused(folder: Path, reason: str) -> ClipDeskError:
    return ClipDeskError(f"Cannot write to the folder {folder}: {reason}. Choose another one")


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file under a temporary name, then rename it into place; on failure an older file stays unchanged.

    Raises:
        ClipDeskError: the folder cannot be written to, or the disk is full.
    """
    with _written(path, write) as temporary:
        os.replace(temporary, path)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file of these bytes as `write_atomically` does.

    Raises:
        ClipDeskError: the folder cannot be written to, or the disk is full.
    """

    def write(file: BinaryIO) -> None:
        file.write(data)

    write_atomically(path, write)


def write_new(path: Path, write: Callable[[BinaryIO], None]) -> Path:
    """Write a file as `write_atomically` does, but under a name that no file has, whoever else writes there.

    Args:
        path: The name to begin with; then come ``name-2``, ``name-3`` and so on.
        write: Writes what it is to contain.

    Returns:
        The file.

    Raises:
        ClipDeskError: the folder cannot be written to, or the disk is full.
    """
    with _written(path, write) as temporary:
        return next(candidate for candidate in _names(path) if _take_name(temporary, candidate))


def _take_name(temporary: str, path: Path) -> bool:
    """Give a written file its name; False where another file has it."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        # There are file systems without links, such as FAT. There the name is taken by an empty file first.
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        os.replace(temporary, path)
    return True


@contextmanager
def _written(path: Path, write: Callable[[BinaryIO], None]) -> Iterator[str]:
    """A temporary file beside `path`, written whole; while it is entered, it can be given its name."""
    temporary: str | None = None
    _clear_once(path.parent.absolute())
    try:
        prefix = f".{path.name[:40]}.{_host()}-{os.getpid()}."
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=_PARTIAL)
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        # Refused by mounted shares that have no permissions of their own.
        with suppress(OSError):
            os.chmod(temporary, 0o666 & ~_umask())
        yield temporary
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if temporary is not None:
            # Missing after success; and a disk that has become read-only, or is gone, refuses it.
            with suppress(OSError):
                os.unlink(temporary)


def unwritable(path: Path, error: OSError) -> ClipDeskError:
    """The error for a file that cannot be written; a `DiskFullError` where no other one would fare better."""
    kind = DiskFullError if error.errno in _FULL else ClipDeskError
    return kind(f"Cannot write {path}: {reason_of(error)}. Choose another place")


def clear_partials(folder: Path) -> None:
    """Remove the partial files that killed processes of this machine have left in a folder."""
    for path in folder.glob(f".*.{_host()}-*{_PARTIAL}"):
        match = re.search(rf"\.{_host()}-(\d+)\.[^.]*{re.escape(_PARTIAL)}$", path.name)
        with suppress(OSError):
            if match and not _is_alive(int(match[1]), path):
                path.unlink()


@cache
def _clear_once(folder: Path) -> None:
    """Clear a folder before this process writes to it for the first time: listing a large one takes long."""
    clear_partials(folder)


def _host() -> str:
    """A short name of this machine, since several machines may share a folder."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_alive(process: int, path: Path) -> bool:
    if sys.platform == "win32":
        # Windows has no harmless way to ask; a day is longer than any write.
        return time.time() - path.stat().st_mtime < _DAY_SECONDS
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def reason_of(error: OSError) -> str:
    """The reason why a file or folder cannot be written, in a few words."""
    if error.errno == errno.ENOSPC:
        return "the disk is full"
    return (error.strerror or str(error)).lower()
