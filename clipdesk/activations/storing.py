"""Surveys as folders: plain files that can be read without ClipDesk, and a manifest that is written last.

docs/surveys.md says what is in them.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.numpy import save_file

from clipdesk.activations.mapped import map_file
from clipdesk.activations.statistics import Embeddings, Extremes, Histogram, Key, Pooling, Surveyed, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.files import check_readable, read_bytes
from clipdesk.given import checked
from clipdesk.imagesets.sets import LeftOut
from clipdesk.models.names import says_more
from clipdesk.paths import surveys_folder

if TYPE_CHECKING:
    # Only for what is written: surveys are read without torch.
    from clipdesk.activations.decoding import Thumbnail

log = logging.getLogger(__name__)

VERSION = 1
"""Of the form of these folders and of the numbers in them."""

MANIFEST, PICTURES, LEFT_OUT = "manifest.json", "pictures.jsonl", "left_out.jsonl"
PARTIAL, DAMAGED = ".partial", ".damaged"
"""What the names of surveys end in that are not finished, and of those that were in the way of a new one."""
EMBEDDINGS, THUMBNAILS = "embeddings.safetensors", "thumbnails.sqlite"
_LARGEST = 2**40
_FAULTS = (OSError, UsageError, KeyError, TypeError, ValueError, RecursionError)
"""What reading a survey's files may raise where they were damaged or changed."""
_OPEN_LAYERS = 400
"""Layers that are kept in memory of a survey that is open."""


class LayerFile(BaseModel):
    """Where a layer's numbers are."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    layer: str
    pooling: Pooling
    units: int
    file: Annotated[str, Field(pattern=r"^[\w-]+\.safetensors$")]


class Manifest(BaseModel):
    """What a survey is of.

    Attributes:
        version: Of the form of the folder.
        model: What the model was asked for by.
        weights: Its identity, `OpenModel.sha256`.
        file: Checksum of its files alone, `OpenModel.file_sha256`; empty in surveys from before identities said how a
            file was read.
        source: What opens the image set again.
        images: Its short name.
        fingerprint: The set's, when it was opened.
        precision: What was computed in.
        pictures: How many were read.
        left_out: How many could not be read.
        layers: The layers, each pooled in one way.
        clipdesk: Version of ClipDesk.
        date: When it was finished, in ISO 8601.
        seconds: How long it took.
        changed: Whether the set had changed by then.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: str = "clipdesk-survey"
    version: int = VERSION
    model: str
    weights: str
    source: str
    images: str
    fingerprint: str
    precision: str
    pictures: int
    left_out: int
    layers: tuple[LayerFile, ...]
    clipdesk: str
    date: str
    seconds: float
    changed: bool = False
    file: str = ""


def write_survey(
    folder: Path,
    layers: Iterable[UnitStatistics],
    embeddings: Embeddings,
    sample: NDArray[np.int32],
    pictures: Iterable[Surveyed],
    left_out: Iterable[LeftOut],
    describe: Callable[[tuple[LayerFile, ...]], Manifest],
) -> None:
    """Write what a pass has found into a folder, the manifest last.

    Args:
        folder: Where; its thumbnails are there already.
        layers: The statistics; they are taken one by one, so not all need to be in memory.
        embeddings: Those of the pictures.
        sample: As `Survey.sample`.
        pictures: As `Survey.pictures`.
        left_out: Pictures that could not be read.
        describe: Makes the manifest, from the files of the layers.
    """
    files = []
    for number, found in enumerate(layers):
        name = f"{number:03}-{_file_name((found.layer, found.pooling))}.safetensors"
        save_file(_arrays(found), folder / name)
        files.append(LayerFile(layer=found.layer, pooling=found.pooling, units=found.units, file=name))
    arrays: dict[str, NDArray[Any]] = {name: getattr(embeddings, name) for name in ("rows", "mean", "scatter")}
    save_file({**arrays, "sample": sample}, folder / EMBEDDINGS)
    _write_lines(folder / PICTURES, (_fields(picture) for picture in pictures))
    _write_lines(folder / LEFT_OUT, ({"place": each.place, "reason": each.reason} for each in left_out))
    write_text(folder / MANIFEST, describe(tuple(files)).model_dump_json(indent=1))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a survey.

    Raises:
        UsageError: there is no finished survey, or it is of another version of ClipDesk.
    """
    try:
        if not os.path.lexists(folder / MANIFEST):
            raise UsageError(f"{folder} is not a finished survey: it has no {MANIFEST}")
        manifest = Manifest.model_validate_json(_read(folder / MANIFEST))
    except (OSError, ValidationError, ValueError) as error:
        raise UsageError(f"The survey in {folder} cannot be read: its {MANIFEST} is damaged") from error
    # Its weights were noted as those of the model without what its name says.
    unsaid = not manifest.file and says_more(manifest.model)
    if manifest.format != "clipdesk-survey" or manifest.version != VERSION or unsaid:
        raise UsageError(f"The survey in {folder} is of another version. Make it anew with: clipdesk survey")
    return manifest


@checked
def open_survey(folder: str | Path) -> Survey:
    """Open a finished survey; its layers are read when they are asked for.

    Raises:
        UsageError: as `read_manifest`, or a file of it is damaged.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    try:
        arrays = map_file(folder / EMBEDDINGS)
        pictures = [Surveyed(**each) for each in _read_lines(folder / PICTURES)]
        embeddings = Embeddings(arrays["rows"], arrays["mean"], arrays["scatter"])
        sample = arrays["sample"]
    except _FAULTS as error:
        raise _damaged(folder) from error
    if not len(pictures) == len(embeddings.rows) == manifest.pictures:
        raise _damaged(folder)
    return Survey(
        model=manifest.model,
        weights=manifest.weights,
        source=manifest.source,
        pictures=pictures,
        embeddings=embeddings,
        sample=sample,
        statistics=_Layers(folder, manifest),
    )


def left_out_of(folder: Path) -> list[LeftOut]:
    """The pictures that a survey could not read, with the reasons."""
    try:
        return [LeftOut(each["place"], each["reason"]) for each in _read_lines(folder / LEFT_OUT)]
    except _FAULTS as error:
        raise _damaged(folder) from error


def read_thumbnail(folder: Path, place: str) -> bytes | None:
    """The thumbnail of the picture at a place, as WebP; None where there is none."""
    try:
        check_readable(folder / THUMBNAILS, _LARGEST)
        with closing(sqlite3.connect(f"{(folder / THUMBNAILS).as_uri()}?mode=ro", uri=True)) as store:
            row = store.execute("SELECT webp FROM thumbnails WHERE place = ?", (place,)).fetchone()
    except (sqlite3.Error, UnicodeError, UsageError):
        return None
    return None if row is None else bytes(row[0])


def write_thumbnails(folder: Path, thumbnails: Iterable[Thumbnail]) -> None:
    """Keep thumbnails by place, which means the same whether or not the survey is finished."""
    with closing(sqlite3.connect(folder / THUMBNAILS)) as store, store:
        store.execute("CREATE TABLE IF NOT EXISTS thumbnails (place TEXT PRIMARY KEY, webp BLOB NOT NULL)")
        store.executemany("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", thumbnails)


def all_surveys(folder: Path | None = None) -> Iterator[tuple[Path, Manifest]]:
    """The finished surveys in a folder, newest first; by default those that ClipDesk keeps."""
    folder = folder or surveys_folder()
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            found.append((path, read_manifest(path)))
        except UsageError:
            continue
    yield from sorted(found, key=lambda each: each[1].date, reverse=True)


def damaged_surveys(folder: Path | None = None) -> list[Path]:
    """The folders whose survey cannot be read, or is of another version; by default where ClipDesk keeps surveys."""
    folder = folder or surveys_folder()
    paths = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [path for path in paths if not path.name.endswith(PARTIAL) and not is_survey(path)]


def is_survey(folder: Path) -> bool:
    """Whether a folder holds a finished survey that can be read, as far as its manifest says."""
    try:
        read_manifest(folder)
    except UsageError:
        return False
    return True


def set_aside(folder: Path) -> None:
    """Keep what stands where something is to be written, under another name.

    Raises:
        OSError: it cannot be renamed.
    """
    if not os.path.lexists(folder):
        return
    names = (f"{folder.name}{DAMAGED}{number}" for number in ("", *range(2, 1000)))
    kept = next(path for name in names if not os.path.lexists(path := folder.with_name(name)))
    folder.rename(kept)
    log.warning("what is in %s cannot be read; it is kept as %s", folder, kept.name)


def unfinished_surveys(folder: Path | None = None) -> list[Path]:
    """The folders of surveys that were interrupted, or are being made; by default those that ClipDesk keeps."""
    folder = folder or surveys_folder()
    return sorted(path for path in folder.glob(f"*{PARTIAL}") if path.is_dir())


def delete_survey(folder: Path) -> None:
    """Delete a survey, finished or not.

    Raises:
        ClipDeskError: it cannot be deleted, or a process is making it.
    """
    try:
        with alone(folder.with_name(folder.name.removesuffix(PARTIAL))):
            # Without its manifest it is none, however far this comes.
            if not (folder / MANIFEST).is_dir():
                (folder / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder)
    except OSError as error:
        raise ClipDeskError(f"Cannot delete {folder}: {error.strerror or error}") from error


@contextmanager
def alone(folder: Path, doing: str = "makes this survey") -> Iterator[None]:
    """In the block, no other process makes or deletes what is in a folder.

    Args:
        folder: It; it need not be there.
        doing: What another process is said to do.

    Raises:
        ClipDeskError: another one does.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f"{folder.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ClipDeskError(f"Another process {doing} at the moment") from None
    try:
        yield
    finally:
        lock.release()


class _Layers(Mapping[Key, UnitStatistics]):
    """The layers of a survey on the disk, read when they are asked for."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder, self._count = folder, manifest.pictures
        self._files = {(each.layer, each.pooling): each for each in manifest.layers}
        self._read = lru_cache(_OPEN_LAYERS)(self._read_file)

    def __getitem__(self, key: Key) -> UnitStatistics:
        return self._read(self._files[key])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def _read_file(self, file: LayerFile) -> UnitStatistics:
        try:
            return _statistics(file, self._count, map_file(self._folder / file.file))
        except _FAULTS as error:
            raise _damaged(self._folder) from error


def _arrays(found: UnitStatistics) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        name: getattr(found, name) for name in ("means", "squares", "least", "most", "fired", "cross", "sample")
    }
    for end, extremes in (("top", found.top), ("bottom", found.bottom)):
        arrays |= {f"{end}.{name}": getattr(extremes, name) for name in ("values", "pictures", "positions")}
    arrays |= {f"histogram.{name}": getattr(found.histogram, name) for name in ("exponents", "starts", "counts")}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _statistics(file: LayerFile, count: int, arrays: Mapping[str, NDArray[Any]]) -> UnitStatistics:
    top, bottom = (
        Extremes(arrays[f"{end}.values"], arrays[f"{end}.pictures"], arrays[f"{end}.positions"])
        for end in ("top", "bottom")
    )
    return UnitStatistics(
        layer=file.layer,
        pooling=file.pooling,
        count=count,
        means=arrays["means"],
        squares=arrays["squares"],
        least=arrays["least"],
        most=arrays["most"],
        fired=arrays["fired"],
        cross=arrays["cross"],
        top=top,
        bottom=bottom,
        histogram=Histogram(arrays["histogram.exponents"], arrays["histogram.starts"], arrays["histogram.counts"]),
        sample=arrays["sample"],
    )


def _file_name(key: Key) -> str:
    return f"{key[0].replace('.', '-')[-80:]}-{key[1]}"


def _fields(picture: Surveyed) -> dict[str, str]:
    return {"id": picture.id, "place": picture.place, "label": picture.label, "caption": picture.caption}


def _write_lines(path: Path, rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _read(path: Path) -> bytes:
    """A small file of a survey.

    Raises:
        OSError: it cannot be read, or is not a regular file.
    """
    try:
        return read_bytes(path)
    except UsageError as error:
        raise OSError(str(error)) from error


def _read_lines(path: Path) -> Iterator[dict[str, str]]:
    check_readable(path, _LARGEST)
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def write_text(path: Path, text: str) -> None:
    """Write a file under another name, and rename it into its place."""
    whole = path.with_name(f"{path.name}.partial")
    whole.write_text(text, encoding="utf-8")
    whole.replace(path)


def _damaged(folder: Path) -> UsageError:
    return UsageError(f"The survey in {folder} is damaged. Delete it, and make it anew with: clipdesk survey")
