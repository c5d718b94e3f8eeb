"""The ``clipdesk`` command: errors as one line, exit codes, and the window when no command is given."""

from __future__ import annotations

import gc
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from logging.handlers import RotatingFileHandler

import click
from typing_extensions import override

import clipdesk
from clipdesk.cli import display
from clipdesk.cli.autoencoders import sae
from clipdesk.cli.checks import check
from clipdesk.cli.comparisons import compare, comparisons
from clipdesk.cli.folder import curves, sheet, spectrum
from clipdesk.cli.hints import of_wrong_use, with_model
from clipdesk.cli.listing import find_model, layers, models, neurons, show_recipe, trust_option
from clipdesk.cli.output import flush_output, mute, say, say_lines
from clipdesk.cli.pages import page
from clipdesk.cli.questions import examples, find, layer, words
from clipdesk.cli.queue import queue
from clipdesk.cli.rendering import batch, quickstart, render, worker
from clipdesk.cli.surveys import survey, surveys
from clipdesk.cli.terminal import INTERRUPTED, terminable
from clipdesk.cli.timelines import timeline
from clipdesk.errors import ClipDeskError, NotInModelError, UsageError, first_line
from clipdesk.links import is_link, parse_link
from clipdesk.models.catalogue import EMBEDDED
from clipdesk.models.names import parse_name, with_latents
from clipdesk.network.layer_names import Place, place_of
from clipdesk.paths import log_file

log = logging.getLogger("clipdesk")


class _Entry(click.Group):
    """The command line; a link in the place of a command opens the window there."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and is_link(args[0]):
            if len(args) > 1:
                # Other programs start this one with links from anywhere, whose quotes may end before they do.
                raise UsageError("Nothing may follow a link. Open a unit with options as: clipdesk --unit LAYER:UNIT")
            link = parse_link(args[0])
            unit = link.layer if link.unit is None else f"{link.layer}:{link.unit}"
            args = ["--model", link.model, "--unit", unit]
        return super().parse_args(ctx, args)

    @override
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except NotInModelError as error:
            raise with_model(error, ctx) from error


@click.group(
    cls=_Entry,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(clipdesk.__version__, prog_name="clipdesk")
@click.option("--model", help="Model that the window opens: a name or a file.  [default: the one used last]")
@click.option("--sae", multiple=True, metavar="FILE|FOLDER", help="A sparse autoencoder whose latents become a layer.")
@trust_option
@click.option("--unit", metavar="LAYER:UNIT", help="Unit that the window shows, or a layer.")
@click.option("--start", is_flag=True, help="Start rendering one neuron as soon as the window is open.")
@click.pass_context
def cli(
    context: click.Context,
    model: str | None,
    sae: tuple[str, ...],
    trust_archive: bool,
    unit: str | None,
    start: bool,
) -> None:
    """See what single neurons of a CLIP vision model look for.

    Without a command, opens the window; a link such as clipdesk://demo/visual.layer/5 opens it at a unit.
    """
    if context.invoked_subcommand is None:
        if sae:
            model = str(with_latents(parse_name(model or EMBEDDED), sae))
        if model is not None:
            find_model(model, trust_archive)
        place = None if unit is None else place_of(unit)
        _open_window(context, model, start, place)


_COMMANDS = (models, layers, neurons, render, batch, queue, show_recipe, sheet, page, curves, spectrum, quickstart)
_OF_SURVEYS = (survey, surveys, find, layer, examples, words, check, compare, comparisons, timeline, sae)
for command in (*_COMMANDS, *_OF_SURVEYS, worker):
    cli.add_command(command)


def _open_window(context: click.Context, model: str | None, start: bool, place: Place | None) -> None:
    problem = display.why_no_display(meanwhile=_import_window)
    if problem is None:
        context.exit(_window()(model, start, place))
    if not start:
        raise ClipDeskError(f"The window cannot be opened: {problem}. The commands of 'clipdesk --help' still work")
    say(f"The window cannot be opened ({problem}), so the picture is rendered in the terminal.", err=True)
    context.invoke(quickstart, output=None)


def _window() -> Callable[[str | None, bool, Place | None], int]:
    """Import the window, which takes most of the time until it appears; the function that opens it."""
    from clipdesk.gui.app import run

    return run


def _import_window() -> None:
    """Import the window while the display is tried."""
    # Imports do not make garbage, and collecting takes a sixth of the time.
    gc.disable()
    try:
        _window()
    except ImportError:
        log.info("the window's libraries are not there", exc_info=True)
    finally:
        gc.enable()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    _open_standard_streams()
    _log_to_file()
    try:
        with terminable():
            code = cli.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        hint = of_wrong_use(error)
        if hint and isinstance(error, click.NoSuchOption):
            # Without the options that are only spelt alike.
            error = click.NoSuchOption(error.option_name, ctx=error.ctx)
        text = io.StringIO()
        error.show(file=text)
        say_lines("\n".join(filter(None, (text.getvalue().rstrip("\n"), hint))), err=True)
        code = error.exit_code
    except ClipDeskError as error:
        say(f"Error: {error}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("Interrupted.", err=True)
        code = INTERRUPTED
    except BrokenPipeError as error:
        # The reader of click's own output, such as the help, has closed it, as `head` does.
        mute(sys.stdout, error)
        code = 0
    except Exception as error:
        log.exception("unexpected")
        say(f"Error: {type(error).__name__}: {first_line(error)}. Details are in {log_file()}", err=True)
        code = 1
    flush_output()
    sys.exit(code)


def _open_standard_streams() -> None:
    """Where a standard stream is closed, open it to nowhere: the next file would get its number and all its output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, hence this one.
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)


def _log_to_file() -> None:
    """Write details to the log. If the log cannot be written, ClipDesk works without it, and without a word on it."""
    if log.handlers:
        return
    # Otherwise Python prints tracebacks on the terminal: of what cannot be logged, and of all if nobody takes the log.
    logging.raiseExceptions = False
    for logger in (logging.getLogger(), log):
        logger.addHandler(logging.NullHandler())
    log.propagate = False
    with suppress(OSError):
        log_file().parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            log_file(), maxBytes=1_000_000, backupCount=1, delay=True, encoding="utf-8", errors="backslashreplace"
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        log.addHandler(handler)
