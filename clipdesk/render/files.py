"""Files that people give. Imports no torch."""

from __future__ import annotations

import stat
from pathlib import Path

from clipdesk.errors import UsageError

_MOST_BYTES = 200_000_000


def check_readable(path: Path, most: int = _MOST_BYTES) -> None:
    """Check that a path is a file of moderate size.

    Raises:
        UsageError: it is not there, or none, or larger than `most` bytes.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}") from None
    if not stat.S_ISREG(found.st_mode):
        # A pipe or a device could be read for ever.
        raise UsageError(f"Cannot read {path}: it is no file")
    if found.st_size > most:
        raise UsageError(f"Cannot read {path}: it has more than {most // 1_000_000} MB")
