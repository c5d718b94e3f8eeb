"""What rendering leaves in a folder: pictures with their recipes, and metadata for each layer. Imports no torch."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import numpy as np

from clipdesk.errors import ClipDeskError
from clipdesk.export.files import clear_partials, free_path, make_folder, picture_name
from clipdesk.export.metadata import BatchMetadata, MetadataWriter, OtherModelError, UnitRecord, is_layer_name
from clipdesk.export.png import read_recipe, save_png
from clipdesk.export.recipe import Recipe
from clipdesk.jobs.events import Failure, Result, Saved, Skipped
from clipdesk.jobs.job import Job
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target

log = logging.getLogger(__name__)

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
        self._records: dict[str, dict[int, UnitRecord]] = {}
        self._damaged: dict[str, ClipDeskError] = {}
        self._names: dict[str, list[str]] | None = None

    # What is there

    def find(self, targets: Sequence[Target]) -> list[Skipped | Failure]:
        """The targets that are not to be rendered: their whole picture is there, or their metadata cannot be read.

        A picture that is missing in the metadata is noted. Damaged metadata of a layer fails the units of that layer.
        """
        found: list[Skipped | Failure] = []
        for target in targets:
            try:
                path = self._find(target)
            except ClipDeskError as error:
                found.append(Failure(target, str(error)))
                continue
            if path is not None:
                found.append(Skipped(target, path))
        return found

    def _find(self, target: Target) -> Path | None:
        record = self._record_of(target)
        if record is not None and record.status == "done" and record.file is not None:
            path = self._folder / record.file
            if self._fits(path, target) and record.sha256 in (None, _checksum(path)):
                return path
        for name in reversed(self._pictures().get(_without_time(picture_name(target, datetime.min)), [])):
            path = self._folder / name
            if (record is None or name != record.file) and self._fits(path, target):
                # The process that made it was killed before it could note it.
                with suppress(ClipDeskError):
                    self._note(target, _record(read_recipe(path), path))
                return path
        return None

    def _record_of(self, target: Target) -> UnitRecord | None:
        if target.layer is None or not is_layer_name(target.layer):
            return None
        if target.layer in self._damaged:
            # To read it again for each unit of a large layer would take long.
            raise self._damaged[target.layer]
        if target.layer not in self._records:
            known: dict[int, UnitRecord] = {}
            try:
                known = BatchMetadata.open(self._folder, target.layer, self._job.model).units
            except OtherModelError:
                pass
            except ClipDeskError as error:
                self._damaged[target.layer] = error
                raise
            self._records[target.layer] = known
        return self._records[target.layer].get(target.index)

    def _pictures(self) -> dict[str, list[str]]:
        """Names of the folder's pictures, by their beginning."""
        if self._names is None:
            self._names = {}
            for name in sorted(path.name for path in self._folder.glob("*.png")):
                self._names.setdefault(_without_time(name), []).append(name)
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
        """
        path = self._folder / (name or picture_name(result.target, datetime.now()))
        try:
            path = write_result(result, path if name else free_path(path))
            return Saved(result, path, self._note(result.target, _record(result.recipe, path)) if noted else "")
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
            if target.layer not in self._writers:
                self._writers[target.layer] = MetadataWriter(self._folder, target.layer, self._job.model)
            writer = self._writers[target.layer]
            if writer is not None:
                writer.note(target.index, record)
                return ""
        except OtherModelError as error:
            log.info("not in the metadata: %s", error)
            self._writers[target.layer] = None
        return _OTHER_MODEL

    def settle(self) -> None:
        """Bring the metadata files up to date."""
        for writer in filter(None, self._writers.values()):
            try:
                writer.settle()
            except ClipDeskError as error:
                # The journal has it all; whoever opens the metadata next finds it there.
                log.warning("the metadata stays in its journal: %s", error)


def write_result(result: Result, path: Path) -> Path:
    """Write a picture with its recipe and its curve, over one that is there; RGBA where transparency was asked for.

    Raises:
        ClipDeskError: it cannot be written.
    """
    pixels = result.image if result.alpha is None else np.dstack([result.image, result.alpha])
    save_png(pixels, path, result.recipe, result.curve)
    return path


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


def _without_time(name: str) -> str:
    """A picture's name up to the time at its end, or the number after it."""
    return re.sub(r"_[\d-]+\.png$", "", name)
