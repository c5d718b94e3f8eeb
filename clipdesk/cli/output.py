"""What the commands write goes through here, and only here.

Whatever comes from files, folders, models and servers is escaped, so that it cannot steer the terminal. Output that
cannot be written never stops the work.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

import click

from clipdesk.errors import printable

log = logging.getLogger(__name__)


def say(text: object, *, err: bool = False) -> None:
    """Print one line, in which everything that is not printable is escaped."""
    _write(printable(text), err)


def say_fields(*values: object) -> None:
    """Print values on one line with tabs between them, each as `say` does; nothing for None."""
    _write("\t".join("" if value is None else printable(value) for value in values), False)


def say_lines(text: str, *, err: bool = False) -> None:
    """Print several lines, each as `say` does."""
    _write("\n".join(map(printable, text.split("\n"))), err)


def say_json(value: object) -> None:
    """Print JSON in ASCII."""
    # The only control character that JSON leaves as it is.
    _write(json.dumps(value, indent=2).replace("\x7f", "\\u007f"), False)


def say_path(path: Path) -> None:
    """Print the path of a file that was written: on a terminal as `say` does, in a pipe as the bytes that it is."""
    if sys.stdout is None or sys.stdout.isatty():
        say(path)
    else:
        _write(os.fsencode(path), False)


def _write(text: str | bytes, err: bool) -> None:
    stream = sys.stderr if err else sys.stdout
    if stream is None:
        # It was closed when ClipDesk was started.
        return
    try:
        click.echo(_encodable(text, stream) if isinstance(text, str) else text, file=stream)
    except (OSError, ValueError) as error:
        mute(stream, error)


def _encodable(text: str, stream: IO[str]) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def mute(stream: IO[str], error: Exception) -> None:
    """Send what else comes nowhere: its reader is gone, as `head` goes, or its disk is full."""
    log.info("output cannot be written: %s", error)
    # What is buffered would fail once more when Python ends.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def flush_output() -> None:
    """Write what is buffered, so that Python has nothing to complain of when it ends."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            mute(stream, error)


class _Guarded:
    """A stream for rich, which never fails to write."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what can be written."""
        try:
            self._stream.write(_encodable(text, self._stream))
        except (OSError, ValueError) as error:
            mute(self._stream, error)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            mute(self._stream, error)


def guarded(*, err: bool = False) -> IO[str]:
    """Standard output or error output for rich, which must not fail to write."""
    stream = sys.stderr if err else sys.stdout
    return io.StringIO() if stream is None else cast("IO[str]", _Guarded(stream))
