"""Fleet: worker processes, wherever they run. This file says what the head needs of one; it imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Gone:
    """A worker's process has ended; nothing more comes of it.

    Attributes:
        reason: Why, as far as it is known, for the user.
        recalled: Whether somebody has taken its computer back, as SLURM does; it is no fault of what it was on.
    """

    reason: str
    recalled: bool = False


class Fleet(Protocol):
    """Starts and ends workers, and carries messages. It knows nothing of what they say.

    Every process has a number of its own, also one that takes the place of another.
    """

    def places(self) -> Sequence[str]:
        """Names of the places that workers can be at, such as ``GPU 0``; there may be more from call to call."""

    def awaited(self) -> str:
        """What to tell the user while workers may still come although there is no place; empty where none may.

        The head asks often, and waits for it: it must return at once.

        Raises:
            NoWorkersError: none will come any more.
        """

    def start(self, place: str) -> int:
        """Start a worker at a place; its number.

        Raises:
            ClipDeskError: it cannot be started.
        """

    def lacks(self, number: int) -> str:
        """What a worker that was started still waits for, such as a GPU, for the user; empty where that is not known.

        The head asks often, and waits for it: it must return at once.
        """

    def send(self, number: int, data: bytes) -> None:
        """Send a message to a worker; nothing happens where it has ended."""

    def receive(self, seconds: float) -> Sequence[tuple[int, bytes | Gone]]:
        """What has come of workers, by their numbers; waits so long at most until there is something."""

    def end(self, number: int) -> None:
        """End a worker at once, whatever it does; that it is gone comes with `receive`."""

    def close(self) -> None:
        """End all workers."""
