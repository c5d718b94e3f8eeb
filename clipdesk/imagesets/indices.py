"""Indices of tar archives, kept in the user's cache folder, so that a large archive is gone through only once."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from clipdesk.imagesets.sets import LeftOut
from clipdesk.imagesets.tars import Index, Member, index_of
from clipdesk.paths import cache_folder

_FORM = 1
"""To be raised when an index says other things, so that those that were kept are not used."""
_FEWEST = 500
"""An archive of fewer pictures is gone through within milliseconds."""
_MOST_BYTES = 1_000_000_000


def kept_index(path: Path, state: tuple[int, int]) -> Index:
    """The index of an archive, as `index_of`; the kept one, if the archive has not changed since.

    Args:
        path: The archive.
        state: Its size and its time of change in ns.

    Raises:
        UsageError: as `index_of`.
    """
    name = hashlib.sha256(f"{path}\0{state}".encode()).hexdigest()[:32]
    kept = _folder() / f"{name}.json"
    index = _read(kept, state[0])
    if index is None:
        index = index_of(path)
        if len(index.members) >= _FEWEST:
            with suppress(OSError):
                _write(kept, index)
    return index


def prune() -> None:
    """Remove the oldest indices, so that at most 1 GB of them is kept."""
    with suppress(OSError):
        found = sorted((file.stat().st_mtime_ns, file.stat().st_size, file.path) for file in os.scandir(_folder()))
        total = sum(size for _, size, _ in found)
        for _, size, path in found:
            if total <= _MOST_BYTES:
                break
            os.unlink(path)
            total -= size


def _folder() -> Path:
    return cache_folder() / f"archives-{_FORM}"


def _read(kept: Path, size: int) -> Index | None:
    try:
        members, left_out = json.loads(kept.read_bytes())
        index = Index([Member(*one) for one in members], [LeftOut(*one) for one in left_out])
        sound = all(0 <= one.offset <= one.offset + one.size <= size for one in index.members)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return index if sound else None


def _write(kept: Path, index: Index) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([index.members, [(one.place, one.reason) for one in index.left_out]])
    with tempfile.NamedTemporaryFile("w", dir=kept.parent, suffix=".part", encoding="utf-8", delete=False) as file:
        file.write(text)
    os.replace(file.name, kept)
