"""Small tar archives for the tests of image sets."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from tests.imagesets.pictures import encoded


def member(name: str, content: bytes | str | None = None) -> tuple[tarfile.TarInfo, bytes]:
    """A file in an archive, by default a small image."""
    data = encoded() if content is None else content.encode() if isinstance(content, str) else content
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info, data


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    """Write a tar archive, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:", format=form) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return path
