"""A batch of targets into a folder, with metadata for each layer; what is there already is skipped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from torch import nn

from clipdesk.errors import ClipDeskError
from clipdesk.export.files import clear_partials, free_path, make_folder, picture_name
from clipdesk.export.metadata import BatchMetadata, UnitRecord
from clipdesk.export.png import read_recipe, save_png
from clipdesk.export.recipe import Recipe
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import Failure, Progress, Result, problem_with, run_job
from clipdesk.models.loading import weights_sha256
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.targets import Target


@dataclass(frozen=True)
class Saved:
    """A target's picture is in its file."""

    result: Result
    path: Path


@dataclass(frozen=True)
class Skipped:
    """A target whose picture was there already, made with the same settings."""

    target: Target
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
    group_size: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[BatchEvent]:
    """Render targets into a folder; the metadata file of a unit's layer is brought up to date with every unit.

    A target is skipped where the folder has its whole picture, made with the same settings and weights; also if a crash
    has kept it from the metadata.

    Args:
        model: The job's model, opened.
        job: What to render.
        folder: Where to.
        skip: Whether to skip anything.
        since: Skip only pictures made at this time or later, in ISO 8601, UTC.
        keep_stopped: Whether unfinished pictures are saved when `stop` says True.
        inspector: The model's inspector, to save tracing it again.
        group_size: As for `run_job`.
        stop: Asked after every step.

    Yields:
        What `run_job` does, a `Saved` in place of each `Result`, and a `Skipped` for each target that is there. A
        picture that cannot be written, as on a full disk, is a `Failure`.

    Raises:
        UsageError: the folder holds a batch of another model.
        ClipDeskError: the folder cannot be written to.
    """
    inspector = inspector or LayerInspector(model)
    make_folder(folder)
    clear_partials(folder)
    sound = tuple(target for target in job.targets if not problem_with(target, inspector))
    existing = find_existing(folder, job, sound, since) if skip else {}
    for target, path in existing.items():
        yield Skipped(target, path)
    todo = tuple(target for target in job.targets if target not in existing)
    if todo:
        remaining = job.model_copy(update={"targets": todo})
        for event in run_job(model, remaining, inspector=inspector, group_size=group_size, stop=stop):
            if isinstance(event, Result) and not (keep_stopped or event.complete):
                continue
            outcome = _saved(event, folder) if isinstance(event, Result) else event
            if isinstance(outcome, Failure) and not problem_with(outcome.target, inspector):
                # A full disk has no room for this either; the reason is told to whoever pulls.
                with suppress(ClipDeskError):
                    note_failure(outcome, job.model, folder)
            yield outcome


def _saved(result: Result, folder: Path) -> Saved | Failure:
    try:
        path = write_result(result, folder)
        note_result(result, path)
        return Saved(result, path)
    except ClipDeskError as error:
        return Failure(result.target, result.settings, str(error))


def write_result(result: Result, folder: Path) -> Path:
    """Write a picture into a folder, under a free name; where it is.

    Raises:
        ClipDeskError: it cannot be written.
    """
    path = free_path(folder / picture_name(result.target, datetime.now()))
    save_png(result.saved_image, path, result.recipe, result.curve)
    return path


def note_result(result: Result, path: Path) -> None:
    """Note a written picture in the metadata of its layer, if it is a unit's.

    Raises:
        UsageError: the folder holds a batch of another model, or its metadata is damaged.
        ClipDeskError: the metadata cannot be written.
    """
    if result.target.layer is not None:
        record = _record(result.recipe, path)
        BatchMetadata.note(path.parent, result.target.layer, result.recipe.model, result.target.index, record)


def note_failure(failure: Failure, model: str, folder: Path) -> None:
    """Note in the metadata of its layer that a unit failed.

    Raises:
        UsageError, ClipDeskError: as `note_result`.
    """
    if failure.target.layer is not None:
        record = UnitRecord(status="failed", parameters=failure.settings, reason=failure.reason)
        BatchMetadata.note(folder, failure.target.layer, model, failure.target.index, record)


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


def find_existing(folder: Path, job: Job, targets: Sequence[Target], since: str | None = None) -> dict[Target, Path]:
    """Those of a job's targets whose whole picture a folder has, made as the job wants it, and their files.

    One that a killed process could not note in the metadata is noted.

    Args:
        folder: Where to look.
        job: How they are wanted.
        targets: Which of the job's targets; all are there in its model.
        since: Only pictures made at this time or later, in ISO 8601, UTC.

    Raises:
        UsageError: the folder holds a batch of another model.
        ClipDeskError: it cannot be read.
    """
    existing = _Existing(folder, job, targets, since)
    return {target: path for target in targets if (path := existing.find(target)) is not None}


class _Existing:
    """The pictures that a folder has of a job's targets."""

    def __init__(self, folder: Path, job: Job, targets: Sequence[Target], since: str | None) -> None:
        self._folder, self._job, self._since = folder, job, since
        self._weights = weights_sha256(job.model)
        self._files = job.with_files()
        layers = {target.layer for target in targets if target.layer is not None}
        self._metadata = {layer: BatchMetadata.open(folder, layer, job.model) for layer in layers}
        self._names: dict[str, list[str]] = {}
        for name in sorted(path.name for path in folder.glob("*.png")):
            self._names.setdefault(_without_time(name), []).append(name)

    def find(self, target: Target) -> Path | None:
        """The target's picture, if it is whole and as the job wants it."""
        record = self._metadata[target.layer].units.get(target.index) if target.layer is not None else None
        if record is not None and record.status == "done" and record.file is not None:
            path = self._folder / record.file
            if self._fits(path, target) and record.sha256 in (None, _checksum(path)):
                return path
        for name in reversed(self._names.get(_without_time(picture_name(target, datetime.min)), [])):
            path = self._folder / name
            if (record is None or name != record.file) and self._fits(path, target):
                if target.layer is not None:
                    # Whoever made it was killed before it could say so.
                    found = _record(read_recipe(path), path)
                    BatchMetadata.note(self._folder, target.layer, self._job.model, target.index, found)
                return path
        return None

    def _fits(self, path: Path, target: Target) -> bool:
        try:
            recipe = read_recipe(path)
        except ClipDeskError:
            return False
        asked = self._job.settings_of(target)
        if asked.precision == "auto":
            asked = asked.model_copy(update={"precision": recipe.settings.precision})
        return (
            recipe.complete
            and recipe.target == target
            and recipe.model == self._job.model
            and recipe.settings == asked
            and recipe.weights == self._weights
            and recipe.files == self._files.files_of(target)
            and (self._since is None or recipe.date >= self._since)
        )


def _without_time(name: str) -> str:
    """A picture's name up to the time at its end, or the number after it."""
    return re.sub(r"_[\d-]+\.png$", "", name)
