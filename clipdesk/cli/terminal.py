"""Output of the commands: tables for people, plain lines or JSON for scripts, and progress.

All that the commands write goes through here. Whatever comes from files, folders, models and servers is escaped, so
that it cannot steer the terminal, and output that cannot be written never stops the work.
"""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, TYPE_CHECKING, Any, cast

import click

from clipdesk.errors import one_line, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from clipdesk.models.transfer import Transfer

INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM."""

_SLOW_SECONDS = 1.0
_LONGEST_LABEL = 60

log = logging.getLogger(__name__)


def say(text: object, *, err: bool = False) -> None:
    """Print one line, in which everything that is not printable is escaped."""
    _write(printable(text), err)


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


def make_console(*, err: bool = False) -> Console:
    """A console of rich's that never fails to write; what is printed on it is to be `printable`, and not markup."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    return Console(file=io.StringIO() if stream is None else cast("IO[str]", _Guarded(stream)), markup=False)


def show(rows: Sequence[Mapping[str, Any]], *, key: str, title: str, as_json: bool) -> None:
    """Print rows: a table on a terminal, one value of `key` per line in a pipe, or JSON if `as_json`."""
    if as_json:
        say_json(rows)
    elif sys.stdout is None or not sys.stdout.isatty():
        say_lines("\n".join(printable(row[key]) for row in rows))
    else:
        _table(rows, title)


def _table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    from rich.table import Table
    from rich.text import Text

    # Text, since rich would read names such as [old] as markup.
    table = Table(title=Text(printable(title)), title_justify="left", header_style="bold")
    for name in rows[0] if rows else ():
        numeric = all(isinstance(row[name], int | None) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else printable(value)) for value in row.values()))
    make_console().print(table)


class Bar:
    """Progress of a render on the terminal's error output: step, activation, steps/s and time left.

    In a pipe it prints a line after every tenth of the steps instead.
    """

    _LINES = 10

    def __init__(self, total: int, label: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._total = total
        self._started = time.monotonic()
        self._skipped = 0
        self._printed = 0
        self._downloaded = ""
        self._console = make_console(err=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("activation {task.fields[activation]}"),
            TextColumn("{task.fields[rate]} steps/s"),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            # Otherwise what goes into a file or a pipe would be shown above the bar instead.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )
        self._task = self._progress.add_task(one_line(label, _LONGEST_LABEL), total=total, activation="-", rate="-")

    def __enter__(self) -> Bar:
        """Start showing the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop updating the bar."""
        self._progress.stop()

    def skip(self, steps: int) -> None:
        """Count steps that are skipped; they do not count towards the speed."""
        self._skipped += steps

    def show_download(self, transfer: Transfer) -> None:
        """Show the progress of the download of the next job's model."""
        if self._console.is_terminal:
            self._progress.update(self._task, description=printable(transfer))
        elif transfer.name != self._downloaded:
            say(f"Downloading {transfer.name} …", err=True)
        self._downloaded = transfer.name

    def update(self, done: int, activation: float, label: str | None = None) -> None:
        """Show that `done` steps are done."""
        rate = (done - self._skipped) / max(1e-9, time.monotonic() - self._started)
        if self._console.is_terminal:
            self._progress.update(
                self._task,
                completed=done,
                description=None if label is None else one_line(label, _LONGEST_LABEL),
                activation=f"{activation:.3f}",
                rate=f"{rate:.1f}",
            )
        elif done * self._LINES // self._total > self._printed:
            self._printed = done * self._LINES // self._total
            left = (self._total - done) / rate
            line = f"step {done}/{self._total}  activation {activation:.3f}  {rate:.1f} steps/s  {left:.0f} s left"
            say(line, err=True)


class DownloadBar:
    """Progress of a model's download on the terminal's error output; called with each `Transfer`.

    In a pipe it prints one line when the download begins.
    """

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._last: Transfer | None = None

    def __enter__(self) -> DownloadBar:
        """Show nothing before the first call."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop updating the bar; after Ctrl-C, say that the part that has arrived is kept."""
        if self._progress is not None:
            self._progress.stop()
        if isinstance(error, KeyboardInterrupt) and self._last is not None and self._last.done and self._last.kept:
            say(f"{self._last.amount} have arrived. The same command continues from there.", err=True)

    def __call__(self, transfer: Transfer) -> None:
        """Show the progress."""
        if self._last is None:
            self._begin(transfer)
        self._last = transfer
        if self._progress is not None:
            task = self._progress.task_ids[0]
            self._progress.update(task, description=printable(transfer), completed=transfer.done, total=transfer.total)

    def _begin(self, transfer: Transfer) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        console = make_console(err=True)
        if not console.is_terminal:
            say(f"Downloading {transfer.name} …", err=True)
            return
        text = TextColumn("{task.description}", markup=False)
        self._progress = Progress(BarColumn(bar_width=24), text, console=console)
        self._progress.add_task(printable(transfer), total=None)
        self._progress.start()


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
