"""Jobs that ClipDesk 0.1 queued: without the checksum of their weights, with a checkpoint's path as it was typed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.jobs.store import JobStore
from clipdesk.jobs.stored import StoredJob
from clipdesk.jobs.work import Work
from clipdesk.models.names import is_relative, is_same_name, parse_name


def identified(stored: StoredJob, store: JobStore) -> Work:
    """The work of a job, with the weights of the pictures that it has made already.

    A job that knows its weights, and one that has not made a picture, stays as it is.

    Raises:
        UsageError: the path of its model is relative, and there is no picture that says which weights were meant.
    """
    job = stored.job
    if job.weights is not None:
        return job
    made = _weights_in(stored.folder, store.files(stored.number))
    if len(made) != 1 and is_relative(job.model):
        raise UsageError(
            f"This job was queued by an older ClipDesk, which did not keep the folder of '{job.model}'. Cancel job "
            f"{stored.number}, and give its command again in the right folder"
        )
    weights = next(iter(made)) if len(made) == 1 else None
    return job.model_copy(update={"model": parse_name(str(job.model)), "weights": weights})


def take_over(store: JobStore, job: Work, folder: Path, *, skip: bool = True) -> int | None:
    """Let an unfinished job of ClipDesk 0.1 go on that asks for the same as a new one.

    Args:
        store: The queue.
        job: What is asked for now, with the weights that it is to be done with.
        folder: Where its files go.
        skip: Whether pictures that the folder has already are left as they are.

    Returns:
        The number of the old job, which from now on asks for exactly what `job` does; None if there is none, or if its
        pictures were made with other weights.
    """
    for stored in reversed(store.jobs()):
        old = stored.job
        if old.weights is not None or not is_same_name(job.model, str(old.model)):
            continue
        if old.model_copy(update={"model": job.model, "weights": job.weights}) != job:
            continue
        same_place = (stored.folder, stored.skip) == (folder.absolute(), skip)
        goes_on = not (stored.finished or stored.counts.get("failed"))
        if same_place and goes_on and _weights_in(folder, store.files(stored.number)) <= {job.weights}:
            store.replace(stored.number, job)
            return store.again(job, folder, skip=skip)
    return None


def _weights_in(folder: Path | None, files: Iterable[str]) -> set[str | None]:
    """The weights that some pictures were made with; pictures that are gone or damaged are left out."""
    # Not above: it loads NumPy and Pillow, which the first sight of the window does without.
    from clipdesk.export.png import read_recipe

    found: set[str | None] = set()
    if folder is not None:
        for file in files:
            with suppress(ClipDeskError):
                found.add(read_recipe(folder / file).weights)
    return found - {None}
