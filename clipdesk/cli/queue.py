"""``clipdesk queue``: the jobs that wait, run and are done; and working through them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from clipdesk.cli.listing import json_option, trust_option
from clipdesk.cli.terminal import INTERRUPTED, Bar, interruptible, show
from clipdesk.errors import ClipDeskError
from clipdesk.models.catalogue import checkpoint_of
from clipdesk.models.trust import allow_file

if TYPE_CHECKING:
    from clipdesk.jobs.store import JobStore, StoredJob


@click.group()
def queue() -> None:
    """List and handle the jobs that wait, run and are done."""


def opened_store() -> JobStore:
    """The user's queue, freed of what the dead held; says so if a damaged one had to be put aside."""
    from clipdesk.jobs.store import default_store, open_store

    store, notice = open_store(default_store())
    if notice:
        click.echo(f"Note: {notice}", err=True)
    store.free_the_dead()
    return store


@queue.command("list")
@json_option
def list_jobs(as_json: bool) -> None:
    """List the jobs, oldest first."""
    store = opened_store()
    rows = [
        {
            "job": stored.number,
            "status": stored.status,
            "done": stored.counts.get("done", 0),
            "failed": stored.counts.get("failed", 0),
            "units": len(stored.job.targets),
            "model": stored.job.model,
            "first": stored.job.targets[0].label,
            "folder": str(stored.folder),
        }
        for stored in store.jobs()
    ]
    for number in store.unreadable():
        click.echo(f"Note: job {number} is of another version of ClipDesk, which can render or cancel it.", err=True)
    if not rows and not as_json:
        click.echo("The queue is empty.", err=True)
        return
    show(rows, key="job", title="Queue", as_json=as_json)


def _each(name: str, help_text: str, act: Callable[[JobStore, int], str]) -> None:
    """Add a command that does the same to each job that is named."""

    @queue.command(name, help=help_text)
    @click.argument("jobs", type=int, nargs=-1, required=True, metavar="JOB...")
    def command(jobs: tuple[int, ...]) -> None:
        store = opened_store()
        for number in jobs:
            click.echo(f"Job {number}: {act(store, number)}")


def _pause(store: JobStore, number: int) -> str:
    from clipdesk.jobs.store import JobState

    store.set_state(number, JobState.PAUSED)
    return "paused"


def _resume(store: JobStore, number: int) -> str:
    from clipdesk.jobs.store import JobState

    store.set_state(number, JobState.OPEN)
    return f"{store.get(number).status}. 'clipdesk queue run' renders what waits"


def _cancel(store: JobStore, number: int) -> str:
    from clipdesk.jobs.store import JobState

    store.set_state(number, JobState.CANCELLED)
    return "cancelled; what was finished stays"


def _retry(store: JobStore, number: int) -> str:
    count = store.retry(number)
    return (
        f"{count} failed unit{'' if count == 1 else 's'} will be tried again. 'clipdesk queue run' renders what waits"
    )


_each("pause", "Let jobs rest; who renders one stops within a second.", _pause)
_each("resume", "Let paused or cancelled jobs go on.", _resume)
_each("cancel", "Let nothing more come of jobs.", _cancel)
_each("retry", "Let the failed units of jobs be tried again.", _retry)


@queue.command("show")
@click.argument("job", type=int)
@json_option
def show_units(job: int, as_json: bool) -> None:
    """Show what became of each unit of a JOB: its state, and its file or why it failed."""
    store = opened_store()
    targets = store.get(job).job.targets
    rows = [
        {"unit": targets[unit.position].label, "state": unit.state, "file": unit.file, "reason": unit.reason}
        for unit in store.units(job)
    ]
    show(rows, key="unit", title=f"Job {job}", as_json=as_json)


@queue.command()
def clear() -> None:
    """Take out the jobs of which nothing more will come; their pictures stay."""
    click.echo(f"{opened_store().clear()} taken out")


@queue.command()
@trust_option
def run(trust_archive: bool) -> None:
    """Render what waits, until nothing does; several processes may do so at once."""
    store = opened_store()
    waiting = [stored for stored in store.jobs() if stored.status in ("waiting", "running")]
    if not waiting:
        click.echo("Nothing waits.", err=True)
        return
    if trust_archive:
        for model in {stored.job.model for stored in waiting}:
            file = checkpoint_of(model)
            if file is not None and file.is_file():
                allow_file(file)
    follow(store, waiting)


def follow(store: JobStore, waiting: list[StoredJob], number: int | None = None) -> None:
    """Render jobs with a progress bar; exits with 130 after Ctrl-C and with 1 if a unit failed.

    Args:
        store: The queue.
        waiting: The jobs.
        number: Only the job of this number.
    """
    from clipdesk.jobs.batch import Saved, Skipped
    from clipdesk.jobs.drain import Paused, drain
    from clipdesk.jobs.runner import Failure

    total = sum(stored.counts.get("waiting", 0) + stored.counts.get("running", 0) for stored in waiting)
    steps = max(stored.job.settings.iterations for stored in waiting)
    saved = skipped = failed = 0
    folder, started = waiting[0].folder, time.monotonic()
    with interruptible() as interrupt, Bar(total * steps, f"0/{total} neurons") as bar:
        for step in drain(store, number=number, stop=interrupt, progress=bar.show_download):
            event, folder = step.event, step.stored.folder
            if isinstance(event, Saved):
                saved += 1
                click.echo(event.path)
            elif isinstance(event, Skipped):
                skipped += 1
                bar.skip(steps)
            elif isinstance(event, Failure):
                failed += 1
                click.echo(f"Error: {event.target.label}: {event.reason}", err=True)
            elif isinstance(event, Paused):
                job = step.stored.number
                click.echo(f"Job {job} is paused; 'clipdesk queue resume {job}' lets it go on from here.", err=True)
            else:
                share = event.frame.step / event.frame.iterations
                done = saved + skipped + failed + share * len(event.targets)
                pace = 60 * (done - skipped) / max(1e-9, time.monotonic() - started)
                label = f"{saved + skipped}/{total} neurons, {pace:.1f}/min"
                bar.update(round(done * steps), float(event.frame.activations.mean()), label)
    click.echo(f"{saved} rendered, {skipped} skipped, {failed} failed. Folder: {folder}", err=True)
    if skipped:
        click.echo("What was skipped is there already, made with the same settings.", err=True)
    if interrupt.requested:
        raise SystemExit(INTERRUPTED)
    if failed:
        raise SystemExit(ClipDeskError.exit_code)
