"""Activations, transformers' names, folders, shards, and files of other kinds: each opens rightly, or is named."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from clipdesk.checksums import read_sha256
from clipdesk.models.checkpoints import joined_sha256, read_checkpoint
from clipdesk.models.names import has_open_clip
from tests.clips import is_same, open_clips, openais, opened, part, refusal
from tests.transformers_names import as_transformers, as_transformers_siglip

State = dict[str, Tensor]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.pt"


def prefixed(state: State, prefix: str) -> State:
    return {prefix + name: value for name, value in state.items()}


# The activation


@pytest.mark.parametrize(
    ("name", "content", "taken", "reason"),
    [
        ("mine.pt", lambda s: s, "QuickGELU", "OpenAI's class has written it"),
        ("mine.pt?gelu", lambda s: s, "GELU", "as asked for"),
        ("mine.pt?quickgelu", lambda s: {"state_dict": s, "epoch": 3, "name": "run"}, "QuickGELU", "as asked for"),
        ("mine.pt", lambda s: {"state_dict": s, "epoch": 3, "name": "run"}, "GELU", "open_clip's training"),
        ("m.pt", lambda s: {"state_dict": s, "epoch": 3, "name": "d-model_ViT-B-32-lr"}, "GELU", "not say quickgelu"),
        (
            "m.pt",
            lambda s: {"state_dict": s, "epoch": 3, "name": "d-model_ViT-B-32-quickgelu-lr"},
            "QuickGELU",
            "its name",
        ),
        ("ViT-B-32-quickgelu.pt", lambda s: {"state_dict": s, "epoch": 3}, "QuickGELU", "its name says so"),
        ("mine.pt", lambda s: {**s, "input_resolution": 64}, "QuickGELU", "the form of OpenAI's archives"),
    ],
)
def test_the_activation_is_taken_from_every_hint_and_said(
    tmp_path: Path, name: str, content: Callable[[State], object], taken: str, reason: str
) -> None:
    from clipdesk.models.names import find_name
    from clipdesk.network.opened import ModelPool

    torch.save(content(openais().state_dict()), tmp_path / name.partition("?")[0])
    model = ModelPool().open(find_name(str(tmp_path / name)), "cpu")
    assert model.activation == taken
    assert reason in model.reason
    other = "quickgelu" if taken == "GELU" else "gelu"
    assert f"For the other one, open {name.partition('?')[0]}?{other}." in model.remarks[0]


@pytest.mark.skipif(not has_open_clip(), reason="the extra clipdesk[open-clip] is not installed")
def test_the_activation_can_be_asked_for_with_an_architecture(tmp_path: Path) -> None:
    import open_clip

    true = open_clip.create_model("ViT-S-32-alt", load_weights=False, force_quick_gelu=True).eval()
    torch.save(true.state_dict(), tmp_path / "mine.pt")
    name = f"open_clip:ViT-S-32-alt/[{tmp_path / 'mine.pt'}]"
    assert type(part(opened(name), "mlp.gelu")).__name__ == "GELU"
    model = opened(f"{name}?quickgelu")
    assert type(part(model, "mlp.gelu")).__name__ == "QuickGELU"
    assert is_same(model, true, 224)


@pytest.mark.skipif(not has_open_clip(), reason="the extra clipdesk[open-clip] is not installed")
def test_the_sides_of_pictures_and_texts_are_those_of_the_file(tmp_path: Path) -> None:
    import open_clip

    true = open_clip.create_model("ViT-S-32-alt", load_weights=False, force_image_size=384).eval()
    torch.save({**true.state_dict(), "positional_embedding": torch.randn(248, 256)}, tmp_path / "mine.pt")
    model = opened(f"open_clip:ViT-S-32-alt/[{tmp_path / 'mine.pt'}]")
    assert is_same(model, true, 384)
    assert model.state_dict()["positional_embedding"].shape == (248, 256)


# transformers


def saved(state: State, file: Path) -> Path:
    file.parent.mkdir(exist_ok=True)
    if file.suffix == ".bin":
        torch.save(state, file)
    else:
        save_file({n: v.contiguous().clone() for n, v in state.items()}, file, metadata={"format": "pt"})
    return file


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("more", [{}, {"vision_model.embeddings.position_ids": torch.arange(17)[None]}])
@pytest.mark.parametrize("prefix", ["", "clip.", "model."])
def test_transformers_names_open(tmp_path: Path, name: str, more: State, prefix: str) -> None:
    true = openais()
    file = saved(prefixed({**as_transformers(true.state_dict()), **more}, prefix), tmp_path / "folder" / name)
    model = opened(file)
    assert is_same(model, true)
    assert torch.equal(model.state_dict()["text_projection"], true.state_dict()["text_projection"])
    assert is_same(opened(file.parent), true)


def test_transformers_vision_tower_opens_alone(tmp_path: Path) -> None:
    true = openais()
    state = {n: v for n, v in as_transformers(true.state_dict()).items() if n.startswith("vis")}
    assert is_same(opened(saved(state, tmp_path / "x.safetensors")), true)
    del state["visual_projection.weight"]
    assert opened(saved(state, tmp_path / "y.safetensors")).encode_image(torch.zeros(1, 3, 64, 64)).shape == (1, 128)


@pytest.mark.skipif(not has_open_clip(), reason="the extra clipdesk[open-clip] is not installed")
def test_transformers_configuration_says_heads_and_activation(tmp_path: Path) -> None:
    true = open_clips(head_width=32)
    saved(as_transformers(true.state_dict()), tmp_path / "model.safetensors")
    vision = {"hidden_act": "gelu", "num_attention_heads": 4, "hidden_size": 128}
    config = {"model_type": "clip", "vision_config": vision, "text_config": {"num_attention_heads": 1}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = opened(tmp_path)
    assert is_same(model, true)
    assert type(part(model, "mlp.gelu")).__name__ == "GELU"


@pytest.mark.skipif(not has_open_clip(), reason="the extra clipdesk[open-clip] is not installed")
def test_a_siglip_in_transformers_names_is_named_and_opens_as_its_architecture(tmp_path: Path) -> None:
    import open_clip

    from clipdesk.models.architectures import own_log

    with own_log():
        true = open_clip.create_model("ViT-B-16-SigLIP", load_weights=False).eval()
    file = saved(as_transformers_siglip(true.state_dict()), tmp_path / "model.safetensors")
    assert "ViT-B-16-SigLIP" in refusal(file)
    assert is_same(opened(f"open_clip:ViT-B-16-SigLIP/[{file}]"), true, 224)


# Folders and shards


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


@pytest.mark.parametrize(
    "index", ["", "{}", "[]", '{"weight_map": {}}', '{"weight_map": {"a": 3}}', '{"weight_map": {"a": "../x.bin"}}']
)
def test_an_index_of_no_weights_is_refused(tmp_path: Path, index: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(index)
    assert "index" in refusal(tmp_path / "model.safetensors.index.json")


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


# What is no checkpoint


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html><title>Virus scan warning</title></html>", "a web page"),
        (b"\n<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page"),
        (gzip.compress(b"x"), "packed with gzip"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "packed with 7-Zip"),
        (b"x.pt" + bytes(253) + b"ustar" + bytes(300), "a tar archive"),
        (b"GGUF" + bytes(100), "a GGUF file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture"),
        (b'{"a": 1}', "a text in JSON"),
    ],
)
def test_a_file_of_another_kind_is_named(file: Path, content: bytes, kind: str) -> None:
    file.write_bytes(content)
    assert f"{file} is {kind}" in refusal(file)


def test_a_zip_archive_with_a_checkpoint_in_it_is_named(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model.pt", b"x")
    assert "is a zip archive with model.pt in it. Unpack it" in refusal(file)


def test_a_file_that_is_cut_off_is_to_be_downloaded_again(file: Path) -> None:
    torch.save(openais().state_dict(), file)
    file.write_bytes(file.read_bytes()[: 10**6])
    assert "its end is missing. Download or copy it again" in refusal(file)
