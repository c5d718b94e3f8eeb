import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.imagesets import parquets
from clipdesk.imagesets.opening import open_image_set
from tests.imagesets.pictures import encoded, put

pytest.importorskip("pyarrow")
from pyarrow import Array, Table
from pyarrow.parquet import ParquetFile, write_table


def rows(count: int) -> list[dict[str, object]]:
    return [
        {"image": {"bytes": encoded(f"rgb({i},0,0)"), "path": f"{i}.png"}, "label": i % 2, "text": f"number {i}"}
        for i in range(count)
    ]


def written(path: Path, table: Table, group: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(table, path, row_group_size=group)
    return path


def test_pictures_in_rows_are_read_with_labels_and_captions(tmp_path: Path) -> None:
    names = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    table = Table.from_pylist(rows(12)).replace_schema_metadata({"huggingface": json.dumps(names)})
    found = open_image_set(written(tmp_path / "train.parquet", table, 5))
    assert [(p.place, p.label, p.caption) for p in found.pictures[:2]] == [
        ("train.parquet/00", "cat", "number 0"),
        ("train.parquet/01", "dog", "number 1"),
    ]
    assert [found.read(i).image.getpixel((0, 0)) for i in (11, 0, 5)] == [(11, 0, 0), (0, 0, 0), (5, 0, 0)]
    assert found.read(3).sha256 == hashlib.sha256(encoded("rgb(3,0,0)")).hexdigest()


def test_a_folder_of_parquet_files_is_one_set(tmp_path: Path) -> None:
    for name in ("data/train-0.parquet", "data/train-1.parquet"):
        written(tmp_path / name, Table.from_pylist(rows(2)))
    put(tmp_path / "data/broken.parquet", "PAR1")
    written(tmp_path / "stats.parquet", Table.from_pydict({"width": [1]}))
    found = open_image_set(tmp_path)
    assert [picture.place for picture in found.pictures] == [
        *("data/train-0.parquet/0", "data/train-0.parquet/1"),
        *("data/train-1.parquet/0", "data/train-1.parquet/1"),
    ]
    assert [one.place for one in found.left_out] == ["data/broken.parquet", "stats.parquet"]
    assert found.read(3).image.getpixel((0, 0)) == (1, 0, 0)


def test_a_column_of_plain_bytes_holds_pictures_too(tmp_path: Path) -> None:
    table = Table.from_pydict({"other": [b"x", b"y"], "jpg": [encoded("red"), None]})
    found = open_image_set(written(tmp_path / "a.parquet", table))
    assert found.read(0).image.getpixel((0, 0)) == (255, 0, 0)
    with pytest.raises(UsageError, match=r"a\.parquet/1 holds no picture"):
        found.read(1)


def test_metadata_in_parquet_says_captions(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    written(tmp_path / "metadata.parquet", Table.from_pydict({"file_name": ["a.png", "b.png"], "text": ["one", "two"]}))
    found = open_image_set(tmp_path)
    assert [(p.place, p.caption) for p in found.pictures] == [("a.png", "one")]
    assert [one.place for one in found.left_out] == ["b.png"]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"text" * 100])
def test_what_is_not_parquet_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match="is not a Parquet file") as error:
        open_image_set(put(tmp_path / "a.parquet", content))
    assert "\n" not in str(error.value)


def test_a_table_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no column of images"):
        open_image_set(written(tmp_path / "a.parquet", Table.from_pydict({"url": ["x"]})))
    with pytest.raises(UsageError, match="no images"):
        open_image_set(written(tmp_path / "b.parquet", Table.from_pylist(rows(1)).slice(0, 0)))


def test_groups_that_do_not_fit_into_memory_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.parquet", Table.from_pydict({"image": [*[encoded()] * 4, bytes(40_000)]}), 4)
    monkeypatch.setattr(parquets, "_MOST_GROUP_BYTES", 20_000)
    found = open_image_set(path)
    assert len(found.pictures) == 4
    assert [(one.place, one.reason) for one in found.left_out] == [
        ("a.parquet, rows 4 to 4", "their group has more than 2 GB")
    ]


def test_a_file_that_changes_after_it_was_opened_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", Table.from_pylist(rows(2)))
    found = open_image_set(path)
    written(path, Table.from_pylist(rows(9)))
    with pytest.raises(UsageError, match="has changed"):
        found.read(0)
    path.unlink()
    with pytest.raises(UsageError, match=r"^Cannot read .*a\.parquet: "):
        found.read(0)


def test_threads_read_each_what_they_asked_for(tmp_path: Path) -> None:
    found = open_image_set(written(tmp_path / "a.parquet", Table.from_pylist(rows(40)), 3))
    with ThreadPoolExecutor(4) as pool:
        colors = list(pool.map(lambda i: found.read(i).image.getpixel((0, 0)), range(40)))
    assert colors == [(i, 0, 0) for i in range(40)]


def test_in_the_order_of_places_each_group_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.parquet", Table.from_pylist(rows(12)), 3)
    read: list[int] = []
    real = parquets._Shard.read

    def noted(shard: parquets._Shard, group: int) -> Array:
        read.append(group)
        return real(shard, group)

    monkeypatch.setattr(parquets._Shard, "read", noted)
    found = open_image_set(path)
    for i in range(12):
        found.read(i)
    assert read == [0, 1, 2, 3]


def test_where_pyarrow_is_missing_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UsageError, match=r"pip install 'clipdesk\[images\]'"):
        open_image_set(put(tmp_path / "a.parquet", "PAR1"))


def test_a_group_of_fewer_rows_than_the_file_says_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = open_image_set(written(tmp_path / "a.parquet", Table.from_pylist(rows(3))))
    real = ParquetFile.read_row_group

    def cut(file: ParquetFile, group: int, columns: list[str], use_threads: bool) -> Table:
        return real(file, group, columns, use_threads).slice(0, 2)

    monkeypatch.setattr(ParquetFile, "read_row_group", cut)
    with pytest.raises(UsageError, match="a group has another number of rows"):
        found.read(2)
