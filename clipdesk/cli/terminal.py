"""Rows as tables for people, plain lines or JSON for scripts; and how the commands are interrupted."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from clipdesk.cli.output import say, say_fields, say_json

INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM."""

_SLOW_SECONDS = 1.0


def show(
    rows: Sequence[Mapping[str, Any]],
    *,
    key: str | tuple[str, ...],
    title: str,
    as_json: bool,
    optional: Sequence[str] = (),
) -> None:
    """Print rows: a table on a terminal, JSON if `as_json`, and lines in a pipe: the values of `key`, with tabs.

    A table on a narrow terminal has as few of the `optional` columns as need be; the first of these goes first.
    """
    if as_json:
        say_json(rows)
    elif sys.stdout is None or not sys.stdout.isatty():
        keys = (key,) if isinstance(key, str) else key
        for row in rows:
            # The tabs are ours; those within a value are escaped.
            say_fields(*(row[each] for each in keys))
    else:
        from clipdesk.cli.bars import print_table

        print_table(rows, title, optional)


@contextmanager
def said_if_slow(text: str) -> Iterator[None]:
    """Print `text` on the error output if the block takes longer than a second."""
    timer = threading.Timer(_SLOW_SECONDS, say, [text], {"err": True})
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Interrupt:
    """Set by the first Ctrl-C or SIGTERM, after which the render stops soon. A second one ends the process."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> bool:
        """True after a Ctrl-C or SIGTERM."""
        return self.requested


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """In the block, Ctrl-C and SIGTERM set the interrupt instead of ending the process."""
    interrupt = Interrupt()

    def handle(number: int, _frame: FrameType | None) -> None:
        interrupt.requested = True
        signal.signal(number, signal.default_int_handler)

    with _handled(handle, signal.SIGINT, signal.SIGTERM):
        yield interrupt


@contextmanager
def terminable() -> Iterator[None]:
    """In the block, SIGTERM raises KeyboardInterrupt like Ctrl-C, so that files are not left half written."""
    with _handled(signal.default_int_handler, signal.SIGTERM):
        yield


@contextmanager
def _handled(handle: Callable[[int, FrameType | None], object], *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
