"""Tar archives of images as one set. Nothing is unpacked; pictures are read in place."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from clipdesk.errors import UsageError, printable
from clipdesk.imagesets import sets
from clipdesk.imagesets.indices import kept_index, prune
from clipdesk.imagesets.sets import LeftOut, Omissions, Picture, StoredSet, digest_of


class TarSet(StoredSet):
    """Pictures in tar archives, of which nothing is unpacked. A place is that of the archive and the member's name."""

    def __init__(
        self,
        source: str,
        name: str,
        archives: dict[str, Path],
        found: list[tuple[Picture, int, int]],
        left_out: Sequence[LeftOut],
        states: dict[str, tuple[int, int]],
    ) -> None:
        found.sort(key=lambda one: one[0].place)
        pictures = [picture for picture, _, _ in found]
        self._offsets = array("q", (offset for _, offset, _ in found))
        self._sizes = array("q", (size for _, _, size in found))
        super().__init__(source, name, pictures, left_out, digest_of(pictures, [*self._sizes, *sorted(states.items())]))
        self._archives, self._states = archives, states

    def data(self, index: int) -> bytes:
        """As `StoredSet.data`."""
        place = self.pictures[index].place
        name = next(name for name in _heads(place) if name in self._archives)
        path = self._archives[name]
        try:
            # Before it is opened, since opening what is a pipe by now would not end.
            if _state(path.stat()) != self._states[name]:
                raise UsageError(f"{printable(path)} has changed since it was opened. Open it again")
            with path.open("rb") as file:
                file.seek(self._offsets[index])
                return file.read(self._sizes[index])
        except OSError as error:
            raise UsageError(f"Cannot read {printable(path)}: {error.strerror or error}") from None


def open_tars(archives: dict[str, Path], source: str, name: str, left_out: Sequence[LeftOut] = ()) -> TarSet:
    """Open tar archives as one set.

    Args:
        archives: The archives by their places.
        source: As in `ImageSet`.
        name: As in `ImageSet`.
        left_out: What is left out already.

    Raises:
        UsageError: there are no pictures in them, or the only one cannot be read.
    """
    found: list[tuple[Picture, int, int]] = []
    missing = Omissions(left_out)
    states, kept = {}, dict[str, str]()
    for place, path in archives.items():
        try:
            states[place] = _state(path.stat())
            index = kept_index(path, states[place])
        except UsageError as error:
            if len(archives) == 1:
                raise
            missing.append(LeftOut(place, str(error)))
            continue
        except OSError as error:
            missing.append(LeftOut(place, error.strerror or str(error)))
            continue
        missing.extend(LeftOut(f"{place}/{one.place}".rstrip("/"), one.reason) for one in index.left_out)
        for member in index.members:
            picture = Picture(f"{place}/{member.name}", kept.setdefault(member.label, member.label), member.caption)
            found.append((picture, member.offset, member.size))
        sets.check_count(len(found), source)
    prune()
    if not found:
        raise UsageError(f"There are no images in {printable(source)}{missing.because()}")
    return TarSet(source, name, archives, found, missing.listed(), states)


def _heads(place: str) -> Iterator[str]:
    """The places above a place."""
    end = place.find("/")
    while end >= 0:
        yield place[:end]
        end = place.find("/", end + 1)


def _state(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns
