"""Checksums of files."""

from __future__ import annotations

import errno
import hashlib
import stat
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits. Takes about a second per GB, once for each state of the file.

    Raises:
        OSError: the file cannot be read, or is not a regular file.
    """
    state = path.stat()
    return _sha256(path, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)


def read_sha256(path: Path) -> str:
    """Like `file_sha256`, but always reads the file, so that resetting a file's mtime cannot fool it.

    Raises:
        OSError: the file cannot be read, or is not a regular file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        # Reading a pipe or a device might never end.
        raise OSError(errno.EINVAL, "it is not a regular file")
    with path.open("rb") as file:
        return sha256_of(file)


def sha256_of(file: BinaryIO) -> str:
    """SHA-256 of all bytes of an open file, from its beginning; afterwards it stands at its end.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _modified: int, _changed: int, _number: int) -> str:
    return read_sha256(path)
