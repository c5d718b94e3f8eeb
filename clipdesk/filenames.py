"""Parts of file names that every system accepts. Imports no torch and no Qt."""

from __future__ import annotations

import re

from pathvalidate import sanitize_filename

_MOST_WORDS = 60


def safe_name(text: str, longest: int = 160) -> str:
    """A text as a part of a file's name on every system: Windows refuses some characters, names and endings.

    Args:
        text: Anything.
        longest: The most bytes that it may have in UTF-8; file systems allow 255 for a whole name.
    """
    return str(sanitize_filename(text, replacement_text="-", platform="universal", max_len=longest)).lstrip(".")


def safe_words(text: str) -> str:
    """The words of a text with hyphens between them, cut to 60 bytes; empty if the text has no words."""
    return safe_name(re.sub(r"[^\w]+", "-", text).strip("-"), _MOST_WORDS)
