import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.export import metadata
from clipdesk.export.metadata import BatchMetadata, MetadataWriter, OtherModelError, UnitRecord, metadata_schema
from clipdesk.render.presets import make_settings

LAYER = "visual.a"
RECORD = UnitRecord(status="done", parameters=make_settings(), file="a.png")


def test_the_published_schema_is_the_one_in_force() -> None:
    published = Path(__file__).parents[2] / "docs" / "metadata.schema.json"
    assert json.loads(published.read_text()) == metadata_schema(), "write it anew: python -m clipdesk.export.metadata"


def test_the_schema_is_printed() -> None:
    command = [sys.executable, "-m", "clipdesk.export.metadata"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == metadata_schema()


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


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_file_is_written_in_pieces_as_it_would_be_at_once(
    tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "_PIECE", 2)
    found = BatchMetadata(model='a "units": {} b.pt', layer="layer")
    for index in [*range(count), 0][: count + bool(count)]:
        found.add(index, RECORD.model_copy(update={"reason": f"é\n{len(found.earlier)}"}))
    found.save(tmp_path)
    assert found.path(tmp_path, "layer").read_text(encoding="utf-8") == found.model_dump_json(indent=2)


def test_units_share_settings_that_are_equal() -> None:
    text = BatchMetadata(model="demo", layer="layer", units={0: RECORD, 1: RECORD}).model_dump_json()
    units = BatchMetadata.model_validate_json(text).units
    assert units[0].parameters is units[1].parameters == RECORD.parameters


@pytest.mark.parametrize("keep", [0, 1, 50, 200])
def test_a_truncated_file_is_left_alone(tmp_path: Path, keep: int) -> None:
    writer = MetadataWriter(tmp_path, "layer", "demo")
    writer.note(3, RECORD)
    writer.settle()
    path = BatchMetadata.path(tmp_path, "layer")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UsageError, match="is damaged"):
        MetadataWriter(tmp_path, "layer", "demo")
    writer.note(4, RECORD)
    with pytest.raises(UsageError, match="is damaged"):
        writer.settle()
    assert path.stat().st_size == keep


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\x00\xff\xfe",
        b"[" * 100_000,
        b'{"version": 2, "model": "demo", "layer": "visual.a"}',
        b'{"version": 1, "model": "demo", "layer": "visual.a", "run": "rm -rf"}',
        b'{"version": 1, "model": "demo", "layer": "visual.a", "units": {"x": {}}}',
        b'{"version": 1, "model": "demo", "layer": "visual.a", "units": {"1": {"status": "done", "seconds": 1e999}}}',
        b'{"version": 1, "model": ' + b"9" * 10_000 + b"}",
    ],
)
def test_hostile_metadata_is_one_line_and_left_alone(tmp_path: Path, text: bytes) -> None:
    path = BatchMetadata.path(tmp_path, LAYER)
    path.write_bytes(text)
    with pytest.raises(UsageError, match="is damaged") as caught:
        BatchMetadata.open(tmp_path, LAYER, "demo")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == text


def test_metadata_under_another_layers_name_is_left_alone(tmp_path: Path) -> None:
    BatchMetadata(model="demo", layer=LAYER, units={3: RECORD}).save(tmp_path)
    text = BatchMetadata.path(tmp_path, LAYER).read_bytes()
    BatchMetadata.path(tmp_path, LAYER).rename(BatchMetadata.path(tmp_path, "visual.b"))
    with pytest.raises(UsageError, match=r"visual\.b_metadata\.json lists units of the layer 'visual\.a'"):
        MetadataWriter(tmp_path, "visual.b", "demo")
    assert [path.name for path in tmp_path.iterdir()] == ["visual.b_metadata.json"]
    assert BatchMetadata.path(tmp_path, "visual.b").read_bytes() == text


def test_a_layer_of_metadata_cannot_steer_a_terminal(tmp_path: Path) -> None:
    text = BatchMetadata(model="demo", layer="\x1b]0;x\x07\n").model_dump_json()
    BatchMetadata.path(tmp_path, LAYER).write_text(text)
    with pytest.raises(UsageError) as caught:
        BatchMetadata.open(tmp_path, LAYER, "demo")
    assert str(caught.value).isprintable()


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = BatchMetadata.path(tmp_path, LAYER)
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UsageError, match="is larger than any"):
        BatchMetadata.open(tmp_path, LAYER, "demo")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(BatchMetadata.path(tmp_path, LAYER))
    with pytest.raises(UsageError, match="is not a regular file"):
        BatchMetadata.open(tmp_path, LAYER, "demo")


@pytest.mark.parametrize("layer", ["../up", "a/b", "a\\b", "", "x" * 300, "a:b", "a\nb"])
def test_an_impossible_layer_name_is_refused(tmp_path: Path, layer: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a layer"):
        BatchMetadata.path(tmp_path, layer)


# The journal


def test_a_journal_under_another_layers_name_is_not_mixed_in(tmp_path: Path) -> None:
    MetadataWriter(tmp_path, LAYER, "demo").note(3, RECORD)
    journal(tmp_path).rename(journal(tmp_path, "visual.b"))
    writer = MetadataWriter(tmp_path, "visual.b", "demo")
    writer.note(4, RECORD)
    writer.settle()
    assert BatchMetadata.open(tmp_path, "visual.b", "demo").units == {4: RECORD}


def journal(folder: Path, layer: str = LAYER) -> Path:
    return folder / f".{layer}_metadata.journal"


@pytest.mark.parametrize("known", [100, 3_000])
def test_to_note_a_unit_costs_the_same_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    BatchMetadata(model="demo", layer=LAYER, units=dict.fromkeys(range(known), RECORD)).save(tmp_path)
    writer = MetadataWriter(tmp_path, LAYER, "demo")
    written: list[int] = []
    read: list[Path] = []
    fsync, read_bytes = os.fsync, Path.read_bytes

    def counted(descriptor: int) -> None:
        written.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    def seen(path: Path) -> bytes:
        read.append(path)
        return read_bytes(path)

    monkeypatch.setattr(os, "fsync", counted)
    monkeypatch.setattr(Path, "read_bytes", seen)
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
    save = BatchMetadata.save

    def counted(metadata: BatchMetadata, folder: Path) -> None:
        save(metadata, folder)
        sizes.append(len(metadata.units))

    monkeypatch.setattr(BatchMetadata, "save", counted)
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
        "from clipdesk.export.metadata import MetadataWriter, UnitRecord;"
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
    writer, tries = MetadataWriter(tmp_path, LAYER, "demo"), list[Path]()

    def full(metadata: BatchMetadata, folder: Path) -> None:
        tries.append(folder)
        raise ClipDeskError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(BatchMetadata, "save", full)
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
    read, merges = Path.read_bytes, list[str]()

    def merged(path: Path) -> bytes:
        data = read(path) if after else b""
        if not merges:
            merges.append(path.name)
            MetadataWriter(tmp_path, LAYER, "demo").settle()
            writer.note(2, RECORD)
        return data if after else read(path)

    monkeypatch.setattr(Path, "read_bytes", merged)
    assert BatchMetadata.open(tmp_path, LAYER, "demo").units == {1: RECORD, 2: RECORD}
    assert len(merges) == 1
