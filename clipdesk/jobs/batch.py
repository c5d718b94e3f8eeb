"""A batch of units of one layer into a folder, with its metadata; units that are there already are skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from torch import nn

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.files import free_path, make_folder, picture_name
from clipdesk.export.metadata import BatchMetadata, UnitRecord
from clipdesk.export.png import read_recipe, save_png
from clipdesk.inspector import LayerInspector
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import Event, Failure, Progress, Result, run_job
from clipdesk.render.targets import Unit


@dataclass(frozen=True)
class Saved:
    """A unit's picture is in its file."""

    result: Result
    path: Path


@dataclass(frozen=True)
class Skipped:
    """A unit whose picture was there already, made with the same settings."""

    target: Unit
    path: Path


BatchEvent = Progress | Saved | Skipped | Failure


def run_batch(
    model: nn.Module,
    job: Job,
    folder: Path,
    *,
    skip: bool = True,
    inspector: LayerInspector | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[BatchEvent]:
    """Render units of one layer into a folder; the metadata file is brought up to date with every unit.

    Raises:
        UsageError: the job's targets are not units of one layer, or one is not there.
        ClipDeskError: the folder cannot be written to, or the disk is full.
    """
    units = [target for target in job.targets if isinstance(target, Unit)]
    if len(units) < len(job.targets) or len({unit.layer for unit in units}) != 1:
        raise UsageError("A batch takes units of one layer")
    inspector = inspector or LayerInspector(model)
    for unit in units:
        inspector.check_unit(unit.layer, unit.index)
    make_folder(folder)
    metadata = BatchMetadata.open(folder, units[0].layer, job.model)
    todo = []
    for unit in units:
        path = _existing(metadata.units.get(unit.index), job, unit, folder) if skip else None
        if path is not None:
            yield Skipped(unit, path)
        else:
            todo.append(unit)
    if todo:
        remaining = job.model_copy(update={"targets": tuple(todo)})
        for event in run_job(model, remaining, inspector=inspector, stop=stop):
            yield from _recorded(event, metadata, folder)


def _recorded(event: Event, metadata: BatchMetadata, folder: Path) -> Iterator[BatchEvent]:
    """Save a result, note it in the metadata, and pass the event on."""
    if isinstance(event, Progress):
        yield event
        return
    if not isinstance(event.target, Unit):
        raise TypeError("a batch holds units only")
    if isinstance(event, Failure):
        metadata.units[event.target.index] = UnitRecord(status="failed", parameters=event.settings, reason=event.reason)
        metadata.save(folder)
        yield event
        return
    path = free_path(folder / picture_name(event.target, datetime.now()))
    save_png(event.image, path, event.recipe)
    metadata.units[event.target.index] = UnitRecord(
        status="done" if event.complete else "interrupted",
        parameters=event.settings,
        file=path.name,
        activation=event.activation,
        seconds=round(event.seconds, 3),
    )
    metadata.save(folder)
    yield Saved(event, path)


def _existing(record: UnitRecord | None, job: Job, unit: Unit, folder: Path) -> Path | None:
    """The unit's file, if it is whole and was made with the job's settings."""
    if record is None or record.status != "done" or record.file is None or record.parameters != job.settings_of(unit):
        return None
    path = folder / record.file
    try:
        read_recipe(path)
    except ClipDeskError:
        return None
    return path
