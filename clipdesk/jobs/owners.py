"""Which processes are alive. Each holds a lock file for as long as it lives; the system lets go of it when it dies.

Unlike a lease that lapses, this needs no clock, and a killed process's work is free at once.
"""

from __future__ import annotations

import re
import sys
import uuid
from contextlib import suppress
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
            self._acquire()
            _clear_dead(folder)
        except OSError as error:
            raise ClipDeskError(f"The queue's folder {folder} cannot be written to: {reason_of(error)}") from error

    def _acquire(self) -> None:
        self._lock.acquire()
        while not self._path.exists():
            # Before it was locked, another new owner has taken it for a dead one's.
            self._lock.release()
            self._lock.acquire()

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
            if sys.platform != "win32":
                # While it is locked: a moment later it may be that of a new owner, who has waited for it.
                path.unlink(missing_ok=True)
    except Timeout:
        return True
    if sys.platform == "win32":
        # There no file is removed that somebody has open.
        with suppress(PermissionError):
            path.unlink(missing_ok=True)
    return False


def _clear_dead(folder: Path) -> None:
    """Remove the files of killed owners who had claimed nothing: nobody asks for those."""
    for path in folder.glob("*.lock"):
        # It may be another user's.
        with suppress(OSError):
            is_alive(folder, path.stem)
