"""A batch of units of one layer into a folder, with its metadata; units that are there already are skipped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from torch import nn

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export.files import clear_partials, free_path, make_folder, picture_name
from clipdesk.export.metadata import BatchMetadata, UnitRecord
from clipdesk.export.png import read_recipe, save_png
from clipdesk.export.recipe import Recipe
from clipdesk.inspector import LayerInspector
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import Event, Failure, Progress, Result, run_job
from clipdesk.models.loading import weights_sha256
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
    since: str | None = None,
    keep_stopped: bool = True,
    inspector: LayerInspector | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[BatchEvent]:
    """Render units of one layer into a folder; the metadata file is brought up to date with every unit.

    A unit is skipped where the folder has its whole picture, made with the same settings and weights; also if a crash
    has kept it from the metadata.

    Args:
        model: The job's model, opened.
        job: What to render.
        folder: Where to.
        skip: Whether to skip anything.
        since: Skip only pictures made at this time or later, in ISO 8601, UTC.
        keep_stopped: Whether unfinished pictures are saved when `stop` says True.
        inspector: The model's inspector, to save tracing it again.
        stop: Asked after every step.

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
    clear_partials(folder)
    existing = _Existing(folder, job, units[0].layer, since)
    todo = []
    for unit in units:
        path = existing.find(unit) if skip else None
        if path is not None:
            yield Skipped(unit, path)
        else:
            todo.append(unit)
    if todo:
        remaining = job.model_copy(update={"targets": tuple(todo)})
        for event in run_job(model, remaining, inspector=inspector, stop=stop):
            if keep_stopped or not isinstance(event, Result) or event.complete:
                yield from _recorded(event, job, folder)


def _recorded(event: Event, job: Job, folder: Path) -> Iterator[BatchEvent]:
    """Save a result, note it in the metadata, and pass the event on."""
    if isinstance(event, Progress):
        yield event
        return
    if not isinstance(event.target, Unit):
        raise TypeError("a batch holds units only")
    layer, index = event.target.layer, event.target.index
    if isinstance(event, Failure):
        record = UnitRecord(status="failed", parameters=event.settings, reason=event.reason)
        BatchMetadata.note(folder, layer, job.model, index, record)
        yield event
        return
    path = free_path(folder / picture_name(event.target, datetime.now()))
    save_png(event.image, path, event.recipe)
    BatchMetadata.note(folder, layer, job.model, index, _record(event.recipe, path))
    yield Saved(event, path)


def _record(recipe: Recipe, path: Path) -> UnitRecord:
    return UnitRecord(
        status="done" if recipe.complete else "interrupted",
        parameters=recipe.settings,
        file=path.name,
        sha256=_checksum(path),
        activation=recipe.activation.picture,
        seconds=recipe.seconds,
    )


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Existing:
    """The pictures that a folder has of a job's units."""

    def __init__(self, folder: Path, job: Job, layer: str, since: str | None) -> None:
        self._folder, self._job, self._since = folder, job, since
        self._weights = weights_sha256(job.model)
        self._metadata = BatchMetadata.open(folder, layer, job.model)
        self._names: dict[int, list[str]] = {}
        named = re.compile(rf"neuron_(\d+)_{re.escape(layer)}_[\d-]+\.png")
        for name in sorted(path.name for path in folder.iterdir()):
            if match := named.fullmatch(name):
                self._names.setdefault(int(match[1]), []).append(name)

    def find(self, unit: Unit) -> Path | None:
        """The unit's picture, if it is whole and as the job wants it."""
        record = self._metadata.units.get(unit.index)
        if record is not None and record.status == "done" and record.file is not None:
            path = self._folder / record.file
            if self._fits(path, unit) and record.sha256 in (None, _checksum(path)):
                return path
        for name in reversed(self._names.get(unit.index, [])):
            path = self._folder / name
            if (record is None or name != record.file) and self._fits(path, unit):
                # Whoever made it was killed before it could say so.
                BatchMetadata.note(
                    self._folder, unit.layer, self._job.model, unit.index, _record(read_recipe(path), path)
                )
                return path
        return None

    def _fits(self, path: Path, unit: Unit) -> bool:
        try:
            recipe = read_recipe(path)
        except ClipDeskError:
            return False
        return (
            recipe.complete
            and recipe.target == unit
            and recipe.model == self._job.model
            and recipe.settings == self._job.settings_of(unit)
            and recipe.weights == self._weights
            and (self._since is None or recipe.date >= self._since)
        )
