"""The forms that tools write checkpoints in: each opens as the network that it holds, or says what it is."""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from clipdesk.checksums import read_sha256
from clipdesk.models.checkpoints import joined_sha256, read_checkpoint
from clipdesk.models.evidence import Asked
from clipdesk.models.names import has_open_clip
from tests.clips import is_same, open_clips, openais, opened, part, refusal
from tests.transformers_names import as_transformers, as_transformers_siglip

State = dict[str, Tensor]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.pt"


def prefixed(state: State, prefix: str) -> State:
    return {prefix + name: value for name, value in state.items()}


# What stands beside the weights


class Settings:
    """A training script's own."""

    def __init__(self) -> None:
        self.lr = 1e-4


class AttributeDict(dict[str, object]):
    """As Lightning's."""


class Harmful:
    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "beside",
    [
        np.float64(0.7),
        np.float32(3),
        np.arange(3),
        np.str_("best"),
        argparse.Namespace(lr=1e-4, out=Path("runs")),
        AttributeDict(lr=1e-4),
        Settings(),
        [Path("runs"), {"settings": Settings()}],
        {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": np.float64(1e-4), "params": [0]}]},
        torch.tensor([1, 2]),
        None,
    ],
)
def test_objects_beside_the_weights_are_left_alone(file: Path, beside: object, zipped: bool) -> None:
    true = openais()
    content = {"state_dict": true.state_dict(), "epoch": 3, "beside": beside}
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    assert is_same(opened(f"{file}?quickgelu"), true)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["beside", "state_dict", "inside"])
def test_a_function_is_refused_wherever_it_stands_and_does_not_run(file: Path, place: str, zipped: bool) -> None:
    made = file.with_name("made")
    for harmful in (
        Harmful(Path.touch, made),
        Harmful(print, "ran"),
        Harmful(eval, "1"),
        Harmful(exec, "1"),
        Harmful(np.save, str(made), np.zeros(1)),
        Harmful(torch.save, 1, str(made)),
        Harmful(getattr, made, "touch"),
        Harmful(zipfile.ZipFile, str(made), "w"),
    ):
        state: dict[str, object] = dict(openais().state_dict())
        content = {"state_dict": state, "beside": 1, **({place: harmful} if place != "inside" else {})}
        if place == "inside":
            state["visual.proj"] = harmful
        torch.save(content, file, _use_new_zipfile_serialization=zipped)
        assert "it holds more than weights" in refusal(file)
        assert not list(file.parent.glob("made*"))


def test_a_whole_object_is_named(file: Path) -> None:
    torch.save(openais(), file)
    assert "it holds more than weights" in (text := refusal(file)) or "Save model.state_dict() instead" in text
    torch.save(Settings(), file)
    assert "it holds a whole object" in refusal(file)


# Mappings and prefixes


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: {"epoch": 1, "model_state_dict": state, "optimizer_state_dict": {}, "loss": 0.1},
        lambda state: {"model": state, "optimizer": {}, "epoch": 1},
        lambda state: {"model": prefixed(state, "module.")},
        lambda state: {"module": state, "ds_version": "0.9"},
        lambda state: {"ema_state_dict": state, "epoch": 1},
        lambda state: {"state_dict": {"state_dict": state}},
        lambda state: {"a": {"b": {"c": state}}},
    ],
)
def test_the_mapping_of_the_weights_is_found(file: Path, wrapped: Callable[[State], object]) -> None:
    true = openais()
    torch.save(wrapped(true.state_dict()), file)
    assert is_same(opened(file), true)


@pytest.mark.parametrize(
    "prefix",
    [
        *("module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod.", "module.module.", "model.", "clip_model."),
        *("clip.", "base_model.model.", "net.backbone.encoder.", "_fsdp_wrapped_module.", "my_visual."),
    ],
)
@pytest.mark.parametrize("tower", ["whole", "vision"])
def test_the_prefix_of_the_names_is_found(file: Path, prefix: str, tower: str) -> None:
    true = openais()
    state = {n: v for n, v in true.state_dict().items() if tower == "whole" or n.startswith("visual.")}
    torch.save({"state_dict": prefixed(state, prefix), "epoch": 1}, file)
    loaded = read_checkpoint(file)
    assert is_same(loaded.network, true)
    assert f"'{prefix}' was taken off the names" in loaded.notes


def test_of_several_clips_one_is_asked_for(file: Path) -> None:
    first, second = openais(), openais(seed=1)
    both = {**prefixed(first.state_dict(), "model."), **prefixed(second.state_dict(), "teacher.")}
    torch.save({"state_dict": {**both, "sink_temp": torch.ones(1)}}, file)
    assert "holds 2 CLIPs. Add one of them to its name: ?state=state_dict.model, ?state=state_dict.teacher" in refusal(
        file
    )
    assert is_same(opened(f"{file}?state=state_dict.model"), first)
    assert is_same(opened(f"{file}?state=teacher"), second)
    assert "has no weights 'student'" in refusal(f"{file}?state=student")


@pytest.mark.parametrize(
    ("raw", "averaged"), [("state_dict", "state_dict_ema"), ("model", "model_ema"), ("model", "ema"), ("net", "swa")]
)
def test_of_raw_and_averaged_weights_the_raw_ones_are_taken_and_the_others_offered(
    file: Path, raw: str, averaged: str
) -> None:
    first, second = openais(), openais(seed=1)
    torch.save({averaged: second.state_dict(), raw: first.state_dict()}, file)
    loaded = read_checkpoint(file)
    assert is_same(loaded.network, first)
    assert f"of several weights it has {raw}; others: ?state={averaged}" in loaded.notes
    assert is_same(opened(f"{file}?state={averaged}"), second)
    assert is_same(opened(f"{file}?state={raw}"), first)


def test_weights_that_stand_under_two_names_are_one(file: Path) -> None:
    true = openais()

    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.clip_model, self.image_encoder = true, true.visual

    torch.save(Wrapper().state_dict(), file)
    assert is_same(opened(file), true)


# Towers, numbers and names


@pytest.mark.parametrize(
    "cut",
    [
        lambda state: {n: v for n, v in state.items() if n.startswith("visual.")},
        lambda state: {n[7:]: v for n, v in state.items() if n.startswith("visual.")},
        lambda state: {
            ("image_encoder." + n[7:] if n.startswith("visual.") else "text_encoder." + n): v for n, v in state.items()
        },
    ],
)
def test_a_vision_tower_alone_opens_without_texts(file: Path, cut: Callable[[State], State]) -> None:
    from clipdesk.errors import UsageError
    from clipdesk.models.texts import tokenize
    from clipdesk.network.opened import OpenModel

    true = openais()
    torch.save(cut(true.state_dict()), file)
    model = opened(file)
    assert is_same(model, true)
    assert OpenModel.of(model).side == 64
    with pytest.raises(UsageError, match="a vision tower alone"):
        tokenize(["a star"], model)


def test_a_text_tower_alone_is_named(file: Path) -> None:
    torch.save({n: v for n, v in openais().state_dict().items() if not n.startswith("visual.")}, file)
    assert "only the text tower" in refusal(file)


@pytest.mark.parametrize("scale", [torch.ones(1), 4.6, torch.tensor(torch.nan), torch.tensor(torch.inf), None])
def test_the_scale_of_the_logits_may_be_anything(file: Path, scale: object) -> None:
    true = openais()
    state: dict[str, object] = {**true.state_dict(), "logit_scale": scale}
    torch.save({n: v for n, v in state.items() if v is not None}, file)
    model = opened(file)
    assert is_same(model, true)
    assert model.logit_scale.isfinite()


@pytest.mark.parametrize(
    "more",
    [
        {"classifier.weight": torch.zeros(10, 64)},
        {"head.queue_ptr": torch.zeros(1, dtype=torch.int64)},
        {"attn_mask": torch.zeros(77, 77)},
    ],
)
def test_what_stands_beside_a_clip_is_left_out_and_logged(
    file: Path, more: State, caplog: pytest.LogCaptureFixture
) -> None:
    true = openais()
    torch.save({**true.state_dict(), **more}, file)
    with caplog.at_level(logging.INFO):
        assert is_same(opened(file), true)
    assert f"mine.pt: '{next(iter(more))}' beside the CLIP was left out" in caplog.text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("visual.register_tokens", "'visual.register_tokens' is no part of a CLIP"),
        ("visual.transformer.resblocks.0.mlp.c_fc.SCB", "bitsandbytes has quantised it"),
        ("visual.transformer.resblocks.0.mlp.c_fc.scale_weight", "scaled fp8"),
        ("visual.transformer.resblocks.0.attn.lora_A.weight", "an adapter such as LoRA"),
        ("visual.transformer.resblocks.2.extra.weight", "is missing"),
    ],
)
def test_what_would_change_the_network_is_refused(file: Path, name: str, reason: str) -> None:
    torch.save({**openais().state_dict(), name: torch.zeros(4)}, file)
    assert reason in refusal(file)


def test_long_clips_two_tables_of_positions_are_joined(file: Path) -> None:
    first, second = torch.randn(248, 64), torch.randn(248, 64)
    state = {**openais().state_dict(), "positional_embedding": first, "positional_embedding_res": second}
    torch.save(state, file)
    found = opened(file).state_dict()["positional_embedding"]
    assert torch.equal(found, torch.cat([first[:20], second[20:]]))


def test_a_radius_and_a_direction_make_a_weight(file: Path) -> None:
    true, state = openais(), {}
    for name, value in true.state_dict().items():
        if ".mlp.c_" in name and name.endswith("weight"):
            state[f"{name[:-6]}r"], state[f"{name[:-6]}theta"] = value.norm(dim=1, keepdim=True), 3 * value
        else:
            state[name] = value
    torch.save(state, file)
    assert is_same(opened(file), true)


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_weights_in_eight_bits_are_widened(tmp_path: Path, kind: torch.dtype) -> None:
    state = {n: v.clone() for n, v in openais().state_dict().items()}
    save_file({n: v.to(kind) if v.ndim > 1 else v.half() for n, v in state.items()}, tmp_path / "x.safetensors")
    loaded = read_checkpoint(tmp_path / "x.safetensors", asked=Asked(heads=2))
    wanted = state["visual.proj"].to(kind).float()
    assert torch.equal(loaded.network.state_dict()["visual.proj"], wanted)
    assert any("float8" in note for note in loaded.notes)


def test_weights_in_whole_numbers_are_refused(tmp_path: Path) -> None:
    state = {n: v.clone() for n, v in openais().state_dict().items()}
    save_file({n: v.to(torch.int8) if v.ndim > 1 else v for n, v in state.items()}, tmp_path / "x.safetensors")
    assert "int8 instead of float numbers: it is quantised" in refusal(tmp_path / "x.safetensors")


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
