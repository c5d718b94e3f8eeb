"""Errors with messages for the user: what is wrong, and what would be right."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable


class ClipDeskError(Exception):
    """Something failed; the message says what failed and what to do. Ends the command line with exit code 1."""

    exit_code = 1


class UsageError(ClipDeskError):
    """The user asked for something that does not exist or is not valid. Ends the command line with exit code 2."""

    exit_code = 2


class NotInModelError(UsageError):
    """The model has no such layer or unit."""


class RenderError(ClipDeskError):
    """A picture could not be rendered, e.g. for lack of memory or because its activation is not a number."""


class DeviceLostError(ClipDeskError):
    """The device that renders has failed; this process cannot use it any more.

    Args:
        reason: The failure, in a few words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. Nothing more can be rendered on it until ClipDesk is started again")
        self.reason = reason


class DiskFullError(ClipDeskError):
    """There is no room for a file, nor for any other in its folder."""


class NoWorkersError(ClipDeskError):
    """There is no worker that could do anything: work waits until there is one."""


class Cancelled(Exception):
    """The work was cancelled. Not a `ClipDeskError`, since nothing failed."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message, without torch's advice to programmers; its type if that is empty."""
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)


def printable(text: object) -> str:
    """Make untrusted text safe to show: newlines, control characters, bidi marks and the like are escaped."""
    return "".join(map(_shown, str(text)))


def _shown(character: str) -> str:
    # Other blanks than the ASCII one, such as those of French file names, and the joiners within emoji do no harm.
    harmless = character.isprintable() or unicodedata.category(character) == "Zs" or character in "\u200c\u200d"
    return character if harmless else repr(character)[1:-1]


def one_line(text: object, most: int = 100) -> str:
    """Make untrusted text safe for a message: as `printable`, and cut to `most` characters."""
    plain = printable(str(text)[: most + 1])
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """A sentence that suggests the names that contain a wrong one or are closest to it, else the first few names."""
    names = list(known)
    holding = [each for each in names if name and name.casefold() in each.casefold()]
    close = holding[:count] or difflib.get_close_matches(name, names, n=count, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    more = ", ..." if len(names) > count else ""
    return f"Available: {', '.join(names[:count])}{more}"
