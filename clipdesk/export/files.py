"""File names of pictures, and atomic writing."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable, Container
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from clipdesk.errors import ClipDeskError
from clipdesk.render.targets import Target

_PARTIAL = ".partial"
_DAY_SECONDS = 86_400.0


def picture_name(target: Target, when: datetime) -> str:
    """``neuron_<index>_<layer>_<timestamp>.png``; ``text_<words>_...`` and ``combined_<words>_...`` for the others."""
    return f"{target.stem}_{when.strftime('%Y%m%d-%H%M%S')}.png"


def free_path(path: Path, taken: Container[Path] = ()) -> Path:
    """The path itself, or the first of ``name-2``, ``name-3``, ... that neither exists nor is among those `taken`."""
    candidate, count = path, 1
    while candidate.exists() or candidate in taken:
        count += 1
        candidate = path.with_name(f"{path.stem}-{count}{path.suffix}")
    return candidate


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
    temporary: str | None = None
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
        os.replace(temporary, path)
    except OSError as error:
        raise ClipDeskError(f"Cannot write {path}: {reason_of(error)}. Choose another place") from error
    finally:
        if temporary is not None:
            # Missing after success; and a disk that has become read-only, or is gone, refuses it.
            with suppress(OSError):
                os.unlink(temporary)


def clear_partials(folder: Path) -> None:
    """Remove the partial files of killed processes of this machine."""
    for path in folder.glob(f".*.{_host()}-*{_PARTIAL}"):
        match = re.search(rf"\.{_host()}-(\d+)\.[^.]*{re.escape(_PARTIAL)}$", path.name)
        with suppress(OSError):
            if match and not _is_alive(int(match[1]), path):
                path.unlink()


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
