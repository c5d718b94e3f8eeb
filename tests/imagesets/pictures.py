"""Small images for the tests of image sets."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

with_links = pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes, and rarely lets one link")
any_names = pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows any bytes in names")


def encoded(color: str = "red", form: str = "PNG", side: int = 8) -> bytes:
    """The bytes of a small image of one colour."""
    data = io.BytesIO()
    Image.new("RGB", (side, side), color).save(data, format=form)
    return data.getvalue()


def put(path: Path, content: bytes | str | None = None) -> Path:
    """Write a file, by default a small image, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = encoded() if content is None else content
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
