"""Tables and bars of progress on a terminal. It takes rich along, so it is imported only when one is shown."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console, JustifyMethod
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from typing_extensions import Self

from clipdesk.cli.output import guarded, say
from clipdesk.errors import one_line, printable
from clipdesk.models.transfer import Transfer

if TYPE_CHECKING:
    from clipdesk.activations.autoencoders.training import TrainingProgress
    from clipdesk.activations.surveying import SurveyProgress

_LONGEST_LABEL = 60
_LONGEST_NAME = 40
"""Characters up to which the names in a table's first column are not folded."""
_FOLDED, _BORDER = 16, 3
"""Characters from which on other texts may be folded, and of a column's border and space."""


def make_console(*, err: bool = False) -> Console:
    """A console that never fails to write; what is printed on it is to be `printable`, and is not markup."""
    return Console(file=guarded(err=err), markup=False)


def print_table(rows: Sequence[Mapping[str, Any]], title: str, optional: Sequence[str] = ()) -> None:
    """Print rows of equal keys on a terminal.

    Args:
        rows: The rows.
        title: What stands above them.
        optional: Columns that are left out where they are empty, and where the terminal is too narrow, the first of
            these first; those are named.
    """
    console = make_console()
    empty = [name for name in optional if all(row[name] in ("", None) for row in rows)]
    rows = [{name: value for name, value in row.items() if name not in empty} for row in rows]
    optional = [name for name in optional if name not in empty]
    # Text, since rich would read names such as [old] as markup.
    table = Table(title=Text(printable(title)), title_justify="left", caption_justify="left", header_style="bold")
    away = _too_many(rows, optional, console.width)
    if away:
        names = ", ".join(name.replace("_", " ") for name in rows[0] if name in away)
        table.caption = Text(f"A wider terminal, or --json, also shows: {names}")
        rows = [{name: value for name, value in row.items() if name not in away} for row in rows]
    for name in rows[0] if rows else ():
        numeric = all(isinstance(row[name], int | float | None) for row in rows)
        # Names are there to be typed again, so on a narrow terminal the other columns give way first.
        whole = name == next(iter(rows[0])) and max(len(_shown(row[name])) for row in rows) <= _LONGEST_NAME
        justify: JustifyMethod = "right" if numeric else "left"
        table.add_column(name.replace("_", " "), justify=justify, overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(Text(_shown(value)) for value in row.values()))
    console.print(table)


def _too_many(rows: Sequence[Mapping[str, Any]], optional: Sequence[str], width: int) -> list[str]:
    """The optional columns for which there is no room, when the last of them are given room first."""
    widths = (
        {name: _width([row[name] for row in rows], name, place) for place, name in enumerate(rows[0])} if rows else {}
    )
    left = width - 1 - sum(widths[name] for name in widths if name not in optional)
    away: list[str] = []
    for name in reversed(optional):
        if widths[name] <= left:
            left -= widths[name]
        else:
            away.append(name)
    return away


def _width(values: Sequence[object], name: str, place: int) -> int:
    """Characters that a column wants, with its border."""
    longest = max(len(_shown(value)) for value in values)
    if place and any(isinstance(value, str) for value in values):
        # Texts may be folded, but for the names in the first column.
        longest = min(longest, _FOLDED)
    return max(longest, len(name)) + _BORDER


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else printable(value)


class _TerminalBar:
    """A bar on the terminal's error output while it is entered. In a pipe, `_tenth` says when a line is due instead."""

    def __init__(self, total: int, label: str, *columns: ProgressColumn, **fields: str) -> None:
        self._total = total
        self._label = one_line(label, _LONGEST_LABEL)
        self._printed = 0
        self._console = make_console(err=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            *columns,
            console=self._console,
            disable=not self._console.is_terminal,
            # Otherwise what goes into a file or a pipe would be shown above the bar instead.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )
        self._task = self._progress.add_task(self._label, total=total)
        self._progress.tasks[0].fields.update(fields)

    def __enter__(self) -> Self:
        """Start showing the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop updating the bar."""
        self._progress.stop()

    def _tenth(self, done: int) -> bool:
        """Whether another tenth is done since this last said so."""
        tenths = done * 10 // self._total
        more = tenths > self._printed
        self._printed = max(self._printed, tenths)
        return more


class Bar(_TerminalBar):
    """Progress of a render on the terminal's error output: step, activation, steps/s and time left.

    In a pipe it prints a line after every tenth of the steps instead.
    """

    def __init__(self, total: int, label: str) -> None:
        columns = (
            TextColumn("activation {task.fields[activation]}"),
            TextColumn("{task.fields[rate]} steps/s"),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        super().__init__(total, label, *columns, activation="-", rate="-")
        self._started = time.monotonic()
        self._skipped = 0
        self._downloaded = ""

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

    def show_stage(self, _number: int, text: str) -> None:
        """Show what a job does before its first step; in a pipe, nothing."""
        if self._console.is_terminal:
            self._progress.update(self._task, description=one_line(text, _LONGEST_LABEL))

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
        elif self._tenth(done):
            left = (self._total - done) / rate
            line = f"step {done}/{self._total}  activation {activation:.3f}  {rate:.1f} steps/s  {left:.0f} s left"
            say(line, err=True)


class SurveyBar(_TerminalBar):
    """Progress of a survey on the terminal's error output: pictures, pictures/s and time left.

    In a pipe it prints a line after every tenth of the pictures instead.
    """

    def __init__(self, total: int, label: str) -> None:
        columns = (TextColumn("{task.fields[rate]} pictures/s"), TextColumn("{task.fields[left]} left"))
        super().__init__(total, label, *columns, rate="-", left="-")

    def update(self, progress: SurveyProgress) -> None:
        """Show how far it is."""
        seconds = progress.seconds_left
        left = "-" if seconds is None else f"{timedelta(seconds=round(seconds))}"
        if self._console.is_terminal:
            self._progress.update(self._task, completed=progress.done, rate=f"{progress.rate:.1f}", left=left)
        elif progress.rate and self._tenth(progress.done):
            say(f"{progress.done:,}/{self._total:,} pictures  {progress.rate:.1f} pictures/s  {left} left", err=True)


class TrainingBar(_TerminalBar):
    """Progress of a stage of a training on the terminal's error output, with its speed and the time left.

    In a pipe it prints a line after every tenth of the stage instead.
    """

    def __init__(self, progress: TrainingProgress) -> None:
        self._unit = "pictures" if progress.stage == "reading" else "steps"
        columns = (TextColumn(f"{{task.fields[rate]}} {self._unit}/s"), TextColumn("{task.fields[left]} left"))
        super().__init__(progress.total, progress.stage, *columns, rate="-", left="-")

    def update(self, progress: TrainingProgress) -> None:
        """Show how far it is."""
        seconds = progress.seconds_left
        left = "-" if seconds is None else f"{timedelta(seconds=round(seconds))}"
        if self._console.is_terminal:
            self._progress.update(self._task, completed=progress.done, rate=f"{progress.rate:.1f}", left=left)
        elif progress.rate and self._tenth(progress.done):
            done = f"{progress.stage} {progress.done:,}/{self._total:,} {self._unit}"
            say(f"{done}  {progress.rate:.1f} {self._unit}/s  {left} left", err=True)


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
        console = make_console(err=True)
        if not console.is_terminal:
            say(f"Downloading {transfer.name} …", err=True)
            return
        self._progress = Progress(
            BarColumn(bar_width=24), TextColumn("{task.description}", markup=False), console=console
        )
        self._progress.add_task(printable(transfer), total=None)
        self._progress.start()


@contextmanager
def counting(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told how many files of how many are done; in a pipe it shows nothing."""
    console = make_console(err=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, count: progress.update(task, completed=done, total=count)
