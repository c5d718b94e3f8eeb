"""Opening an image set by what a person names."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from clipdesk.errors import UsageError, printable
from clipdesk.files import is_unicode
from clipdesk.given import checked
from clipdesk.imagesets import fields, tables
from clipdesk.imagesets.drawn import open_scenes
from clipdesk.imagesets.folders import FileSet, Found, folder_set
from clipdesk.imagesets.parquets import open_parquet
from clipdesk.imagesets.sets import ImageSet, LeftOut, Omissions, Picture
from clipdesk.imagesets.shards import open_tars
from clipdesk.imagesets.suffixes import SUFFIXES, is_drawn
from clipdesk.imagesets.walking import Walk, walk

_RIGHT = (
    "an image set is a folder with PNG, JPEG, WebP, BMP or TIFF files, a list of them (.txt, .csv, .tsv, .jsonl), "
    "a .tar or .parquet file with images in it, or scenes:5000"
)
_TAR, _PARQUET = ".tar", ".parquet"
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d{1,9})\.\.(\d{1,9})")
_MOST_ARCHIVES = 100_000


@checked
def open_image_set(source: str | Path) -> ImageSet:
    """Open an image set. No picture is decoded, but all places, labels and captions are read, and sizes and times.

    A folder or a table of a million pictures takes some ten seconds, and 350 MB of memory while it is opened. A text
    beside each of them takes a minute more.

    Args:
        source: A folder, a list or table that names pictures, a tar archive or a pattern of several such as
            ``shard-{000..150}.tar``, a Parquet file that holds pictures, or ``scenes:COUNT``.

    Raises:
        UsageError: it is not there, cannot be read, or holds no pictures.
        ClipDeskError: scenes cannot be drawn for lack of room.
    """
    text = str(source)
    if is_drawn(text):
        return open_scenes(text)
    path = Path(os.path.abspath(Path(source).expanduser()))
    try:
        path.stat()
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) and _BRACES.search(path.name):
            return _open_pattern(path)
        raise UsageError(f"Cannot read {printable(path)}: {getattr(error, 'strerror', None) or error}") from None
    if not is_unicode(str(path)):
        raise UsageError(f"Cannot use {printable(path)}: its name is not valid Unicode; rename it")
    suffix = path.suffix.lower()
    if path.is_dir():
        return _open_folder(path)
    if suffix == _TAR:
        return open_tars({path.name: path}, str(path), path.name)
    if suffix == _PARQUET:
        return open_parquet([path], path.parent, path)
    if suffix in fields.TABLES:
        return _open_table(path)
    raise UsageError(f"{printable(path)} is not an image set: {_RIGHT}")


def _open_folder(path: Path) -> ImageSet:
    found = walk(path)
    archives = {place: path / place for place in sorted(found.others) if place.lower().endswith(_TAR)}
    if found.pictures:
        # Of a folder that holds both, the pictures are the set; it is said that the archives are not.
        found.left_out.extend(LeftOut(place, "images lie beside this; open it by itself") for place in archives)
        return folder_set(path, found, _described(path, found))
    if archives:
        return open_tars(archives, str(path), path.name, found.left_out.listed())
    parquet = [path / place for place in sorted(found.others) if place.lower().endswith(_PARQUET)]
    if parquet:
        return open_parquet(parquet, path, path)
    raise UsageError(f"There are no images in {printable(path)}{found.left_out.because()}: {_RIGHT}")


def _described(root: Path, found: Walk) -> dict[str, tuple[str, str]]:
    """Label and caption of the pictures that the tables among them name; rows without a picture are left out."""
    described: dict[str, tuple[str, str]] = {}
    there = {file.place for file in found.pictures}
    for place in sorted(found.others):
        folder, name = posixpath.split(place)
        if name.lower() not in tables.METADATA:
            continue
        try:
            for named in tables.named_in(root / place, anywhere=False):
                if isinstance(named, LeftOut):
                    found.left_out.append(LeftOut(posixpath.join(folder, named.place), named.reason))
                elif (picture := posixpath.join(folder, named.place)) in there:
                    described.setdefault(picture, (named.row.label, named.row.caption))
                else:
                    found.left_out.append(LeftOut(picture, f"{place} names it, but it is not there"))
        except UsageError as error:
            found.left_out.append(LeftOut(place, str(error)))
    return described


def _open_table(path: Path) -> ImageSet:
    found = Found()
    left_out = Omissions()
    elsewhere: dict[str, Path] = {}
    kept: dict[str, str] = {}
    folder = str(path.parent)
    for named in tables.named_in(path, anywhere=True):
        if isinstance(named, LeftOut):
            left_out.append(named)
            continue
        place, label = named.place, named.row.label
        file = tables.state_of(named.elsewhere or f"{folder}/{place}", place)
        if isinstance(file, LeftOut):
            left_out.append(file)
        elif posixpath.splitext(place)[1].lower() not in SUFFIXES:
            left_out.append(LeftOut(place, "it is not a PNG, JPEG, WebP, BMP or TIFF file"))
        else:
            found.add(Picture(place, kept.setdefault(label, label), named.row.caption), file)
            if named.elsewhere:
                elsewhere[place] = named.elsewhere
    if not found.pictures:
        raise UsageError(f"{printable(path)} names no images that are there{left_out.because()}")
    return FileSet(path.parent, path, found, left_out.listed(), elsewhere)


def _open_pattern(path: Path) -> ImageSet:
    """Open the archives that a name in braces stands for; those that are not there are left out."""
    names = list(islice(expanded(path.name), _MOST_ARCHIVES + 1))
    if len(names) > _MOST_ARCHIVES:
        raise UsageError(f"{printable(path)} stands for more than {_MOST_ARCHIVES:,} archives")
    if not all(name.lower().endswith(_TAR) for name in names):
        raise UsageError(f"{printable(path)} is not there; a pattern in braces has to end in .tar")
    archives = {name: path.parent / name for name in dict.fromkeys(names)}
    there = {name: archive for name, archive in archives.items() if archive.exists()}
    if not there:
        raise UsageError(f"None of the {len(archives):,} archives of {printable(path)} is there")
    missing = [LeftOut(name, "it is not there") for name in archives if name not in there]
    return open_tars(there, str(path), path.name, missing)


def expanded(pattern: str) -> Iterator[str]:
    """The names that a pattern with braces stands for: ``{000..150}`` counts, ``{a,b}`` lists, as in a shell."""
    braces = _BRACES.search(pattern)
    if braces is None:
        yield pattern
        return
    counted = _RANGE.fullmatch(braces[1])
    inner: Iterator[str]
    if counted:
        width = len(counted[1]) if counted[1].startswith("0") else 0
        inner = (str(number).zfill(width) for number in range(int(counted[1]), int(counted[2]) + 1))
    else:
        inner = iter(braces[1].split(","))
    for part in inner:
        for rest in expanded(pattern[braces.end() :]):
            yield pattern[: braces.start()] + part + rest
