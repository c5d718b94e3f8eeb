"""Folders of images, with texts beside them."""

from __future__ import annotations

import posixpath
import re
from array import array
from collections.abc import Sequence
from pathlib import Path

from clipdesk.errors import UsageError
from clipdesk.files import read_bytes
from clipdesk.imagesets import fields
from clipdesk.imagesets.sets import LeftOut, Picture, StoredSet, digest_of
from clipdesk.imagesets.walking import FoundFile, Walk

_SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
"""Folders that divide a set and are not classes."""
_SHARD = re.compile(r"\d{5,}")
"""Names of the folders that img2dataset makes."""


class Found:
    """Pictures with the sizes of their files and their times of change in ns, without an object for each number."""

    def __init__(self) -> None:
        self.pictures: list[Picture] = []
        self.sizes = array("q")
        self.modified = array("q")

    def add(self, picture: Picture, file: FoundFile) -> None:
        """Add a picture and its file."""
        self.pictures.append(picture)
        self.sizes.append(file.size)
        self.modified.append(file.modified)

    def sort(self) -> None:
        """Sort all by place."""
        order = sorted(range(len(self.pictures)), key=lambda i: self.pictures[i].place)
        self.pictures = [self.pictures[i] for i in order]
        self.sizes = array("q", (self.sizes[i] for i in order))
        self.modified = array("q", (self.modified[i] for i in order))


class FileSet(StoredSet):
    """Images in files of their own.

    Args:
        root: Folder that places start from.
        source: As in `ImageSet`.
        found: The pictures, in any order.
        left_out: As in `ImageSet`.
        elsewhere: Paths of pictures that are not in the folder, by place.
    """

    def __init__(
        self,
        root: Path,
        source: Path,
        found: Found,
        left_out: Sequence[LeftOut],
        elsewhere: dict[str, Path] | None = None,
    ) -> None:
        found.sort()
        digest = digest_of(found.pictures, zip(found.sizes, found.modified, strict=True))
        super().__init__(str(source), source.name or str(source), found.pictures, left_out, digest)
        self._root = root
        self._elsewhere = elsewhere or {}

    def data(self, index: int) -> bytes:
        """As `StoredSet.data`."""
        place = self.pictures[index].place
        return read_bytes(self._elsewhere.get(place) or self._root / place)


def folder_set(root: Path, walk: Walk, described: dict[str, tuple[str, str]]) -> FileSet:
    """The images of a folder, with what is said of them.

    The label is the first of these that is there: what the table says, the text beside the image, the folder. The
    folder is that of the first level, if all images lie in folders; it is that of the second, if the first divides
    the set into training and test.

    Args:
        root: The folder.
        walk: What it holds.
        described: Label and caption by place, from tables.
    """
    beside = _beside(root, walk)
    level = _class_level([file.place for file in walk.pictures], bool(beside))
    kept: dict[str, str] = {}
    found = Found()
    for file in walk.pictures:
        label, caption = described.get(file.place, ("", ""))
        text = beside.get(posixpath.splitext(file.place)[0], ("", ""))
        label = label or text[0] or (file.place.split("/", level + 1)[level] if level >= 0 else "")
        # One string for each class and not for each picture.
        found.add(Picture(file.place, kept.setdefault(label, label), caption or text[1]), file)
    return FileSet(root, root, found, walk.left_out.listed())


def _class_level(places: list[str], with_texts: bool) -> int:
    """The level of the folders that are classes, from 0; -1 if none is."""
    level, names = 0, _names(places, 0)
    if names and {name.casefold() for name in names} <= _SPLITS:
        level, names = 1, _names(places, 1)
    if not names or (with_texts and all(map(_SHARD.fullmatch, names))):
        return -1
    return level


def _names(places: list[str], level: int) -> set[str]:
    """The names of the folders at a level; empty if a picture lies higher."""
    names = set()
    for place in places:
        parts = place.split("/", level + 1)
        if len(parts) < level + 2:
            return set()
        names.add(parts[level])
    return names


def _beside(root: Path, walk: Walk) -> dict[str, tuple[str, str]]:
    """Label and caption of the texts beside images, by place without suffix; those without an image are left out."""
    keys = {posixpath.splitext(file.place)[0] for file in walk.pictures}
    texts: dict[str, tuple[str, str]] = {}
    lone: list[str] = []
    used: set[tuple[str, str]] = set()
    for place in sorted(walk.others):
        key, suffix = posixpath.splitext(place)
        if suffix.lower() not in fields.TEXTS:
            continue
        if key not in keys:
            lone.append(place)
            continue
        used.add((posixpath.dirname(place), suffix))
        try:
            label, caption = _text_of(root / place, suffix.lower())
        except UsageError as error:
            walk.left_out.append(LeftOut(place, str(error)))
            continue
        known = texts.get(key, ("", ""))
        # ".txt" comes after ".json", and says the same where img2dataset wrote both.
        texts[key] = label or known[0], caption or known[1]
    for place in lone:
        # Where no image has a text of this kind, one is a read-me or the like.
        if (posixpath.dirname(place), posixpath.splitext(place)[1]) in used:
            walk.left_out.append(LeftOut(place, "there is no image of this name beside it"))
    return texts


def _text_of(path: Path, suffix: str) -> tuple[str, str]:
    return fields.from_text(suffix, read_bytes(path, fields.MOST_BYTES))
