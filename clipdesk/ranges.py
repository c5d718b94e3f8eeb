"""Ranges of units in words: ``0:768:8``, ``0 64 8``, ``3,5,9-12``, ``all``."""

from __future__ import annotations

import re

from clipdesk.errors import UsageError

_NUMBER = re.compile(r"\d+")
_SPAN = re.compile(r"(\d+)\s*-\s*(\d+)")
_SLICE = re.compile(r"(\d*)\s*:\s*(\d*)(?:\s*:\s*(\d*))?")
_WORDS = re.compile(r"(\d+)\s+(\d+)(?:\s+(\d+))?")


def parse_range(text: str, count: int) -> list[int]:
    """Parse a range into unit numbers, ascending and without duplicates.

    Args:
        text: Parts separated by commas: a number; ``9-12``, which includes its end; ``start:end:step`` or
            ``start end step``, which excludes its end and has a step of 1 by default, as in Python; ``all``.
        count: Number of units in the layer.

    Raises:
        UsageError: the text is not a range, or names a unit that does not exist.
    """
    if text.strip().lower() == "all":
        return list(range(count))
    units: set[int] = set()
    for part in text.split(","):
        units.update(_part(part.strip(), count))
    return sorted(units)


def _part(part: str, count: int) -> range:
    if _NUMBER.fullmatch(part):
        return _checked(int(part), int(part) + 1, 1, part, count)
    if match := _SPAN.fullmatch(part):
        return _checked(int(match[1]), int(match[2]) + 1, 1, part, count)
    match = _SLICE.fullmatch(part) or _WORDS.fullmatch(part)
    if match is None:
        shown = f"'{part}' is not a range" if part else "A number is missing"
        raise UsageError(f"{shown}. Write 0:{count}:8, 0 {count} 8, or 3,5,9-12")
    start, end, step = (int(group) if group else None for group in match.groups())
    return _checked(start or 0, count if end is None else end, 1 if step is None else step, part, count)


def _checked(start: int, end: int, step: int, part: str, count: int) -> range:
    if step < 1:
        raise UsageError(f"The step in '{part}' must be 1 or more")
    if end <= start:
        raise UsageError(f"'{part}' is empty: its end must be greater than its start")
    units = range(start, end, step)
    if units[-1] >= count:
        raise UsageError(f"There is no unit {units[-1]}: the last one is {count - 1}")
    return units


def describe_range(units: list[int], shown: int = 4) -> str:
    """A list of units in a few words: ``0, 8, 16 ... 760``."""
    if len(units) <= shown + 1:
        return ", ".join(map(str, units))
    return f"{', '.join(map(str, units[: shown - 1]))} … {units[-1]}"


def runs_of(numbers: list[int]) -> list[tuple[int, int]]:
    """Neighbours joined: the first and last of each run of ascending numbers."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs
