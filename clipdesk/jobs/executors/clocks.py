"""Whether computers' clocks agree. The work does not depend on it, but who reads logs of both would be misled."""

from __future__ import annotations

MOST_SECONDS = 60.0
"""Clocks that differ by no more are taken to agree."""
_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))


def ahead(its: float, asked: float, answered: float) -> float:
    """By how many seconds another clock is ahead at least; below 0 if it is behind, 0 if both may be right.

    Args:
        its: What it has said.
        asked: The time here when it was asked.
        answered: The time here when its answer came.
    """
    return its - min(max(its, asked), answered)


def complaint(host: str, seconds: float) -> str:
    """A line for the user about a clock that is so many seconds ahead; empty if it agrees well enough."""
    if abs(seconds) <= MOST_SECONDS:
        return ""
    unit, size = next((unit, size) for unit, size in _UNITS if abs(seconds) >= 2 * size or size == 60)
    count = max(1, round(abs(seconds) / size))
    amount = f"{count:,} {unit}" if count > 1 else f"a {unit.removesuffix('s')}"
    return (
        f"The clock of {host} is {amount} {'ahead' if seconds > 0 else 'behind'}. "
        "Pictures do not depend on it, but times in its log do"
    )
