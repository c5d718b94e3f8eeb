"""Parquet files: tables that name pictures, and tables that hold them. pyarrow is imported when one is opened."""

from __future__ import annotations

import bisect
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clipdesk.errors import UsageError, first_line, one_line, printable
from clipdesk.files import check_readable
from clipdesk.imagesets import fields, sets
from clipdesk.imagesets.sets import LeftOut, Omissions, Picture, StoredSet, digest_of

if TYPE_CHECKING:
    from pyarrow import Array, DataType
    from pyarrow.parquet import ParquetFile

_MOST_BYTES = 1_000_000_000_000
_MOST_GROUP_BYTES = 2_000_000_000
"""Rows are read in groups; two groups are kept."""
_GROUPS_KEPT = 2
_BATCH = 10_000
_IMAGES = ("image", "img", "picture", "jpg", "jpeg", "png", "webp")
"""Usual names of the column of images, best first; otherwise the first one of their type counts."""


def parquet_rows(table: Path) -> Iterator[tuple[str, str, str]]:
    """The path, the label and the caption of each row of a table that names pictures.

    Raises:
        UsageError: it cannot be read, pyarrow is missing, or it has no column of paths.
    """
    file = _opened(table)
    names = [name for name in file.schema_arrow.names if not _holds_images(file, name)]
    path = fields.column(names, fields.PLACES)
    if path is None:
        raise UsageError(f"{printable(table)} does not say where the pictures are: name a column file_name")
    yield from _texts(file, table, path)


def _texts(file: ParquetFile, table: Path, path: str | None) -> Iterator[tuple[str, str, str]]:
    """The path (empty without a column of that name), the label and the caption of each row."""
    names = [name for name in file.schema_arrow.names if not _holds_images(file, name)]
    columns = [path, fields.column(names, fields.LABELS), fields.column(names, fields.CAPTIONS)]
    classes = _classes(file, columns[1])
    wanted = list(dict.fromkeys(name for name in columns if name is not None))
    if not wanted:
        yield from (("", "", "") for _ in range(file.metadata.num_rows))
        return
    try:
        for batch in file.iter_batches(_BATCH, columns=wanted, use_threads=False):
            values = [batch.column(name).to_pylist() if name else [None] * batch.num_rows for name in columns]
            for named, label, caption in zip(*values, strict=True):
                if isinstance(label, int) and 0 <= label < len(classes):
                    label = classes[label]
                named = named.strip() if isinstance(named, str) else ""
                yield named, fields.as_label(label), fields.as_caption(caption)
    except Exception as error:
        # pyarrow fails in as many ways as there are files.
        raise _damaged(table, error) from None


def open_parquet(files: Sequence[Path], root: Path, source: Path) -> ParquetSet:
    """Open Parquet files that hold pictures, as Hugging Face writes them. Only texts are read; pictures are not.

    Args:
        files: The files; those that hold no pictures are left out.
        root: Folder that places start from.
        source: As in `ImageSet`.

    Raises:
        UsageError: none of them holds pictures, or one cannot be read and is the only one.
    """
    shards: dict[str, _Shard] = {}
    found: list[Picture] = []
    left_out = Omissions()
    kept: dict[str, str] = {}
    states = []
    for path in files:
        name = path.relative_to(root).as_posix()
        try:
            shard = _Shard(path)
            width = len(str(max(0, shard.rows - 1)))
            large = shard.large_groups
            left_out.extend(
                LeftOut(f"{name}, rows {first} to {end - 1}", "their group has more than 2 GB") for first, end in large
            )
            for number, (_, label, caption) in enumerate(_texts(_opened(path), path, None)):
                if not any(first <= number < end for first, end in large):
                    place = f"{name}/{str(number).zfill(width)}"
                    found.append(Picture(place, kept.setdefault(label, label), caption))
                if len(found) > sets.MOST_PICTURES:
                    sets.check_count(len(found), str(source))
        except UsageError as error:
            if len(files) == 1:
                raise
            found = [picture for picture in found if not picture.place.startswith(f"{name}/")]
            left_out.append(LeftOut(name, str(error)))
            continue
        shards[name] = shard
        states.append((name, *shard.state))
    if not found:
        raise UsageError(f"There are no images in {printable(source)}{left_out.because()}")
    found.sort(key=lambda picture: picture.place)
    return ParquetSet(source, shards, found, left_out.listed(), digest_of(found, states))


class ParquetSet(StoredSet):
    """Pictures in rows of Parquet files.

    A place is that of the file and the number of the row, from 0, with zeros before it: the order of places is that of
    the rows.

    Rows can only be read in groups: reading in the order of places is fast, any other is slow.
    """

    def __init__(
        self,
        source: Path,
        shards: dict[str, _Shard],
        pictures: Sequence[Picture],
        left_out: Sequence[LeftOut],
        digest: str,
    ) -> None:
        super().__init__(str(source), source.name, pictures, left_out, digest)
        self._shards = shards
        self._kept: OrderedDict[tuple[str, int], Array] = OrderedDict()
        self._lock = threading.Lock()

    def data(self, index: int) -> bytes:
        """As `StoredSet.data`."""
        place = self.pictures[index].place
        name, _, number = place.rpartition("/")
        shard = self._shards[name]
        group = shard.group_of(int(number))
        with self._lock:
            if (name, group) not in self._kept:
                while len(self._kept) >= _GROUPS_KEPT:
                    self._kept.popitem(last=False)
                self._kept[name, group] = shard.read(group)
            self._kept.move_to_end((name, group))
            column = self._kept[name, group]
        data = column[int(number) - shard.starts[group]].as_py()
        if not isinstance(data, bytes):
            raise UsageError(f"{one_line(place, 200)} holds no picture")
        return data


class _Shard:
    """A Parquet file that holds pictures: where its groups of rows begin, and a reader of the bytes in one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Not kept open: a set may have more files than a process may open.
        file = _opened(path)
        self.state = _state(path)
        names = [name for name in file.schema_arrow.names if _holds_images(file, name)]
        if not names:
            raise UsageError(f"{printable(path)} has no column of images")
        self.image = fields.column(names, _IMAGES) or names[0]
        self.starts = [0]
        self.large_groups: list[tuple[int, int]] = []
        """First row and end of each group that does not fit into memory."""
        for number in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(number)
            self.starts.append(self.starts[-1] + group.num_rows)
            if group.total_byte_size > _MOST_GROUP_BYTES:
                self.large_groups.append((self.starts[-2], self.starts[-1]))
        self.rows = self.starts[-1]
        self._inner = not _is_binary(file.schema_arrow.field(self.image).type)

    def group_of(self, row: int) -> int:
        return bisect.bisect_right(self.starts, row) - 1

    def read(self, group: int) -> Array:
        """The bytes of all pictures of a group. Not to be called by two threads at once."""
        file = _opened(self.path)
        if _state(self.path) != self.state:
            raise UsageError(f"{printable(self.path)} has changed since it was opened. Open it again")
        name = f"{self.image}.bytes" if self._inner else self.image
        try:
            column = file.read_row_group(group, columns=[name], use_threads=False).column(0).combine_chunks()
            if len(column) != self.starts[group + 1] - self.starts[group]:
                raise ValueError("a group has another number of rows than the file says")
            return column.field("bytes") if self._inner else column
        except Exception as error:
            raise _damaged(self.path, error) from None


def _opened(path: Path) -> ParquetFile:
    check_readable(path, _MOST_BYTES)
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise UsageError(f"pyarrow is missing, which reads {printable(path)}: pip install 'clipdesk[images]'") from None
    try:
        return ParquetFile(path)
    except Exception as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> UsageError:
    return UsageError(f"{printable(path)} is not a Parquet file that can be read: {one_line(first_line(error))}")


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _is_binary(kind: DataType) -> bool:
    return str(kind) in ("binary", "large_binary")


def _holds_images(file: ParquetFile, name: str) -> bool:
    """True for a column of images: bytes, or Hugging Face's struct of bytes and a path."""
    kind = file.schema_arrow.field(name).type
    if _is_binary(kind):
        return True
    if not str(kind).startswith("struct<"):
        return False
    inner = [kind.field(i) for i in range(kind.num_fields)]
    return any(one.name == "bytes" and _is_binary(one.type) for one in inner)


def _classes(file: ParquetFile, column: str | None) -> list[str]:
    """The names of the classes that Hugging Face's notes on a table say of its column of labels."""
    notes = (file.schema_arrow.metadata or {}).get(b"huggingface", b"")
    try:
        names = json.loads(notes)["info"]["features"][column]["names"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return list(map(str, names)) if isinstance(names, list) else []
