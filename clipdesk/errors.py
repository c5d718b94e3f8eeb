"""Errors whose message is written for the person who caused them: what is wrong, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ClipDeskError(Exception):
    """Something failed; the message says what and what to do. Ends the command line with exit code 1."""

    exit_code = 1


class UsageError(ClipDeskError):
    """What was asked for does not exist or makes no sense. Ends the command line with exit code 2."""

    exit_code = 2


class RenderError(ClipDeskError):
    """A picture could not be rendered, e.g. for lack of memory or because its activation is not a number."""


class DeviceLostError(ClipDeskError):
    """The device that pictures are rendered on has failed, and with it all that this process could do there.

    Args:
        reason: What happened.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. Nothing more can be rendered on it until ClipDesk is started again")
        self.reason = reason


class Cancelled(Exception):
    """What was asked for is not wanted any more. No `ClipDeskError`: nothing failed."""


def first_line(error: BaseException) -> str:
    """What an error says, without the lines of advice for programmers that torch adds; its kind if it says nothing."""
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)


def one_line(text: object, most: int = 100) -> str:
    """What anybody may have written, for a message: on one line, without what a terminal obeys, and not too long."""
    plain = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text)[: most + 1])
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """A sentence that offers the names that hold a wrong one or are closest to it; the first few where none is."""
    names = list(known)
    holding = [each for each in names if name and name.casefold() in each.casefold()]
    close = holding[:count] or difflib.get_close_matches(name, names, n=count, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    more = ", ..." if len(names) > count else ""
    return f"Available: {', '.join(names[:count])}{more}"
