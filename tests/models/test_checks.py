"""What is checked before a network is built from weights."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from tests.clips import State, is_same, openais, opened, refusal


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
        ("scaled_fp8", "scaled fp8"),
        ("visual.transformer.resblocks.0.attn.lora_A.weight", "an adapter such as LoRA"),
        ("visual.transformer.resblocks.2.extra.weight", "is missing"),
    ],
)
def test_what_would_change_the_network_is_refused(file: Path, name: str, reason: str) -> None:
    torch.save({**openais().state_dict(), name: torch.zeros(4)}, file)
    assert reason in refusal(file)
