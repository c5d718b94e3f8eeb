"""Reading files that users name. Imports no torch."""

from __future__ import annotations

import stat
from pathlib import Path

from clipdesk.errors import UsageError, printable

MOST_BYTES = 200_000_000


def is_unicode(text: str) -> bool:
    """Whether a text can be written in UTF-8; names of files and JSON can hold what cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_readable(path: Path, most: int = MOST_BYTES) -> None:
    """Check that a path is a regular file of moderate size.

    Raises:
        UsageError: the file is missing, is not a regular file, or is larger than `most` bytes.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        # A ValueError for a zero byte in the path.
        raise UsageError(f"Cannot read {printable(path)}: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(found.st_mode):
        # Reading a pipe or a device might never end.
        raise UsageError(f"Cannot read {printable(path)}: it is not a regular file")
    if found.st_size > most:
        raise UsageError(f"Cannot read {printable(path)}: it has more than {most // 1_000_000} MB")


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read a file of moderate size.

    Raises:
        UsageError: as `check_readable`, or the file cannot be read.
    """
    check_readable(path, most)
    try:
        with path.open("rb") as file:
            # Some files, such as those of /proc, hold more than their size says.
            data = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {printable(path)}: {error.strerror or error}") from None
    if len(data) > most:
        raise UsageError(f"Cannot read {printable(path)}: it has more than {most // 1_000_000} MB")
    return data
