import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import pytest

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export import metadata, metadata_writer
from clipdesk.export.metadata import BatchMetadata, OtherModelError, UnitRecord
from clipdesk.export.metadata_writer import MetadataWriter
from clipdesk.render.presets import make_settings

LAYER = "visual.a"
RECORD = UnitRecord(status="done", parameters=make_settings(), file="a.png")


def test_a_noted_unit_is_read_back(tmp_path: Path) -> None:
    writer = MetadataWriter(tmp_path, "layer", "demo")
    writer.note(3, RECORD)
    writer.note(1, RECORD)
    assert BatchMetadata.open(tmp_path, "layer", "demo").units == {3: RECORD, 1: RECORD}
    writer.settle()
    assert BatchMetadata.open(tmp_path, "layer", "demo").units == {3: RECORD, 1: RECORD}
    assert [path.name for path in tmp_path.iterdir()] == ["layer_metadata.json"]
    with pytest.raises(OtherModelError, match="holds a batch of the model 'demo'"):
        MetadataWriter(tmp_path, "layer", "RN50")


def test_a_journal_under_another_layers_name_is_not_mixed_in(tmp_path: Path) -> None:
    MetadataWriter(tmp_path, LAYER, "demo").note(3, RECORD)
    journal(tmp_path).rename(journal(tmp_path, "visual.b"))
    writer = MetadataWriter(tmp_path, "visual.b", "demo")
    writer.note(4, RECORD)
    writer.settle()
    assert BatchMetadata.open(tmp_path, "visual.b", "demo").units == {4: RECORD}


def journal(folder: Path, layer: str = LAYER) -> Path:
    return folder / f".{layer}_metadata.journal"


def test_a_merge_is_what_it_would_be_at_once(tmp_path: Path) -> None:
    known = BatchMetadata(model="demo", layer=LAYER)
    records = [RECORD.model_copy(update={"file": f"{name}.png", "reason": "é \n}"}) for name in "abcd"]
    for index, record in [(3, records[0]), (1, records[0]), (5, records[0]), (5, records[1])]:
        known.add(index, record)
    known.save(tmp_path)
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    # Replaced; replaced with a record from before; the same again; twice new; once new.
    for index, record in [
        (3, records[2]),
        (5, records[0]),
        (1, records[0]),
        (7, records[0]),
        (7, records[1]),
        (8, RECORD),
    ]:
        writer.note(index, record)
        known.add(index, record)
    writer.settle()
    assert BatchMetadata.path(tmp_path, LAYER).read_text() == known.model_dump_json(indent=2)
    assert not journal(tmp_path).exists()


def test_a_merge_copies_no_damaged_unit(tmp_path: Path) -> None:
    BatchMetadata(model="demo", layer=LAYER, units={3: RECORD, 4: RECORD}).save(tmp_path)
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    path = BatchMetadata.path(tmp_path, LAYER)
    text = path.read_text().replace('"status": "done"', '"status": "gone"', 1)
    path.write_text(text)
    writer.note(5, RECORD)
    with pytest.raises(UsageError, match="is damaged"):
        writer.settle()
    assert path.read_text() == text
    assert journal(tmp_path).exists()


def test_a_large_layer_takes_no_memory_to_note_in(tmp_path: Path) -> None:
    units = {index: RECORD.model_copy(update={"sha256": f"{index:064x}"}) for index in range(2_000)}
    BatchMetadata(model="demo", layer=LAYER, units=units).save(tmp_path)
    del units
    size = BatchMetadata.path(tmp_path, LAYER).stat().st_size
    tracemalloc.start()
    try:
        writer = MetadataWriter(tmp_path, LAYER, "demo")
        writer.note(2_000, RECORD)
        writer.settle()
        writer.amend(7, "a.png", {"reason": "amended"})
        assert len(writer.newest(lambda record: record.status)) == 2_001
        assert tracemalloc.get_traced_memory()[1] < 0.2 * size
    finally:
        tracemalloc.stop()
    found = BatchMetadata.open(tmp_path, LAYER, "demo").units
    assert len(found) == 2_001
    assert [index for index, record in found.items() if record.reason] == [7]


@pytest.mark.parametrize("merged", [True, False])
def test_the_newest_record_of_each_unit_is_read_from_file_and_journal(tmp_path: Path, merged: bool) -> None:
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    assert writer.newest(lambda record: record.file) == {}
    writer.note(1, RECORD)
    writer.note(2, RECORD)
    if merged:
        writer.settle()
    writer.note(2, RECORD.model_copy(update={"file": "b.png"}))
    assert writer.newest(lambda record: record.file) == {1: "a.png", 2: "b.png"}


@pytest.mark.parametrize("merged", [True, False])
def test_what_is_noted_of_a_file_is_amended_wherever_it_stands(tmp_path: Path, merged: bool) -> None:
    other, again = RECORD.model_copy(update={"file": "b.png"}), RECORD.model_copy(update={"seconds": 2.0})
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    writer.note(1, RECORD)
    if merged:
        writer.settle()
    for index, record in ((1, other), (1, again), (2, RECORD)):
        writer.note(index, record)
    writer.amend(1, "a.png", {"sha256": "0" * 64})
    assert not journal(tmp_path).exists()
    found = BatchMetadata.open(tmp_path, LAYER, "demo")
    changed = [record.model_copy(update={"sha256": "0" * 64}) for record in (RECORD, again)]
    assert found.records(1) == (changed[0], other, changed[1])
    assert found.records(2) == (RECORD,), "another unit may have a file of the name"


@pytest.mark.parametrize("known", [100, 3_000])
def test_to_note_a_unit_costs_the_same_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    BatchMetadata(model="demo", layer=LAYER, units=dict.fromkeys(range(known), RECORD)).save(tmp_path)
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    written: list[int] = []
    read: list[Path] = []
    fsync, read_with = os.fsync, metadata.read_with

    def counted(descriptor: int) -> None:
        written.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    def seen(path: Path, take: Callable[[BinaryIO], object]) -> object:
        read.append(path)
        return read_with(path, take)

    monkeypatch.setattr(os, "fsync", counted)
    monkeypatch.setattr(metadata, "read_with", seen)
    monkeypatch.setattr(metadata_writer, "read_with", seen)
    for index in range(10):
        writer.note(known + index, RECORD)
    # Each of them has added a line to the journal, and nothing else was read or written.
    assert len(written) == 10
    line = written[0]
    assert [after - before for before, after in pairwise(written)] == pytest.approx([line] * 9, abs=4)
    assert line < 2_000
    assert read == []
    assert len(BatchMetadata.open(tmp_path, LAYER, "demo").units) == known + 10


def test_a_layer_is_written_a_few_times_and_not_once_for_each_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    merge = MetadataWriter._merge

    def counted(writer: MetadataWriter) -> int:
        sizes.append(merge(writer))
        return sizes[-1]

    monkeypatch.setattr(MetadataWriter, "_merge", counted)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    for index in range(3_000):
        writer.note(index, RECORD)
    writer.settle()
    assert sizes[-1] == 3_000
    assert len(sizes) < 20
    assert sum(sizes) < 4 * 3_000, "in all, each unit is written about three times"
    assert not journal(tmp_path).exists()


def test_whoever_opens_the_metadata_sees_what_is_in_the_journal(tmp_path: Path) -> None:
    failed = RECORD.model_copy(update={"status": "failed", "file": None, "reason": "the disk is full"})
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    writer.note(3, failed)
    writer.note(3, RECORD)
    writer.note(5, failed)
    assert not BatchMetadata.path(tmp_path, LAYER).exists()
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {3: RECORD, 5: failed}
    # As after a crash: another process merges it.
    MetadataWriter(tmp_path, LAYER, "demo").settle()
    assert not journal(tmp_path).exists()
    assert json.loads(BatchMetadata.path(tmp_path, LAYER).read_text())["units"].keys() == {"3", "5"}


@pytest.mark.parametrize("merged", ["never", "at the end", "after each"])
def test_all_records_of_a_unit_are_kept_and_the_newest_is_its_own(tmp_path: Path, merged: str) -> None:
    records = [RECORD.model_copy(update={"file": f"{name}.png"}) for name in "abc"]
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    for record in records:
        writer.note(3, record)
        writer.note(4, RECORD)
        if merged == "after each":
            writer.settle()
    if merged == "at the end":
        writer.settle()
    found = BatchMetadata.open(tmp_path, LAYER, "demo")
    assert found.units == {3: records[2], 4: RECORD}
    assert found.earlier == {3: tuple(records[:2])}
    assert (found.records(3), found.records(4), found.records(5)) == (tuple(records), (RECORD,), ())


def test_a_journal_that_is_merged_twice_adds_no_record_twice(tmp_path: Path) -> None:
    records = [RECORD.model_copy(update={"file": f"{name}.png"}) for name in "abc"]
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    for record in records:
        writer.note(3, record)
    kept = journal(tmp_path).read_bytes()
    writer.settle()
    journal(tmp_path).write_bytes(kept)
    MetadataWriter(tmp_path, LAYER, "demo").settle()
    assert BatchMetadata.open(tmp_path, LAYER, "demo").records(3) == tuple(records)


@pytest.mark.parametrize("keep", [1, 20, 100])
def test_half_a_line_is_passed_over_and_harms_no_other(tmp_path: Path, keep: int) -> None:
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    writer.note(1, RECORD)
    whole = journal(tmp_path).read_bytes()
    journal(tmp_path).write_bytes(whole + whole[:keep])
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {1: RECORD}
    MetadataWriter(tmp_path, LAYER, "demo").note(2, RECORD)
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {1: RECORD, 2: RECORD}
    writer.settle()
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {1: RECORD, 2: RECORD}


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"model": "demo", "layer": "visual.a", "index": -1}',
        b"null",
        b'{"index": 1e999}',
        b"",
    ],
)
def test_a_hostile_line_is_passed_over(tmp_path: Path, line: bytes) -> None:
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    journal(tmp_path).write_bytes(line + b"\n")
    writer.note(2, RECORD)
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {2: RECORD}


def test_a_process_that_is_killed_between_writing_the_file_and_deleting_the_journal_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    for index in range(5):
        writer.note(index, RECORD)
    kept = journal(tmp_path).read_bytes()
    writer.settle()
    journal(tmp_path).write_bytes(kept)
    newer = RECORD.model_copy(update={"file": "b.png"})
    writer.note(4, newer)
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {**dict.fromkeys(range(4), RECORD), 4: newer}
    MetadataWriter(tmp_path, LAYER, "demo").settle()
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {**dict.fromkeys(range(4), RECORD), 4: newer}


def test_a_process_that_is_killed_before_the_file_is_written_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    writer.note(1, RECORD)

    def die(_source: object, _target: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            writer.settle()
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {1: RECORD}
    MetadataWriter(tmp_path, LAYER, "demo").settle()
    assert [path.name for path in tmp_path.iterdir()] == [f"{LAYER}_metadata.json"]


def test_several_processes_note_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from clipdesk.export.metadata import UnitRecord;"
        "from clipdesk.export.metadata_writer import MetadataWriter;"
        "from clipdesk.render.presets import make_settings;"
        "record = UnitRecord(status='done', parameters=make_settings(), file='a.png');"
        "writer = MetadataWriter(Path(sys.argv[1]), 'visual.a', 'demo'); start = int(sys.argv[2]);"
        "[writer.note(index, record) for index in range(start, start + 60)]; writer.settle()"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(start)]) for start in (0, 60, 120)]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    assert sorted(BatchMetadata.open(tmp_path, LAYER, "demo").units) == list(range(180))
    assert [path.name for path in tmp_path.iterdir()] == [f"{LAYER}_metadata.json"]


@pytest.mark.parametrize("merged", [False, True])
def test_the_first_of_two_models_that_begin_in_one_folder_has_it(tmp_path: Path, merged: bool) -> None:
    one, other = MetadataWriter(tmp_path, LAYER, "demo"), MetadataWriter(tmp_path, LAYER, "demo-rn")
    one.note(1, RECORD)
    if merged:
        one.settle()
    with pytest.raises(OtherModelError, match="holds a batch of the model 'demo'"):
        other.note(2, RECORD)
    with pytest.raises(OtherModelError):
        BatchMetadata.open(tmp_path, LAYER, "demo-rn")
    one.note(3, RECORD)
    one.settle()
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {1: RECORD, 3: RECORD}
    assert not journal(tmp_path).exists()


def test_a_merge_that_fails_does_not_fail_the_unit_that_set_it_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, tries = MetadataWriter(tmp_path, LAYER, "demo"), list[int]()

    def full(*_: object) -> int:
        tries.append(1)
        raise ClipDeskError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(MetadataWriter, "_merge", full)
        for index in range(40):
            writer.note(index, RECORD)
        with pytest.raises(ClipDeskError, match="the disk is full"):
            writer.settle()
    assert len(tries) == 3, "not again for each unit"
    assert sorted(BatchMetadata.open(tmp_path, LAYER, "demo").units) == list(range(40))
    writer.settle()
    assert not journal(tmp_path).exists()
    assert sorted(BatchMetadata.open(tmp_path, LAYER, "demo").units) == list(range(40))


@pytest.mark.parametrize("after", [False, True])
def test_a_merge_while_the_metadata_is_opened_hides_no_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Another process merges the journal before or after one of the two files is read, and notes one more unit."""
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    writer.note(1, RECORD)
    read, merges = metadata.read_with, list[str]()

    def merged(path: Path, take: Callable[[BinaryIO], object]) -> object:
        data = read(path, take) if after else None
        if not merges:
            merges.append(path.name)
            MetadataWriter(tmp_path, LAYER, "demo").settle()
            writer.note(2, RECORD)
        return data if after else read(path, take)

    monkeypatch.setattr(metadata, "read_with", merged)
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {1: RECORD, 2: RECORD}
    assert len(merges) == 1
