"""By what the files of a model are known to be unchanged, without reading them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from clipdesk.errors import UsageError
from clipdesk.models.places import find_place


class FileState(NamedTuple):
    """By what a file is known to be unchanged without reading it."""

    size: int
    modified: int
    changed: int
    number: int


def state_of(path: Path) -> tuple[FileState, ...]:
    """The states of the files of a model: its weights, and what stands beside them and says its form."""
    return states_of(find_place(path).files)


def states_of(files: Sequence[Path]) -> tuple[FileState, ...]:
    """The states of some files.

    Raises:
        UsageError: one cannot be asked.
    """
    try:
        found = [file.stat() for file in files]
    except OSError as error:
        raise UsageError(f"Could not read {error.filename}: {error.strerror or error}") from error
    return tuple(FileState(each.st_size, each.st_mtime_ns, each.st_ctime_ns, each.st_ino) for each in found)
