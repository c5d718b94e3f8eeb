"""What ClipDesk uses of pyarrow.parquet."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pyarrow import RecordBatch, Schema, Table

class _RowGroup:
    num_rows: int
    total_byte_size: int

class _FileMetaData:
    num_rows: int
    num_row_groups: int
    def row_group(self, i: int) -> _RowGroup: ...

class ParquetFile:
    metadata: _FileMetaData
    schema_arrow: Schema
    def __init__(self, source: Path) -> None: ...
    def iter_batches(self, batch_size: int, *, columns: list[str], use_threads: bool) -> Iterator[RecordBatch]: ...
    def read_row_group(self, i: int, columns: list[str], use_threads: bool) -> Table: ...

def write_table(table: Table, where: Path | BinaryIO, row_group_size: int | None = None) -> None: ...
