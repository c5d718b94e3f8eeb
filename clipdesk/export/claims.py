"""Claims on what happens in a folder, beside those in a queue: several queues, on several machines, may share a folder.

A claim is a lock on one byte of a file in the folder. The system lets go of it when the process dies, and no clock is
needed. The file is removed when nobody claims anything.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clipdesk.errors import ClipDeskError
from clipdesk.export.files import reason_of, unwritable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

log = logging.getLogger(__name__)

_NAME = ".clipdesk-claims"
_PLACES = 2**31 - 2
"""Bytes that can be locked; beyond, some network file systems count wrongly."""
_WAIT_SECONDS = 0.05


class FolderClaims:
    """What this process has claimed in a folder.

    POSIX's locks belong to the process, and are gone when it closes any handle of the file. So a process has one handle
    for each folder: see `claims_of`. Where the file system knows no locks, everything is granted, and logged.

    Args:
        folder: The folder, which is there.

    Raises:
        ClipDeskError: from `take` and `alone`: the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self._handle: int | None = None

    def move_to(self, folder: Path) -> None:
        """The folder has this name now."""
        self._path = folder.absolute() / _NAME

    def _opened(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def _is_current(self) -> bool:
        """Whether the file is still in its place: whoever is the last removes it."""
        if self._handle is None:
            return False
        try:
            found, mine = os.stat(self._path), os.fstat(self._handle)
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino)

    def take(self, keys: Iterable[str]) -> list[str]:
        """Claim those of some keys that nobody has; which they are."""
        with self._lock:
            return [key for key in keys if self._take(_place(key))]

    def release(self, keys: Iterable[str]) -> None:
        """Let go of keys that `take` has returned."""
        with self._lock:
            for place in map(_place, keys):
                if place in self._held and self._handle is not None:
                    self._held.remove(place)
                    self._unlock(self._handle, place)

    @contextmanager
    def alone(self, key: str, seconds: float) -> Iterator[None]:
        """While it is entered, nobody else has a key.

        Raises:
            TimeoutError: somebody has it for longer.
        """
        until = time.monotonic() + seconds
        while not self.take([key]):
            if time.monotonic() > until:
                raise TimeoutError(key)
            time.sleep(_WAIT_SECONDS)
        try:
            yield
        finally:
            self.release([key])

    def tidy(self) -> None:
        """Let go of the file if this process claims nothing, and remove it if nobody does."""
        with self._lock:
            if self._held or self._handle is None:
                return
            handle, self._handle = self._handle, None
            try:
                if sys.platform == "win32":
                    os.close(handle)
                    handle = -1
                else:
                    # All of it: nobody has a byte, and whoever gets one next finds that the file has gone.
                    fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._path.unlink(missing_ok=True)
            except OSError as error:
                # Others claim something; the last one removes it.
                log.debug("%s stays: %s", self._path, error)
            finally:
                if handle >= 0:
                    os.close(handle)

    def _take(self, place: int) -> bool:
        if place in self._held:
            return False
        while True:
            if self._handle is None:
                self._handle = self._opened()
            try:
                self._try_lock(self._handle, place)
            except (BlockingIOError, PermissionError):
                return False
            except OSError as error:
                # Better done twice than not at all.
                log.warning("there are no locks in %s: %s", self._path.parent, error)
                break
            if self._is_current():
                break
            os.close(self._handle)
            self._handle = None
        self._held.add(place)
        return True

    if sys.platform == "win32":

        @staticmethod
        def _try_lock(handle: int, place: int) -> None:
            os.lseek(handle, place, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

        @staticmethod
        def _unlock(handle: int, place: int) -> None:
            os.lseek(handle, place, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

    else:

        @staticmethod
        def _try_lock(handle: int, place: int) -> None:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)

        @staticmethod
        def _unlock(handle: int, place: int) -> None:
            with suppress(OSError):
                fcntl.lockf(handle, fcntl.LOCK_UN, 1, place)


_open: dict[tuple[int, int, int], FolderClaims] = {}
_opening = threading.Lock()


def claims_of(folder: Path) -> FolderClaims:
    """This process's claims in a folder; the same for every way to name it.

    Raises:
        ClipDeskError: the folder cannot be read or written to.
    """
    try:
        found = folder.stat()
    except OSError as error:
        raise ClipDeskError(f"Cannot read {folder}: {reason_of(error)}. Choose another folder") from error
    # A forked process has locks of its own.
    key = (os.getpid(), found.st_dev, found.st_ino)
    with _opening:
        if key not in _open:
            _open[key] = FolderClaims(folder)
        # The folder may have been moved.
        _open[key].move_to(folder)
        return _open[key]


def _place(key: str) -> int:
    return 1 + int.from_bytes(hashlib.sha256(key.encode(errors="surrogatepass")).digest()[:8], "big") % _PLACES
