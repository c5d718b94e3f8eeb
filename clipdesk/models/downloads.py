"""Get the files of OpenAI's models, into the cache of the `clip` package. Imports neither torch nor Qt."""

from __future__ import annotations

import errno
import hashlib
import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from clipdesk.checksums import file_sha256
from clipdesk.errors import Cancelled, ClipDeskError, UsageError
from clipdesk.models.catalogue import CATALOGUE, Model, file_of
from clipdesk.models.stream import TICK_SECONDS, Broken, Head, Refused, Stream
from clipdesk.models.transfer import Meter, Transfer

log = logging.getLogger(__name__)

MIRROR = "CLIPDESK_MODEL_MIRROR"
"""Environment variable: address of a folder on the web that holds the files, instead of OpenAI's."""

_CHUNK = 1 << 20
_LONGEST_WAIT = 60.0
_SIZE_MARGIN = 1.5
"""The catalogue's sizes are computed, and one cannot know what a mirror sends."""
_TRIES_UNREACHED = 3
"""Whoever is offline is to hear of it soon."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        timeout: Seconds for connecting, and for each pause between bytes.
        span: Seconds in which at least `least` bytes must come; a server that sends fewer is given up.
        least: Bytes that must come in that time, 4 kB a second by default. A try that gets further by less than these,
            and by less than a hundredth of the file, counts as one that failed.
        pauses: Seconds before each further try, counted anew when a try gets further than those before it.
    """

    timeout: float = 20.0
    span: float = 60.0
    least: int = 250_000
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)


PATIENCE = Patience()


def download(
    name: str,
    *,
    progress: Callable[[Transfer], object] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    patience: Patience | None = None,
) -> Path:
    """The file of one of OpenAI's models, downloaded if it is not there; its SHA-256 is right.

    What arrives is kept in a file of the same name with ``.part`` behind it, from which the next try or call goes on.
    It gets its name only when it is whole and its checksum is right. Several processes may do this at once: one does,
    the others wait. The address is OpenAI's, or in the folder that ``CLIPDESK_MODEL_MIRROR`` names; proxies are
    those of the environment.

    Args:
        name: Of a model in the catalogue that is not shipped with ClipDesk.
        progress: Told how far it is, on this thread, five times a second at most.
        cancelled: Asked ten times a second, on this thread; when it says True, the download ends.
        patience: How long to wait for the server; by default `PATIENCE`.

    Raises:
        UsageError: ``CLIPDESK_MODEL_MIRROR`` is no http or https address.
        ClipDeskError: the file cannot be had or saved, or the one that is there is damaged.
        Cancelled: `cancelled` said so; what has arrived is kept.
    """
    model, target = CATALOGUE[name], file_of(name)
    try:
        if not target.exists():
            job = _Download(model, target, patience or PATIENCE, progress, cancelled)
            target.parent.mkdir(parents=True, exist_ok=True)
            with _alone(target, job.wait_for_other):
                if not target.exists():
                    job.run()
                    return target
        _check(target, model)
    except OSError as error:
        log.exception("downloading %s", name)
        remedy = "Make room there" if error.errno == errno.ENOSPC else "Make its folder writable"
        raise ClipDeskError(
            f"Could not save {name} ({model.megabytes} MB) as {target}: {error.strerror or error}. "
            f"{remedy} and try again"
        ) from error
    return target


def _check(target: Path, model: Model) -> None:
    _check_regular(target)
    if file_sha256(target) != model.sha256:
        raise ClipDeskError(
            f"{target} is not the file of {model.name}, or damaged: its checksum is wrong. "
            "Delete it and try again, or put the right file there"
        )


def _check_regular(path: Path) -> None:
    """Check that what is at a path, if anything, is a file: reading a pipe or a device might never end."""
    if path.exists() and not path.is_file():
        raise ClipDeskError(f"{path} is not a regular file. Delete it and try again")


def _address(model: Model) -> str:
    mirror = os.environ.get(MIRROR)
    if not mirror:
        return model.address or ""
    if not mirror.startswith(("http://", "https://")):
        raise UsageError(f"{MIRROR} must be an address that begins with http:// or https://, not '{mirror}'")
    return f"{mirror.rstrip('/')}/{model.file}"


@contextmanager
def _alone(target: Path, wait: Callable[[], None]) -> Iterator[None]:
    """While it is entered, no other process downloads this file; `wait` is called while another one does."""
    lock = FileLock(target.with_name(f"{target.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=TICK_SECONDS)
            break
        except Timeout:
            wait()
    try:
        yield
    finally:
        if target.exists():
            # Whoever waits for the lock finds the target. Windows removes no file that somebody has open.
            with suppress(OSError):
                Path(lock.lock_file).unlink()
        lock.release()


class _Part:
    """What has arrived so far, on disk, and its checksum.

    Attributes:
        size: Bytes of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of what is there, in hexadecimal digits."""
        return self._digest.hexdigest()

    def take_up(self, look_up: Callable[[], None]) -> None:
        """Go on from what an earlier download left; `look_up` is called after every MB."""
        _check_regular(self.path)
        if self.path.exists():
            with self.path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    look_up()
                    self._count(chunk)

    def append(self, file: BinaryIO, piece: bytes) -> None:
        """Write more to it, through `file`, which was opened to append."""
        file.write(piece)
        self._count(piece)

    def _count(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)

    def discard(self, file: BinaryIO | None = None) -> None:
        """Begin again with nothing; where it is open, empty it through `file`."""
        if file is None:
            self.path.unlink(missing_ok=True)
        else:
            file.truncate(0)
        self.size, self._digest = 0, hashlib.sha256()


class _Pace:
    """Sees to it that bytes come fast enough, whether they are of the file or of what comes before it."""

    def __init__(self, patience: Patience, size: int) -> None:
        self._patience = patience
        self.restart(size)

    def restart(self, size: int) -> None:
        """Measure anew from here, with so many bytes of the file."""
        self._began = time.monotonic()
        self._size = size

    def check(self, size: int) -> None:
        """Look at how many bytes there are now.

        Raises:
            Broken: they come too slowly.
        """
        if time.monotonic() - self._began < self._patience.span:
            return
        if size - self._size < self._patience.least:
            rate = self._patience.least / self._patience.span / 1e3
            raise Broken(f"the server sends less than {rate:.0f} kB a second")
        self.restart(size)


class _Download:
    """The way of one file from a server to the disk."""

    def __init__(
        self,
        model: Model,
        target: Path,
        patience: Patience,
        progress: Callable[[Transfer], object],
        cancelled: Callable[[], bool],
    ) -> None:
        self._model = model
        self._target = target
        self._patience = patience
        self._cancelled = cancelled
        self._address = _address(model)
        self._part = _Part(target.with_name(f"{target.name}.part"))
        self._meter = Meter(model.name, progress)
        self._total: int | None = None
        self._furthest = 0
        self._reached = False
        self._patched = False

    def wait_for_other(self) -> None:
        """Another process downloads the file."""
        self._look_up()
        part = self._part.path
        self._meter.show(part.stat().st_size if part.exists() else 0, None, "another program downloads it")

    def run(self) -> None:
        """Download what is missing, and give the file its name."""
        self._part.take_up(self._look_over)
        self._furthest = self._part.size
        failures = 0
        while not self._whole():
            before = self._furthest
            try:
                self._fetch()
            except Refused as error:
                raise self._failed(str(error), f"Name another place in {MIRROR}") from error
            except Broken as error:
                failures = 1 if self._furthest - before >= self._worth else failures + 1
                self._pause(error, failures)
        os.replace(self._part.path, self._target)

    @property
    def _worth(self) -> int:
        """Bytes by which a try must get further to be worth another one: a server may send one more each time."""
        return max(1, min(self._patience.least, (self._total or self._patience.least) // 100))

    def _whole(self) -> bool:
        return self._part.sha256 == self._model.sha256

    def _fetch(self) -> None:
        """One try: ask for what is missing, and take what comes."""
        self._meter.stop()
        self._meter.show(self._part.size, self._total, "connecting", always=True)
        pace = _Pace(self._patience, self._part.size)
        stream = Stream(self._address, self._part.size, self._patience.timeout)
        with closing(iter(stream)) as items, self._part.path.open("ab") as file:
            for item in items:
                self._look_up()
                if isinstance(item, Head):
                    self._begin(item, file)
                    pace.restart(self._part.size)
                elif item:
                    self._take(item, file)
                pace.check(self._part.size)
                if self._reached:
                    self._meter.show(self._part.size, self._total)
            file.flush()
            os.fsync(file.fileno())
        self._meter.show(self._part.size, self._total, always=True)
        if self._total is not None and self._part.size < self._total:
            raise Broken("the server stopped in the middle of the file")
        if not self._whole():
            self._discard()

    def _begin(self, head: Head, file: BinaryIO) -> None:
        self._reached = True
        self._patched = head.start > 0
        if not self._patched:
            self._part.discard(file)
        self._total = head.total
        if head.total is not None:
            self._check_size(head.total, file)
            missing, free = head.total - self._part.size, shutil.disk_usage(self._target.parent).free
            if missing > free:
                raise OSError(errno.ENOSPC, f"{missing / 1e6:.0f} MB are needed there, {free / 1e6:.0f} MB are free")

    def _take(self, piece: bytes, file: BinaryIO) -> None:
        self._check_size(self._part.size + len(piece), file)
        self._part.append(file, piece)
        self._furthest = max(self._furthest, self._part.size)

    def _check_size(self, size: int, file: BinaryIO) -> None:
        """Whoever sends far more than the file could be does not fill the disk."""
        if size > _SIZE_MARGIN * self._model.megabytes * 1e6:
            self._part.discard(file)
            raise Refused(f"what {self._address} sends is too large, {size / 1e6:.0f} MB or more")

    def _discard(self) -> None:
        """All is here and wrong: once more from the start if it came in pieces, which may not belong together."""
        self._part.discard()
        if self._patched:
            raise Broken("the pieces do not fit together", afresh=True)
        raise Refused(f"what {self._address} sends is not the right file, its checksum is wrong")

    def _pause(self, error: Broken, failures: int) -> None:
        """Wait for the next try; give up where there were enough."""
        pauses = self._patience.pauses
        if error.unreachable and not self._reached:
            pauses = pauses[: _TRIES_UNREACHED - 1]
        if error.afresh:
            self._part.discard()
        if failures > len(pauses):
            raise self._failed(str(error), "Check the connection") from error
        log.info("downloading %s: %s", self._model.name, error, exc_info=error)
        end = time.monotonic() + min(max(pauses[failures - 1], error.wait or 0.0), _LONGEST_WAIT)
        while (left := end - time.monotonic()) > 0:
            self._look_up()
            self._meter.show(self._part.size, self._total, f"{error}; again in {math.ceil(left)} s")
            time.sleep(min(left, TICK_SECONDS))

    def _failed(self, reason: str, advice: str) -> ClipDeskError:
        model, kept = self._model, self._part.size
        return ClipDeskError(
            f"Could not download {model.name} ({model.megabytes} MB): {reason}. {advice}, "
            f"or put the file of {model.address} at {self._target}"
            f"{f'. What has arrived, {kept / 1e6:.0f} MB, is kept' if kept else ''}"
        )

    def _look_over(self) -> None:
        self._look_up()
        self._meter.show(self._part.size, None, "looking at what is here already")

    def _look_up(self) -> None:
        if self._cancelled():
            raise Cancelled
