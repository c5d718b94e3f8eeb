"""Which processes are alive. Each holds a lock file for as long as it lives; the system lets go of it when it dies.

Unlike a lease that lapses, this needs no clock, and a killed process's work is free at once.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from clipdesk.errors import ClipDeskError
from clipdesk.export.files import reason_of

_NAME = re.compile(r"[0-9a-f]{32}")


class Owner:
    """One who takes work: a process, or a thread of it.

    Args:
        folder: Where the lock files are; the same for all who share a queue.

    Attributes:
        name: Unique.

    Raises:
        ClipDeskError: there can be no lock file, as on a full disk.
    """

    def __init__(self, folder: Path) -> None:
        self.name = uuid.uuid4().hex
        self._path = folder / f"{self.name}.lock"
        # Any thread may let go of it: the one that closes the window is not the one that renders.
        self._lock = FileLock(self._path, thread_local=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise ClipDeskError(f"The queue's folder {folder} cannot be written to: {reason_of(error)}") from error

    def close(self) -> None:
        """Release the lock and delete its file."""
        self._lock.release()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Owner:
        """The lock is held since the owner was made."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def is_alive(folder: Path, name: str) -> bool:
    """Whether an owner is; one that is not leaves no file behind."""
    path = folder / f"{name}.lock"
    if not _NAME.fullmatch(name) or not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            pass
    except Timeout:
        return True
    path.unlink(missing_ok=True)
    return False
