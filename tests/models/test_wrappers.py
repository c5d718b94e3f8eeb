"""Mappings around the weights and prefixes of their names, as training tools write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from clipdesk.models.checkpoints import read_checkpoint
from tests.clips import State, is_same, openais, opened, prefixed, refusal


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
        lambda state: (state, {"lr": 1e-4}),
        lambda state: {"models": [{"optimizer": 1}, {"state_dict": state}]},
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


@pytest.mark.parametrize(
    ("usual", "written"),
    [
        ("resblocks.0.", "resblocks.0._fsdp_wrapped_module."),
        ("resblocks.1.", "resblocks.1._checkpoint_wrapped_module."),
        ("resblocks.1.", "resblocks.1._fsdp_wrapped_module._checkpoint_wrapped_module."),
        ("visual.", "visual._orig_mod."),
        ("visual.", "visual.module."),
        ("transformer.", "transformer._orig_mod."),
    ],
)
@pytest.mark.parametrize("tower", ["whole", "vision"])
def test_what_wrappers_of_single_modules_leave_inside_names_is_taken_out(
    file: Path, usual: str, written: str, tower: str
) -> None:
    true = openais()
    state = {n: v for n, v in true.state_dict().items() if tower == "whole" or n.startswith("visual.")}
    torch.save(prefixed({n.replace(usual, written): v for n, v in state.items()}, "model."), file)
    loaded = read_checkpoint(file)
    assert is_same(loaded.network, true)
    assert any(note.endswith("was taken out of the names") for note in loaded.notes)


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
