"""Problem: an error as the window shows it."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass

from clipdesk.errors import ClipDeskError, DeviceLostError, first_line
from clipdesk.paths import log_file

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """What went wrong.

    Attributes:
        message: For the user.
        details: For those who can fix it.
        device_lost: Whether this process cannot render any more.
        opening: Whether a model could not be opened, which is over when one is open.
    """

    message: str
    details: str = ""
    device_lost: bool = False
    opening: bool = False


def explained(error: Exception) -> Problem:
    """An error as a problem; its details are logged."""
    details = "".join(traceback.format_exception(error))
    if isinstance(error, ClipDeskError):
        if error.__cause__:
            log.info("%s", error, exc_info=error)
        lost = isinstance(error, DeviceLostError)
        return Problem(str(error), details if error.__cause__ else "", lost)
    log.error("unexpected", exc_info=error)
    return Problem(f"{type(error).__name__}: {first_line(error)}. Details are in {log_file()}", details)


def problem_text(problem: Problem) -> str:
    """A problem with its details, for the clipboard."""
    return f"{problem.message}\n\n{problem.details}".strip()
