"""``clipdesk queue``: the jobs that wait, run and are done; and working through them."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator
from contextlib import closing, contextmanager, suppress

import click

from clipdesk.cli.listing import json_option, trust_option
from clipdesk.cli.options import on_option
from clipdesk.cli.output import say
from clipdesk.cli.terminal import show
from clipdesk.errors import ClipDeskError, UsageError, one_line
from clipdesk.export.metadata import WorkerRecord, workers_in
from clipdesk.jobs.job import Job
from clipdesk.jobs.rescue import open_store
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.jobs.stored import StoredJob
from clipdesk.models.names import file_named
from clipdesk.models.trust import allow_file
from clipdesk.paths import head_log


@click.group()
def queue() -> None:
    """List and handle the jobs that wait, run and are done."""


@contextmanager
def opened_store() -> Iterator[JobStore]:
    """The user's queue, open in the block; units of processes that have died wait again.

    If a damaged queue had to be put aside, a note says so.
    """
    store, notice = open_store(default_store())
    with closing(store):
        if notice:
            say(f"Note: {notice}", err=True)
        store.free_the_dead()
        yield store


@queue.command("list")
@json_option
def list_jobs(as_json: bool) -> None:
    """List the jobs, oldest first."""
    with opened_store() as store:
        rows = [_row(stored) for stored in store.jobs()]
        unreadable = store.unreadable()
    for number in unreadable:
        say(f"Note: job {number} is of another version of ClipDesk, which can render or cancel it.", err=True)
    if not rows and not as_json:
        say("The queue is empty.", err=True)
        return
    show(rows, key="job", title="Queue", as_json=as_json)


def _row(stored: StoredJob) -> dict[str, object]:
    return {
        "job": stored.number,
        "status": stored.status.value,
        "done": stored.counts.get("done", 0),
        "failed": stored.counts.get("failed", 0),
        "units": len(stored.job.units),
        "model": str(stored.job.model),
        "first": stored.job.label(0),
        "folder": "" if stored.folder is None else str(stored.folder),
    }


def _each(name: str, help_text: str, act: Callable[[JobStore, int], str]) -> None:
    """Add a command that does the same to each job that is named."""

    @queue.command(name, help=help_text)
    @click.argument("jobs", type=int, nargs=-1, required=True, metavar="JOB...")
    def command(jobs: tuple[int, ...]) -> None:
        with opened_store() as store:
            for number in jobs:
                say(f"Job {number}: {act(store, number)}")


def _pause(store: JobStore, number: int) -> str:
    store.wish(number, Wish.PAUSE)
    return "paused"


def _resume(store: JobStore, number: int) -> str:
    store.wish(number, Wish.RUN)
    return f"{store.get(number).status.value}. 'clipdesk queue run' renders what waits"


def _cancel(store: JobStore, number: int) -> str:
    store.wish(number, Wish.CANCEL)
    return "cancelled; finished pictures stay"


def _retry(store: JobStore, number: int) -> str:
    count = store.retry(number)
    return (
        f"{count} failed unit{'' if count == 1 else 's'} will be tried again. 'clipdesk queue run' renders what waits"
    )


_each("pause", "Pause jobs; a running one stops within a second.", _pause)
_each("resume", "Let paused or cancelled jobs go on.", _resume)
_each("cancel", "Cancel jobs; finished pictures stay.", _cancel)
_each("retry", "Try the failed units of jobs again.", _retry)


@queue.command("show")
@click.argument("job", type=int)
@json_option
def show_units(job: int, as_json: bool) -> None:
    """List the units of a JOB: the state of each, its file and the worker that rendered it, or why it failed."""
    with opened_store() as store:
        stored = store.get(job)
        units = store.units(job)
    workers = _workers_of(stored)
    rows = [
        {
            "unit": stored.job.label(unit.position),
            "state": unit.state,
            "file": unit.file,
            "worker": workers.get(unit.file, ""),
            "reason": unit.reason,
        }
        for unit in units
    ]
    show(rows, key="unit", title=f"Job {job}", as_json=as_json, optional=("worker",))


def _workers_of(stored: StoredJob) -> dict[str, str]:
    """Who rendered a job's pictures, by the names of their files; without those of whom that is not known."""
    found: dict[str, WorkerRecord] = {}
    if stored.folder is not None and isinstance(stored.job, Job):
        for layer in {target.layer for target in stored.job.targets if target.layer is not None}:
            # Metadata that is damaged or another model's says nothing; the list is there all the same.
            with suppress(ClipDeskError):
                found |= workers_in(stored.folder, layer, stored.job.model)
    return {file: one_line(worker.in_words, 200) for file, worker in found.items()}


@queue.command()
def clear() -> None:
    """Remove finished and cancelled jobs; their pictures stay."""
    with opened_store() as store:
        say(f"{store.clear()} removed")


@queue.command()
@trust_option
@on_option
@click.option(
    "--for-window", is_flag=True, hidden=True, help="Leave urgent and whole jobs to the window that started this."
)
def run(trust_archive: bool, place: str | None, for_window: bool) -> None:
    """Work through the queue until no job is waiting; several processes may do so at once."""
    from clipdesk.cli.following import follow, opened_service

    if for_window:
        _leave_terminal()
    with opened_service(place, for_window=for_window) as (service, report):
        numbers = _Batches(service.store) if for_window else None
        waiting = [s for s in service.store.jobs() if s.status in (Status.WAITING, Status.RUNNING)]
        waiting = [stored for stored in waiting if numbers is None or stored.number in numbers]
        if not waiting:
            say("No job is waiting.", err=True)
            return
        if trust_archive:
            for model in {stored.job.model for stored in waiting}:
                file = file_named(model)
                if file is not None and os.path.isfile(file):
                    allow_file(file)
        follow(service, report, waiting, numbers)


def _leave_terminal() -> None:
    """Write what is said into a file, as the terminal is that of a window, which may close."""
    path = head_log()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Appended, as another head may begin the file anew while this one writes.
        sink = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    except OSError:
        sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(sink, stream)
    os.close(sink)


class _Batches(Container[int]):
    """The numbers of the jobs that workers can share and that are not urgent."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._known: dict[int, bool] = {}

    def __contains__(self, number: object) -> bool:
        # Asked at each claim, and a large job takes long to read.
        if isinstance(number, int) and number not in self._known:
            try:
                stored = self._store.get(number)
                self._known[number] = stored.job.for_workers and not stored.urgent
            except UsageError:
                return False
        return isinstance(number, int) and self._known[number]
