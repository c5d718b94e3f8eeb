"""The forms that tools write checkpoints in: each opens as the network that it holds, or says what it is."""

from __future__ import annotations

import argparse
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from clipdesk.models.checkpoints import read_checkpoint
from clipdesk.models.evidence import Asked
from tests.clips import is_same, openais, opened, refusal

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
