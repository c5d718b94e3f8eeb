"""CLIP-Scope's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from clipdesk.errors import ClipDeskError
from clipdesk.network.latents.opening import read_latents
from tests.network.latents import oracle
from tests.network.latents.weights import COUNT, WIDTH, activations, double, standard


def write(folder: Path, **changes: object) -> Path:
    w = standard()
    folder.mkdir(parents=True, exist_ok=True)
    state = {"pre_b": w["b_dec"], "enc": w["W_enc"], "dec": w["W_dec"]}
    torch.save({"k": 6, "n_features": COUNT, "d_in": WIDTH, "model_state_dict": state, **changes}, folder / "0100.pt")
    return folder / "0100.pt"


def test_top_k_is_not_rectified_and_there_is_no_encoder_bias(tmp_path: Path) -> None:
    latents = read_latents(write(tmp_path / "22_resid", k=38))
    w, x = double(standard()), activations().double().numpy()
    f = oracle.top_k((x - w["b_dec"]) @ w["W_enc"], 38, rectified=False)
    assert f.min() < -1
    assert np.abs(latents.encode(activations()).numpy() - f).max() < 1e-4
    assert np.abs(latents.rebuilt(activations()).numpy() - (f @ w["W_dec"] + w["b_dec"])).max() < 1e-3
    assert (latents.layer, latents.tokens, latents.form) == ("blocks.22.hook_resid_post", None, "CLIP-Scope")


def test_the_layer_is_left_open_where_the_folder_does_not_say_it(tmp_path: Path) -> None:
    assert read_latents(write(tmp_path / "mine")).layer == ""


def test_k_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ClipDeskError, match="does not say k"):
        read_latents(write(tmp_path, k=None))
