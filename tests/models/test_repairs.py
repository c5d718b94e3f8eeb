"""Weights in forms of their own become those that a network takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from clipdesk.models.checkpoints import read_checkpoint
from clipdesk.models.evidence import Asked
from tests.clips import is_same, openais, opened, refusal


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
