"""Folders, shards and caches that hold a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from clipdesk.checksums import read_sha256
from clipdesk.models.checkpoints import joined_sha256, read_checkpoint
from clipdesk.models.listing import file_model
from clipdesk.models.names import Checkpoint
from tests.clips import is_same, openais, opened, refusal, saved
from tests.transformers_names import as_transformers


def test_shards_open_by_their_index_and_by_their_folder(tmp_path: Path) -> None:
    true = openais()
    state = as_transformers(true.state_dict())
    names = list(state)
    files = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    saved({n: state[n] for n in names[:20]}, tmp_path / files[0])
    saved({n: state[n] for n in names[20:]}, tmp_path / files[1])
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {n: files[at >= 20] for at, n in enumerate(names)}}))
    for place in (index, tmp_path):
        loaded = read_checkpoint(place)
        assert is_same(loaded.network, true)
        assert loaded.sha256 == joined_sha256([read_sha256(tmp_path / file) for file in files])
    assert "is part 1 of 2 of a checkpoint" in refusal(tmp_path / files[0])
    (tmp_path / files[1]).unlink()
    assert f"the file {files[1]} that it names is not beside it" in refusal(index)


def test_shards_whose_index_is_missing_open_by_their_folder(tmp_path: Path) -> None:
    true = openais()
    state = as_transformers(true.state_dict())
    names = list(state)
    files = [tmp_path / f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)]
    for at, file in enumerate(files):
        saved({n: state[n] for n in names[at::3]}, file)
    loaded = read_checkpoint(tmp_path)
    assert is_same(loaded.network, true)
    assert loaded.sha256 == joined_sha256([read_sha256(file) for file in files])
    files[1].unlink()
    assert "has 2 of the 3 parts of a checkpoint, and not their index" in refusal(tmp_path)


@pytest.mark.parametrize(
    "index", ["", "{}", "[]", '{"weight_map": {}}', '{"weight_map": {"a": 3}}', '{"weight_map": {"a": "../x.bin"}}']
)
def test_an_index_of_no_weights_is_refused(tmp_path: Path, index: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(index)
    assert "index" in refusal(tmp_path / "model.safetensors.index.json")


@pytest.mark.parametrize("name", ["n" * 300, "n" * 5000, "a\0b", "a\nb", "\ud800"])
def test_a_shard_whose_name_no_file_can_have_is_missing(tmp_path: Path, name: str) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"weight": name}}))
    said = refusal(index)
    assert "that it names is not beside it" in said
    assert "\n" not in said
    assert len(said) < len(str(index)) + 200


@pytest.mark.parametrize("path", ["n" * 300, "d" * 200 + "/" + "n" * 5000])
def test_a_path_that_no_file_can_have_holds_no_checkpoint(tmp_path: Path, path: str) -> None:
    assert file_model(Checkpoint(tmp_path / path)).place is None
    assert "There is no model or file" in refusal(tmp_path / path)


@pytest.mark.parametrize("named", [True, False])
def test_a_folder_of_the_hugging_face_librarys_cache_opens(tmp_path: Path, named: bool) -> None:
    true = openais()
    cache = tmp_path / "models--nobody--clip"
    for revision in ("abc", "def") if named else ("abc",):
        (cache / "snapshots" / revision).mkdir(parents=True)
    saved(as_transformers(true.state_dict()), cache / "snapshots" / "abc" / "model.safetensors")
    if named:
        (cache / "refs").mkdir()
        (cache / "refs" / "main").write_text("abc")
    assert is_same(opened(cache), true)


def test_a_folder_with_several_checkpoints_names_them(tmp_path: Path) -> None:
    for name in ("a.pt", "b.pt"):
        torch.save(openais().state_dict(), tmp_path / name)
    assert "a folder with 2 checkpoints. Name one of them: a.pt, b.pt" in refusal(tmp_path)
