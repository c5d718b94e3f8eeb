"""An image set: the pictures that people have, known before they are read, and read one by one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image

from clipdesk.errors import UsageError, one_line, printable
from clipdesk.imagesets.reading import decode_image

MOST_PICTURES = 10_000_000
"""Larger sets are refused: what is known of them would not fit into memory."""
MOST_LEFT_OUT = 100_000
_LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of a picture before it is read. A million of them take some 250 MB, most of it for captions.

    Attributes:
        place: Where it is in its set: relative, with "/" between the parts, and no other picture's.
        label: Its class; empty if it has none.
        caption: Plain text; empty if it has none.
    """

    place: str
    label: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file, row or archive of which no picture of the set is made, and the reason, in one line for the user."""

    place: str
    reason: str


class Omissions:
    """Gathers what is left out; of very many, only the number is kept, since a small hostile table names millions."""

    def __init__(self, first: Iterable[LeftOut] = ()) -> None:
        self._listed = list[LeftOut]()
        self._more = 0
        self.extend(first)

    def append(self, one: LeftOut) -> None:
        """Add one."""
        if len(self._listed) < MOST_LEFT_OUT:
            self._listed.append(one)
        else:
            self._more += 1

    def extend(self, others: Iterable[LeftOut]) -> None:
        """Add some."""
        for one in others:
            self.append(one)

    def listed(self) -> list[LeftOut]:
        """All of them, or the first 100,000 and the number of the others."""
        last = [LeftOut("...", f"{self._more:,} more are left out")] if self._more else []
        return self._listed + last

    def because(self) -> str:
        """The first reason, as the end of a line that says that there is no picture; "" if nothing is left out."""
        return f" ({one_line(self._listed[0].place)}: {self._listed[0].reason})" if self._listed else ""


@dataclass(frozen=True, eq=False)
class ReadPicture:
    """A picture that was read.

    Attributes:
        image: In RGB, upright, on white.
        sha256: SHA-256 of the file's bytes, or of the pixels of a drawn scene.
    """

    image: Image.Image
    sha256: str


class ImageSet(ABC):
    """Pictures that a survey goes through. Any thread may read any of them; nothing is written.

    Args:
        source: What opens the set again: an absolute path, a pattern of paths, or "scenes:5000".
        name: A short name for people.
        pictures: Sorted by place, so that an index means the same picture in every process.
        left_out: What is known at opening not to be readable. Others may fail when they are read.
        fingerprint: A SHA-256 over places, sizes, times of change, labels and captions. No picture is read for it.
    """

    def __init__(
        self, source: str, name: str, pictures: Sequence[Picture], left_out: Sequence[LeftOut], fingerprint: str
    ) -> None:
        self.source = source
        self.name = name
        self.pictures = pictures
        self.left_out = left_out
        self.fingerprint = fingerprint

    @abstractmethod
    def read(self, index: int, side: int = 0) -> ReadPicture:
        """Read a picture of the set.

        Args:
            index: Index in `pictures`.
            side: JPEGs may be decoded smaller, but with no side shorter than this; 0 decodes them in full.

        Raises:
            UsageError: it cannot be read, or has changed since the set was opened.
        """

    @abstractmethod
    def sha256(self, index: int) -> str:
        """As `ReadPicture.sha256`, without decoding the picture.

        Raises:
            UsageError: as `read`, but for pictures that cannot be decoded.
        """


class StoredSet(ImageSet):
    """A set whose pictures are bytes in files."""

    def read(self, index: int, side: int = 0) -> ReadPicture:
        """As `ImageSet.read`."""
        data = self.data(index)
        shown = one_line(self.pictures[index].place, _LONGEST_SHOWN)
        return ReadPicture(decode_image(data, shown, side), hashlib.sha256(data).hexdigest())

    def sha256(self, index: int) -> str:
        """As `ImageSet.sha256`."""
        return hashlib.sha256(self.data(index)).hexdigest()

    @abstractmethod
    def data(self, index: int) -> bytes:
        """The bytes of a picture's file.

        Raises:
            UsageError: as `read`.
        """


def digest_of(pictures: Iterable[Picture], states: Iterable[object]) -> str:
    """A SHA-256 over what is known of pictures, and over one more thing of each or of their archives."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(f"{picture.place}\0{picture.label}\0{picture.caption}\0".encode())
    for state in states:
        digest.update(f"{state}\0".encode())
    return digest.hexdigest()


def check_count(count: int, source: str) -> None:
    """Refuse a set without pictures, or with more than fit into memory.

    Raises:
        UsageError: it has none, or more than 10,000,000.
    """
    if count > MOST_PICTURES:
        raise UsageError(f"{printable(source)} has more than {MOST_PICTURES:,} pictures")
