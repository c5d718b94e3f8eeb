"""How far a download is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_REPORTS_PER_SECOND = 5
_SPEED_SECONDS = 5.0


@dataclass(frozen=True)
class Transfer:
    """How far a download is; as text, a line for the user.

    Attributes:
        name: The model's.
        done: Bytes on this disk.
        total: Bytes of the whole file; None as long as the server has not said.
        speed: Bytes a second, mean over the last seconds; 0 where nothing has come yet.
        note: What it waits for, if it does.
        kept: Whether what is here stays when the download is broken off.
    """

    name: str
    done: int
    total: int | None = None
    speed: float = 0.0
    note: str = ""
    kept: bool = True

    @property
    def seconds_left(self) -> float | None:
        """None where that is not known."""
        return (self.total - self.done) / self.speed if self.total is not None and self.speed > 0 else None

    @property
    def share(self) -> float | None:
        """Of the file that is here, 0 to 1; None where the whole is not known."""
        return min(1.0, self.done / self.total) if self.total else None

    @property
    def amount(self) -> str:
        """What is here, such as ``120 of 353 MB``."""
        return _megabytes(self.done) if self.total is None else f"{self.done / 1e6:.0f} of {_megabytes(self.total)}"

    def __str__(self) -> str:
        if self.note:
            parts = [self.amount, self.note] if self.done else [self.note]
        else:
            left = self.seconds_left
            parts = [
                self.amount,
                *([_speed(self.speed)] if self.speed else []),
                *([] if left is None else [_duration(left)]),
            ]
        return f"Downloading {self.name} … {', '.join(parts)}"


class Meter:
    """Measures a download's speed, and reports it five times a second at most.

    Args:
        name: The model's.
        report: Who is told.
        kept: Whether what is here stays when the download is broken off.
    """

    def __init__(self, name: str, report: Callable[[Transfer], object], *, kept: bool = True) -> None:
        self._name = name
        self._report = report
        self._kept = kept
        self._points: deque[tuple[float, int]] = deque()
        self._reported = -1.0

    def stop(self) -> None:
        """Nothing comes for a while; the speed is measured anew from the next point on."""
        self._points.clear()

    def show(self, done: int, total: int | None, note: str = "", *, always: bool = False) -> None:
        """Take a point, and report it if it is time, or `always`."""
        now = time.monotonic()
        if not note:
            self._points.append((now, done))
            while len(self._points) > 2 and now - self._points[0][0] > _SPEED_SECONDS:
                self._points.popleft()
        if always or now - self._reported >= 1 / _REPORTS_PER_SECOND:
            self._reported = now
            speed = 0.0 if note else self._speed()
            self._report(Transfer(self._name, done, total, speed, note, self._kept))

    def _speed(self) -> float:
        (began, before), (now, done) = self._points[0], self._points[-1]
        return max(0.0, (done - before) / (now - began)) if now > began else 0.0


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"


def _speed(rate: float) -> str:
    if rate < 1e6:
        return f"{rate / 1e3:.0f} kB/s"
    return f"{rate / 1e6:.{0 if rate >= 10e6 else 1}f} MB/s"


def _duration(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} left"
    return f"{seconds:.0f} s left"
