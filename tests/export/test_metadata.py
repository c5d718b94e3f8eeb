import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.export.metadata import BatchMetadata, UnitRecord, metadata_schema
from clipdesk.export.metadata_writer import MetadataWriter
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


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_file_is_written_in_pieces_as_it_would_be_at_once(tmp_path: Path, count: int) -> None:
    found = BatchMetadata(model='a "units": {} b.pt', layer="layer")
    for index in [*range(count), 0][: count + bool(count)]:
        found.add(index, RECORD.model_copy(update={"reason": f"é\n{len(found.earlier)}"}))
    found.save(tmp_path)
    assert found.path(tmp_path, "layer").read_text(encoding="utf-8") == found.model_dump_json(indent=2)


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_a_file_that_another_program_has_formatted_is_read(tmp_path: Path, indent: int | None) -> None:
    found = BatchMetadata(model="demo", layer=LAYER, units={3: RECORD, 5: RECORD})
    found.add(3, RECORD.model_copy(update={"file": "b.png"}))
    path = BatchMetadata.path(tmp_path, LAYER)
    path.write_text(json.dumps(found.model_dump(mode="json"), indent=indent))
    assert BatchMetadata.open(tmp_path, LAYER, "demo") == found
    MetadataWriter(tmp_path, LAYER, "demo").note(6, RECORD)
    MetadataWriter(tmp_path, LAYER, "demo").settle()
    found.add(6, RECORD)
    assert BatchMetadata.open(tmp_path, LAYER, "demo") == found
    assert path.read_text() == found.model_dump_json(indent=2)


def test_units_share_settings_that_are_equal() -> None:
    text = BatchMetadata(model="demo", layer="layer", units={0: RECORD, 1: RECORD}).model_dump_json()
    units = BatchMetadata.model_validate_json(text).units
    assert units[0].parameters is units[1].parameters == RECORD.parameters


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize(("model", "gradient"), [("demo", "turning"), ("demo+sae:[/own]", "whole")])
def test_latents_of_an_older_version_were_rendered_with_the_whole_gradient(
    tmp_path: Path, model: str, gradient: str, merged: bool
) -> None:
    writer = MetadataWriter(tmp_path, "layer", model)
    for seed in (0, 1):
        writer.note(3, RECORD.model_copy(update={"parameters": make_settings(seed=seed)}))
    if merged:
        writer.settle()
    path = BatchMetadata.path(tmp_path, "layer") if merged else tmp_path / ".layer_metadata.journal"
    written = path.read_text()
    assert written.count('"latent_gradient"') == 2
    older = re.sub(r',\s*"latent_gradient":\s*"turning"', "", written)
    path.write_text(older)
    newest = RECORD.model_copy(update={"parameters": make_settings(seed=2)})
    writer = MetadataWriter(tmp_path, "layer", model)
    writer.note(3, newest)
    for _ in range(2):
        found = [each.parameters.latent_gradient for each in BatchMetadata.open(tmp_path, "layer", model).records(3)]
        assert found == [gradient, gradient, "turning"], "the newest one says it"
        writer.settle()


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
