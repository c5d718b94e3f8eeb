"""Make a comparison: the pass of two models, its checkpoints, and the folder that it ends in."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

from clipdesk.activations.checkpoints import Pace
from clipdesk.activations.comparing.checkpoints import remove_checkpoints, resumed, write_checkpoint
from clipdesk.activations.comparing.comparison import Comparison
from clipdesk.activations.comparing.manifests import VERSION, ComparedPair, ComparisonManifest, is_comparison
from clipdesk.activations.comparing.passing import Half, Pass
from clipdesk.activations.comparing.planning import LayerPair, plan
from clipdesk.activations.comparing.results import comparison_of, notes_of
from clipdesk.activations.comparing.storing import FIRST, SECOND, write_comparison
from clipdesk.activations.scan import precision_for
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.storing import (
    PARTIAL,
    LayerFile,
    Manifest,
    alone,
    open_survey,
    set_aside,
    write_survey,
    write_thumbnails,
)
from clipdesk.activations.surveying import SurveyProgress, disk_errors
from clipdesk.errors import UsageError
from clipdesk.filenames import safe_words
from clipdesk.imagesets.sets import ImageSet, LeftOut
from clipdesk.models.names import short_name
from clipdesk.network.opened import OpenModel
from clipdesk.paths import comparisons_folder
from clipdesk.version import __version__


def comparison_folder(
    first: OpenModel, second: OpenModel, images: ImageSet, pairs: Sequence[LayerPair], pooling: Pooling
) -> Path:
    """Where a comparison is kept: named by both weights, set, layers, pooling and version, so never stale."""
    models = [[each.sha256, precision_for(each)] for each in (first, second)]
    layers = [[each.first, each.second, each.same] for each in pairs]
    known = [models, images.source, images.fingerprint, layers, pooling, VERSION]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]
    names = ["model" if each.name is None else short_name(each.name) for each in (first, second)]
    return comparisons_folder() / f"{'-'.join(map(safe_words, [*names, images.name]))}-{digest}"


def compare_images(
    first: OpenModel,
    second: OpenModel,
    images: ImageSet,
    layers: Collection[str] | None = None,
    *,
    pooling: Pooling = "mean",
    match: bool = False,
) -> Generator[SurveyProgress, None, None]:
    """Compare two models, from where an interrupted comparison of the same was; at once where it is there already.

    To pause, stop pulling; to stop, close the generator: what it has found is kept, and gone on from.

    Args:
        first: A model.
        second: Another.
        images: The pictures.
        layers: As in `plan`.
        pooling: How values at positions become one, where a layer has that; else their mean.
        match: As in `plan`.

    Yields:
        How far it is, after every block; the last one names the folder.

    Raises:
        UsageError: there is no such layer; a model has no file whose checksum could name it; not one picture can be
            read.
        ClipDeskError: another process is at it; there is no room on the disk.
    """
    if first.sha256 is None or second.sha256 is None:
        raise UsageError("A comparison that is kept needs models that were opened from files, which name it")
    pairs, total = plan(first, second, layers, match=match), len(images.pictures)
    folder = comparison_folder(first, second, images, pairs, pooling)
    if is_comparison(folder):
        yield SurveyProgress(total, total, 0.0, (), folder)
        return
    partial = folder.with_name(f"{folder.name}{PARTIAL}")
    with alone(folder, "makes this comparison"):
        partial.mkdir(parents=True, exist_ok=True)
        with disk_errors(partial):
            set_aside(folder)
            passing = resumed(partial, lambda: Pass(first, second, pairs, pooling))
            yield from _passed(passing, images, partial)
            _finish(passing, images, pooling, partial)
            partial.replace(folder)
    yield SurveyProgress(total, total, 0.0, [*images.left_out, *passing.left_out], folder)


def _passed(passing: Pass, images: ImageSet, partial: Path) -> Iterator[SurveyProgress]:
    """Read the pictures, while thumbnails and checkpoints are written; the last checkpoint when it is closed early."""
    total, begun, started = len(images.pictures), passing.done, time.monotonic()
    (partial / FIRST).mkdir(exist_ok=True)
    pace = Pace()
    for done in passing.over(images):
        write_thumbnails(partial / FIRST, passing.thumbnails)
        if pace.due:
            with pace.writing():
                write_checkpoint(partial, passing)
        rate = (done - begun) / max(time.monotonic() - started, 1e-6)
        try:
            yield SurveyProgress(done, total, rate, [*images.left_out, *passing.left_out])
        except GeneratorExit:
            write_checkpoint(partial, passing)
            raise


def _finish(passing: Pass, images: ImageSet, pooling: Pooling, partial: Path) -> None:
    """Write what was found: each model's survey, then what they have in common, then the manifest."""
    away = [*images.left_out, *passing.left_out]
    for half, name in zip(passing.halves, (FIRST, SECOND), strict=True):
        _write_half(half, images, away, partial / name)
    first, second = (half.opened for half in passing.halves)
    surveys = open_survey(partial / FIRST), open_survey(partial / SECOND)
    found = comparison_of(passing, surveys, notes_of(first, second), away)
    files = first.file_sha256 or "", second.file_sha256 or ""
    write_comparison(partial, found, _manifest(found, images, pooling, files))
    remove_checkpoints(partial)


def _write_half(half: Half, images: ImageSet, away: Sequence[LeftOut], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    state = half.state

    def describe(files: tuple[LayerFile, ...]) -> Manifest:
        return Manifest(
            model=str(half.opened.name),
            weights=half.opened.sha256 or "",
            source=images.source,
            images=images.name,
            fingerprint=images.fingerprint,
            precision=precision_for(half.opened),
            pictures=len(state.pictures),
            left_out=len(away),
            layers=files,
            clipdesk=__version__,
            date=_now(),
            seconds=0.0,
            file=half.opened.file_sha256 or "",
        )

    layers = map(state.statistics, state.sums)
    write_survey(folder, layers, state.all_embeddings(), state.sampled(), state.surveyed, away, describe)


def _manifest(found: Comparison, images: ImageSet, pooling: Pooling, files: tuple[str, str]) -> ComparisonManifest:
    surveys = found.first, found.second
    return ComparisonManifest(
        models=(surveys[0].model, surveys[1].model),
        weights=(surveys[0].weights, surveys[1].weights),
        source=images.source,
        images=images.name,
        fingerprint=images.fingerprint,
        pooling=pooling,
        pictures=len(found.first.pictures),
        left_out=len(found.left_out),
        pairs=tuple(
            ComparedPair(first=each.pair.first, second=each.pair.second, same=each.pair.same) for each in found.layers
        ),
        rows=found.rows,
        columns=found.columns,
        notes=found.notes,
        clipdesk=__version__,
        date=_now(),
        files=files,
    )


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
