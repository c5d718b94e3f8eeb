"""What rendering leaves in a folder: pictures with their recipes, and metadata for each layer. Imports no torch."""

from __future__ import annotations

import bisect
import hashlib
import logging
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from clipdesk.errors import ClipDeskError, DiskFullError
from clipdesk.export.claims import claims_of
from clipdesk.export.files import clear_partials, make_folder, picture_name
from clipdesk.export.metadata import OtherModelError, UnitRecord, WorkerRecord, is_layer_name
from clipdesk.export.metadata_writer import MetadataWriter
from clipdesk.export.png import read_recipe, save_png
from clipdesk.export.recipe import Recipe
from clipdesk.jobs.events import Failure, Result, Saved, Skipped
from clipdesk.jobs.job import Job
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.1
"""Longer than the ticks of file systems' clocks."""
_OTHER_MODEL = "The folder's metadata is of another model's batch, so it does not list this picture"


class PictureFolder:
    """The folder of a job: finds the pictures that are there, saves new ones, and keeps the metadata.

    A target is found where the folder has its whole picture, made with the same settings and weights; also if a crash
    has kept it from the metadata. Where the metadata is of another model's batch, as where the window keeps pictures of
    several models, pictures are saved without being noted in it.

    Args:
        folder: Where the pictures go.
        job: What is rendered; it knows its weights.
        since: Only pictures made at this time or later are found, in ISO 8601, UTC; None for all.

    Raises:
        ClipDeskError: the folder cannot be written to.
        UsageError: a file that the job names is not there, or is another than it was.
    """

    def __init__(self, folder: Path, job: Job, since: str | None = None) -> None:
        make_folder(folder)
        clear_partials(folder)
        self._folder = folder
        self._job = job.known()
        self._since = since
        self._writers: dict[str, MetadataWriter | None] = {}
        self._noted: dict[str, dict[int, _Noted]] = {}
        self._damaged: dict[str, ClipDeskError] = {}
        self._names: dict[str, list[str]] = {}
        self._listed: set[str] = set()
        self._seen, self._seen_at, self._listed_at = -1, 0.0, 0.0

    # Who makes what

    def claim(self, targets: Sequence[Target]) -> list[Target]:
        """Claim targets for all queues that share the folder; those that another process renders are left out."""
        granted = set(claims_of(self._folder).take(self._key(target) for target in targets))
        return [target for target in targets if self._key(target) in granted]

    def release(self, targets: Sequence[Target]) -> None:
        """Let go of targets that `claim` has returned."""
        # The folder may have gone, and the claims with it.
        with suppress(ClipDeskError):
            claims_of(self._folder).release(map(self._key, targets))

    def _key(self, target: Target) -> str:
        """What makes two pictures of a folder the same."""
        settings = self._job.settings_of(target).model_dump_json(exclude={"device", "precision"})
        files = sorted(self._job.files_of(target).items())
        return f"{self._job.weights or self._job.model} {target.model_dump_json()} {settings} {files}"

    # What is there

    def find(self, targets: Sequence[Target]) -> list[Skipped | Failure]:
        """The targets that are not to be rendered: their whole picture is there, or their metadata cannot be read.

        A picture that is missing in the metadata is noted. Damaged metadata of a layer fails the units of that layer.
        """
        found: list[Skipped | Failure] = []
        # Once: a folder of a hundred thousand pictures takes a while to list.
        names = self._pictures()
        for target in targets:
            try:
                path = self._find(target, names)
            except ClipDeskError as error:
                found.append(Failure(target, str(error)))
                continue
            if path is not None:
                found.append(Skipped(target, path))
        return found

    def _find(self, target: Target, names: Mapping[str, Sequence[str]]) -> Path | None:
        noted = self._noted_of(target)
        if noted is not None and noted.done and noted.file is not None:
            path = self._folder / noted.file
            if self._fits(path, target) and noted.sha256 in (None, _checksum(path)):
                return path
        for name in reversed(names.get(_without_time(picture_name(target, datetime.min)), [])):
            path = self._folder / name
            if (noted is None or name != noted.file) and self._fits(path, target):
                # The process that made it was killed before it could note it.
                with suppress(ClipDeskError):
                    self._note(target, _record(read_recipe(path), path))
                return path
        return None

    def _noted_of(self, target: Target) -> _Noted | None:
        if target.layer is None or not is_layer_name(target.layer):
            return None
        if target.layer in self._damaged:
            # To read it again for each unit of a large layer would take long.
            raise self._damaged[target.layer]
        if target.layer not in self._noted:
            try:
                writer = self._writer(target.layer)
                self._noted[target.layer] = {} if writer is None else writer.newest(_noted)
            except OtherModelError as error:
                self._leave_alone(target.layer, error)
                self._noted[target.layer] = {}
            except ClipDeskError as error:
                self._damaged[target.layer] = error
                raise
        return self._noted[target.layer].get(target.index)

    def _pictures(self) -> dict[str, list[str]]:
        """Names of the folder's pictures, by their beginning; looked up again when the folder has changed."""
        changed, now = self._folder.stat().st_mtime_ns, time.monotonic()
        if changed != self._seen:
            self._seen, self._seen_at = changed, now
        # A change in the same tick of the file system's clock cannot be told. Whether the tick has passed says this
        # computer's own clock, since that of a share may be behind or ahead.
        if self._listed_at <= self._seen_at + _TICK_SECONDS:
            self._listed_at = now
            listed = {name for name in os.listdir(self._folder) if name.endswith(".png")}
            # Those that are known already are most of a hundred thousand.
            for name in self._listed - listed:
                self._names[_without_time(name)].remove(name)
            for name in listed - self._listed:
                bisect.insort(self._names.setdefault(_without_time(name), []), name)
            self._listed = listed
        return self._names

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
            and recipe.settings == asked
            and recipe.weights == self._job.weights
            # Without a checksum the name is all that is known.
            and (recipe.weights is not None or recipe.model == str(self._job.model))
            and recipe.files == self._job.files_of(target)
            and (self._since is None or recipe.date >= self._since)
        )

    # What is new

    def save(self, result: Result, name: str = "", *, noted: bool = True) -> Saved | Failure:
        """Write a picture, and note it in the metadata of its layer.

        Args:
            result: The picture.
            name: Name of its file, which is written over; by default the target's, with the time, and a number where
                it is taken.
            noted: Whether it is noted in the metadata.

        Returns:
            A `Failure` where it cannot be written or noted; what was written is found by the next try.

        Raises:
            DiskFullError: there is no room for it, nor for any other.
        """
        path = self._folder / (name or picture_name(result.target, datetime.now()))
        try:
            path = write_result(result, path, new=not name)
            return Saved(
                result, path, self._note(result.target, _record(result.recipe, path, result.worker)) if noted else ""
            )
        except DiskFullError:
            raise
        except ClipDeskError as error:
            return Failure(result.target, str(error), result=result)

    def note_failure(self, failure: Failure, settings: RenderSettings) -> None:
        """Note in the metadata of its layer that a unit failed. A full disk may have no room for that; it is logged."""
        record = UnitRecord(status="failed", parameters=settings, reason=failure.reason)
        try:
            self._note(failure.target, record)
        except ClipDeskError as error:
            log.warning("not in the metadata: %s", error)

    def _note(self, target: Target, record: UnitRecord) -> str:
        """Note what became of a target, if it is a unit; why it could not be noted, or nothing."""
        if target.layer is None:
            return ""
        try:
            writer = self._writer(target.layer)
            if writer is not None:
                writer.note(target.index, record)
                return ""
        except OtherModelError as error:
            self._leave_alone(target.layer, error)
        return _OTHER_MODEL

    def _writer(self, layer: str) -> MetadataWriter | None:
        """What notes a layer's units; None where the metadata is of another model's batch."""
        if layer not in self._writers:
            try:
                self._writers[layer] = MetadataWriter(self._folder, layer, self._job.model)
            except OtherModelError as error:
                self._leave_alone(layer, error)
        return self._writers[layer]

    def _leave_alone(self, layer: str, error: OtherModelError) -> None:
        log.info("not in the metadata: %s", error)
        self._writers[layer] = None

    def settle(self) -> None:
        """Bring the metadata files up to date."""
        for writer in filter(None, self._writers.values()):
            try:
                writer.settle()
            except ClipDeskError as error:
                # The journal has it all; whoever opens the metadata next finds it there.
                log.warning("the metadata stays in its journal: %s", error)
        with suppress(ClipDeskError):
            claims_of(self._folder).tidy()


def write_result(result: Result, path: Path, *, new: bool = False) -> Path:
    """Write a picture with its recipe and its curve; RGBA where transparency was asked for.

    Args:
        result: The picture.
        path: Where to; a file of this name is replaced.
        new: Whether to take the next free name instead.

    Raises:
        DiskFullError: there is no room for it.
        ClipDeskError: it cannot be written.
    """
    return save_png(result.pixels, path, result.recipe, result.curve, new=new)


class _Noted(NamedTuple):
    """What is to be known of a unit's newest record, of which a layer may have a hundred thousand.

    Attributes:
        done: Whether it has a whole picture.
        file: Name of its picture.
        sha256: Checksum of that, where it is known.
    """

    done: bool
    file: str | None
    sha256: str | None


def _noted(record: UnitRecord) -> _Noted:
    return _Noted(record.status == "done", record.file, record.sha256)


def _record(recipe: Recipe, path: Path, worker: WorkerRecord | None = None) -> UnitRecord:
    return UnitRecord(
        status="done" if recipe.complete else "interrupted",
        outcome=recipe.outcome,
        parameters=recipe.settings,
        file=path.name,
        sha256=_checksum(path),
        activation=recipe.activation.picture,
        active=recipe.active.get(recipe.target.label),
        seconds=recipe.seconds,
        worker=worker,
    )


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _without_time(name: str) -> str:
    """A picture's name up to the time at its end, or the number after it."""
    return re.sub(r"_[\d-]+\.png$", "", name)
