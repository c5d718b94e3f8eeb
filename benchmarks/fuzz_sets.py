"""What `benchmarks.fuzz` changes of image sets: tables, a tar archive and a Parquet file, and how they are read."""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PIL import Image

from clipdesk.errors import ClipDeskError, one_line
from clipdesk.imagesets.opening import open_image_set

Part = tuple[str, bytes]
_BLOCK = 512
_ROWS = [("a.png", "one, two", "cat"), ("in/b.jpg", "three", "3"), ("in/c.png", "", "")]


def set_files() -> Iterator[tuple[str, list[Part], Callable[[list[Part]], bytes], Callable[[Path], object]]]:
    """For each form of an image set: its name, the parts of a valid file, what joins them, and its reader."""
    csv = "filepath\ttitle\tlabel\n" + "".join("\t".join(row) + "\n" for row in _ROWS)
    keys = ("file_name", "text", "label")
    lines = "".join(json.dumps(dict(zip(keys, row, strict=True))) + "\n" for row in _ROWS)
    yield "table", _by_line(csv), _joined, partial(_read, "set.csv")
    yield "json lines", _by_line(lines), _joined, partial(_read, "set.jsonl")
    yield "list", _by_line("".join(f"{row[0]}\n" for row in _ROWS)), _joined, partial(_read, "set.txt")
    yield "tar", list(_members()), _tar, partial(_read, "set.tar")
    if importlib.util.find_spec("pyarrow"):
        yield "parquet", _parquet_parts(), _parquet, partial(_read, "set.parquet")


def _read(name: str, path: Path) -> None:
    """Open a file as an image set beside three images, and read its first pictures; what is left out is refused."""
    folder = path.parent / "set"
    if not folder.exists():
        for place, _, _ in _ROWS:
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_bytes(_image("PNG"))
    found = open_image_set(shutil.copy(path, folder / name))
    for index in range(min(3, len(found.pictures))):
        found.read(index, 4)
    for picture in found.pictures:
        f"{picture.place}{picture.label}{picture.caption}".encode()
    for one in found.left_out:
        one.place.encode()
        if "\n" in one.reason:
            raise AssertionError(f"no clear line: {one.reason!r}")
    if found.left_out:
        raise ClipDeskError(f"{one_line(found.left_out[0].place)}: {found.left_out[0].reason}")


def _image(form: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(data, form)
    return data.getvalue()


def _by_line(text: str) -> list[Part]:
    return [(f"line {i}", line.encode()) for i, line in enumerate(text.splitlines(keepends=True))]


def _members() -> Iterator[Part]:
    """The members of an archive: header and content, each with an extended header before it where its name is long."""
    for name, content in (
        ("a.png", _image("PNG")),
        ("a.txt", b"one"),
        (f"{'x' * 120}ä.jpg", _image("JPEG")),
        ("b.json", b'{"caption": "two"}'),
        ("b.webp", _image("WEBP")),
    ):
        info = tarfile.TarInfo(name)
        info.size = len(content)
        yield name, info.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % _BLOCK)


def _tar(parts: list[Part]) -> bytes:
    """An archive of members, the sum of each first header corrected."""
    whole = b""
    for _, content in parts:
        if len(content) >= _BLOCK:
            header = content[:148] + b" " * 8 + content[156:_BLOCK]
            content = header[:148] + f"{sum(header):06o}\0 ".encode() + header[156:] + content[_BLOCK:]
        whole += content + bytes(-len(content) % _BLOCK)
    return whole + bytes(2 * _BLOCK)


def _parquet_parts() -> list[Part]:
    from pyarrow import Table
    from pyarrow.parquet import write_table

    rows: list[dict[str, object]] = [
        {"image": {"bytes": _image("PNG"), "path": place}, "text": text, "label": i}
        for i, (place, text, _) in enumerate(_ROWS)
    ]
    names = {"info": {"features": {"label": {"names": ["a", "b", "c"]}}}}
    data = io.BytesIO()
    write_table(Table.from_pylist(rows).replace_schema_metadata({"huggingface": json.dumps(names)}), data, 2)
    content = data.getvalue()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    return [("pages", content[:start]), ("footer", content[start:-8])]


def _parquet(parts: list[Part]) -> bytes:
    """A file of pages and a footer, whose length is corrected."""
    footer = b"".join(content for name, content in parts if name == "footer")
    pages = b"".join(content for name, content in parts if name != "footer")
    return pages + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def _joined(parts: list[Part]) -> bytes:
    return b"".join(content for _, content in parts)
