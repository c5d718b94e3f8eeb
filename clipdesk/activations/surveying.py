"""Make a survey: the pass, its checkpoints, and the folder that it ends in."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

import psutil
from safetensors import SafetensorError

from clipdesk.activations.checkpoints import Pace, read_checkpoint, remove_checkpoint, write_checkpoint
from clipdesk.activations.extending import Search, earlier_survey
from clipdesk.activations.layers import usual_layers
from clipdesk.activations.pooling import poolings_of
from clipdesk.activations.scan import BLOCK, Scanned, ScanState, new_state, precision_for, scan
from clipdesk.activations.shards import remove_shards
from clipdesk.activations.storing import (
    PARTIAL,
    THUMBNAILS,
    VERSION,
    LayerFile,
    Manifest,
    alone,
    is_survey,
    set_aside,
    write_survey,
    write_thumbnails,
)
from clipdesk.activations.sums import bytes_of
from clipdesk.errors import ClipDeskError, UsageError, first_line
from clipdesk.filenames import safe_words
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.sets import ImageSet, LeftOut
from clipdesk.models.names import short_name
from clipdesk.network.inspector import ROOT
from clipdesk.network.opened import OpenModel
from clipdesk.paths import surveys_folder
from clipdesk.version import __version__

_THUMBNAIL_BYTES = 12_000
_SPARE_BYTES = 500 * 2**20
"""Memory for what a pass needs besides its sums: pictures and the values of a forward pass."""


@dataclass(frozen=True)
class SurveyProgress:
    """How far a survey is.

    Attributes:
        done: Pictures that have been read or left out.
        total: Pictures in the set.
        rate: Pictures a second, over this process's part of the pass; 0 before the first.
        left_out: Pictures that could not be read, so far; one list, which grows from step to step.
        folder: Where the survey is, once it is finished.
        remark: A line for the user: what an earlier survey of the same pictures is worth to this one. Empty if there is
            none, and but for the first step.
    """

    done: int
    total: int
    rate: float
    left_out: Sequence[LeftOut]
    folder: Path | None = None
    remark: str = ""

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it is finished; None where that is not known yet."""
        return (self.total - self.done) / self.rate if self.rate else None


class Divided(Protocol):
    """Reads an image set with the help of others."""

    def __call__(
        self, opened: OpenModel, images: ImageSet, layers: Sequence[str], state: ScanState, folder: Path
    ) -> Iterator[Scanned]:
        """Read what a pass does not know yet, as `scan` does.

        Args:
            opened: The model.
            images: The pictures.
            layers: Names of layers.
            state: What is known already; it is gone on with.
            folder: Where shards are kept, so that a pass which was interrupted goes on with them.
        """


def survey_folder(opened: OpenModel, images: ImageSet, layers: Collection[str] | None = None) -> Path:
    """Where the survey of a model over a set is kept: named by weights, set, layers and version, so never stale."""
    precision = precision_for(opened)
    known = [opened.sha256, images.source, images.fingerprint, list(_layers(opened, layers)), precision, VERSION]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]
    model = "model" if opened.name is None else short_name(opened.name)
    return surveys_folder() / f"{safe_words(model)}-{safe_words(images.name)}-{digest}"


def survey_images(
    opened: OpenModel,
    images: ImageSet,
    layers: Collection[str] | None = None,
    *,
    block: int = BLOCK,
    divided: Divided | None = None,
) -> Generator[SurveyProgress, None, None]:
    """Survey an image set, from where an interrupted survey of the same was; at once where it is there already.

    Pictures that a finished survey has read are not read again, if all of its pictures are in the set, unchanged. To
    pause, stop pulling; to stop, close the generator: what it has found is kept, and gone on from.

    Args:
        opened: The model.
        images: The pictures.
        layers: Which layers; by default those that `usual_layers` names.
        block: Pictures that are summed up at once.
        divided: Reads the pictures; by default this process does.

    Yields:
        How far it is, after every block; the last one names the folder.

    Raises:
        UsageError: there is no such layer; the model has no file whose checksum could name its survey; not one picture
            can be read.
        ClipDeskError: another process is at it; there is too little memory or room on the disk.
    """
    if opened.sha256 is None:
        raise UsageError("A survey needs a model that was opened from a file: its checksum names the survey")
    chosen = _layers(opened, layers)
    folder = survey_folder(opened, images, layers)
    if is_survey(folder):
        total = len(images.pictures)
        yield SurveyProgress(total, total, 0.0, (), folder)
        return
    partial = folder.with_name(f"{folder.name}{PARTIAL}")
    with alone(folder):
        _check_room(opened, images, chosen)
        partial.mkdir(parents=True, exist_ok=True)
        state, total, away = new_state(opened, chosen), len(images.pictures), list(images.left_out)
        started, rate = time.monotonic(), 0.0
        with disk_errors(partial):
            set_aside(folder)
            if not read_checkpoint(partial, state):
                yield from _go_on_from_earlier(opened, images, state, partial)
            begun: int | None = None
            if divided is None:
                passes: Iterator[Scanned] = scan(opened, images, chosen, state=state, block=block)
            else:
                passes = divided(opened, images, chosen, state, partial)
            for scanned in _kept(passes, partial):
                begun = scanned.done - len(scanned.thumbnails) if begun is None else begun
                rate = (scanned.done - begun) / max(time.monotonic() - started, 1e-6)
                away += state.left_out[len(away) - len(images.left_out) :]
                yield SurveyProgress(scanned.done, total, rate, away)
            state.check_read(images.name)
            state.left_out = away = [*images.left_out, *state.left_out]
            seconds = time.monotonic() - started
            write_survey(
                partial,
                map(state.statistics, state.sums),
                state.all_embeddings(),
                state.sampled(),
                state.surveyed,
                state.left_out,
                lambda files: _manifest(opened, images, state, files, seconds),
            )
            remove_checkpoint(partial)
            remove_shards(partial)
            partial.replace(folder)
    yield SurveyProgress(total, total, rate, away, folder)


def _go_on_from_earlier(
    opened: OpenModel, images: ImageSet, state: ScanState, partial: Path
) -> Iterator[SurveyProgress]:
    """Let a pass go on from a finished survey of a part of the set, if there is one, and say so."""
    total = len(images.pictures)
    search = earlier_survey(images, opened.sha256 or "", precision_for(opened), state.sums)
    while True:
        try:
            next(search)
        except StopIteration as end:
            result: Search = end.value
            break
        yield SurveyProgress(0, total, 0.0, images.left_out)
    if result.found is not None:
        earlier = result.found
        state.take_up(earlier.survey, earlier.indices)
        # A survey that someone was given may have none.
        with suppress(FileNotFoundError):
            shutil.copyfile(earlier.folder / THUMBNAILS, partial / THUMBNAILS)
        remark = f"{state.settled:,} of {total:,} pictures are known already, from {earlier.folder.name}"
        yield SurveyProgress(state.settled, total, 0.0, images.left_out, remark=remark)
    elif result.changed:
        remark = "Pictures of an earlier survey have changed or are gone, so all are read anew"
        yield SurveyProgress(0, total, 0.0, images.left_out, remark=remark)


def _layers(opened: OpenModel, layers: Collection[str] | None) -> list[str]:
    if layers is None:
        return usual_layers(opened.inspector)
    return [opened.inspector.visualizable(layer).name for layer in dict.fromkeys(layers)]


def _kept(passes: Iterator[Scanned], folder: Path) -> Iterator[Scanned]:
    """The same, while thumbnails and checkpoints are written; the last checkpoint when it is closed before its end.

    An error or a Ctrl-C within the pass may have come while something was added up: then the checkpoint before counts.
    """
    pace = Pace()
    for scanned in passes:
        write_thumbnails(folder, scanned.thumbnails)
        fresh = pace.due
        if fresh:
            with pace.writing():
                write_checkpoint(folder, scanned.state)
            # Those that are in the checkpoint now.
            remove_shards(folder, scanned.state.done)
        try:
            yield scanned
        except GeneratorExit:
            if not fresh:
                write_checkpoint(folder, scanned.state)
            raise


def _manifest(
    opened: OpenModel, images: ImageSet, state: ScanState, files: tuple[LayerFile, ...], seconds: float
) -> Manifest:
    return Manifest(
        model=str(opened.name),
        weights=opened.sha256 or "",
        source=images.source,
        images=images.name,
        fingerprint=images.fingerprint,
        precision=precision_for(opened),
        pictures=len(state.pictures),
        left_out=len(state.left_out),
        layers=files,
        clipdesk=__version__,
        date=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        seconds=round(seconds, 3),
        changed=has_changed(images),
        file=opened.file_sha256 or "",
    )


def has_changed(images: ImageSet) -> bool:
    """Whether a set is another than when it was opened, or is gone."""
    try:
        return open_image_set(images.source).fingerprint != images.fingerprint
    except ClipDeskError:
        return True


def check_memory(opened: OpenModel, layers: Sequence[str]) -> int:
    """Check that a pass' sums fit into memory, before anything is done; how many bytes they take.

    Args:
        opened: The model.
        layers: Names of layers.

    Raises:
        ClipDeskError: they do not.
    """
    width = opened.inspector.get_layer_info(ROOT).units
    infos = [opened.inspector.visualizable(layer) for layer in layers]
    units = sum(info.units * len(poolings_of(info)) for info in infos)
    size = bytes_of(units, width)
    needed, free = size + 4 * units * BLOCK, psutil.virtual_memory().available
    if needed + _SPARE_BYTES > free:
        raise ClipDeskError(
            f"A survey of these {len(layers)} layers needs {needed / 2**30:.1f} GB of memory, and "
            f"{free / 2**30:.1f} GB are free. Name fewer layers with --layers"
        )
    return size


def _check_room(opened: OpenModel, images: ImageSet, layers: Sequence[str]) -> None:
    """Check that the sums fit into memory and the survey onto the disk, before anything is done."""
    size, width = check_memory(opened, layers), opened.inspector.get_layer_info(ROOT).units
    folder = surveys_folder()
    folder.mkdir(parents=True, exist_ok=True)
    # The checkpoint is there beside the survey while it is written.
    on_disk = 2 * size + len(images.pictures) * (_THUMBNAIL_BYTES + 2 * width)
    room = shutil.disk_usage(folder).free
    if on_disk > room:
        raise ClipDeskError(
            f"A survey of {len(images.pictures):,} pictures needs {on_disk / 1e6:,.0f} MB on the disk of {folder}, "
            f"and {room / 1e6:,.0f} MB are free"
        )


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """In the block, what a disk refuses is an error that says so.

    Raises:
        ClipDeskError: a file cannot be written.
    """
    try:
        yield
    except (OSError, sqlite3.Error, SafetensorError) as error:
        # Each of the libraries that write the files says in its own way that the disk is full.
        reason = (error.strerror if isinstance(error, OSError) else None) or first_line(error)
        raise ClipDeskError(
            f"Cannot write to {folder}: {reason}. The same command goes on when that is mended"
        ) from error
