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


class Cancelled(Exception):
    """What was asked for is not wanted any more. No `ClipDeskError`: nothing failed."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """A sentence that offers the names closest to a wrong one; the first few where none is close."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=count, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    more = ", ..." if len(names) > count else ""
    return f"There are: {', '.join(names[:count])}{more}"
