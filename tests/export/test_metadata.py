import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.export.metadata import BatchMetadata, UnitRecord, metadata_schema
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
    BatchMetadata.note(tmp_path, "layer", "demo", 3, RECORD)
    BatchMetadata.note(tmp_path, "layer", "demo", 1, RECORD)
    assert BatchMetadata.open(tmp_path, "layer", "demo").units == {3: RECORD, 1: RECORD}
    with pytest.raises(UsageError, match="contains a batch of the model 'demo'"):
        BatchMetadata.note(tmp_path, "layer", "RN50", 1, RECORD)


@pytest.mark.parametrize("keep", [0, 1, 50, 200])
def test_a_truncated_file_is_left_alone(tmp_path: Path, keep: int) -> None:
    BatchMetadata.note(tmp_path, "layer", "demo", 3, RECORD)
    path = BatchMetadata.path(tmp_path, "layer")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UsageError, match="is damaged"):
        BatchMetadata.note(tmp_path, "layer", "demo", 4, RECORD)
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
