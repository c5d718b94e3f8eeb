"""``clipdesk worker --spool``: lends workers to heads elsewhere. Takes torch along only to see which GPUs there are."""

from __future__ import annotations

from pathlib import Path

from clipdesk.cli.output import say
from clipdesk.cli.places import workers_on
from clipdesk.cli.terminal import terminable
from clipdesk.jobs.executors.relay import Relay


def lend(spool: Path, place: str | None, idle: float) -> None:
    """Let heads have the workers of a place, through a folder.

    Args:
        spool: The folder.
        place: Whose workers, as `workers_on` has it.
        idle: Minutes without a head after which this ends.
    """
    make = workers_on(place)
    # SLURM and Ray end what they have started with SIGTERM; the head is told.
    with terminable():
        say(f"{Relay(spool, make, idle=60 * idle, tell=_tell).run()}.", err=True)


def _tell(line: str) -> None:
    say(f"{line}.", err=True)
