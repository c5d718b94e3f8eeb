"""State dicts of overcomplete's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from clipdesk.errors import ClipDeskError
from clipdesk.network.latents.opening import read_latents
from tests.network.latents import oracle
from tests.network.latents.weights import COUNT, activations, double, standard

W = standard()


def state() -> dict[str, Tensor]:
    return {
        "encoder.final_block.0.weight": W["W_enc"].T,
        "encoder.final_block.0.bias": W["b_enc"],
        "dictionary._weights": 3 * W["W_dec"],
        "dictionary.multiplier": torch.tensor(0.5),
    }


def check(path: Path, f: oracle.Array) -> None:
    latents, w = read_latents(path), double(W)
    dictionary = w["W_dec"] / np.linalg.norm(w["W_dec"], axis=1, keepdims=True) * np.exp(0.5)
    assert np.abs(latents.encode(activations()).numpy() - f).max() < 1e-4
    assert np.abs(latents.rebuilt(activations()).numpy() - f @ dictionary).max() < 1e-3
    assert latents.form == "overcomplete"


def pre() -> oracle.Array:
    w, x = double(W), activations().double().numpy()
    return x @ w["W_enc"] + w["b_enc"]


def test_without_k_it_is_relu(tmp_path: Path) -> None:
    torch.save(state(), tmp_path / "oc.pt")
    check(tmp_path / "oc.pt", oracle.relu(pre()))


def test_k_and_the_threshold_stand_beside_the_weights(tmp_path: Path) -> None:
    torch.save({"model_state_dict": state(), "top_k": 4}, tmp_path / "oc.pt")
    check(tmp_path / "oc.pt", oracle.top_k(pre(), 4, rectified=True))
    torch.save({"model_state_dict": state(), "running_threshold": torch.tensor(2.5)}, tmp_path / "oc.pt")
    check(tmp_path / "oc.pt", oracle.above(pre(), 2.5))


def test_thresholds_are_kept_as_their_logarithms(tmp_path: Path) -> None:
    thresholds = torch.linspace(-2, 2, COUNT)
    torch.save({**state(), "thresholds": thresholds}, tmp_path / "oc.pt")
    check(tmp_path / "oc.pt", oracle.above(pre(), np.exp(thresholds.double().numpy())))


def test_a_batch_norm_is_folded_into_the_encoder(tmp_path: Path) -> None:
    g = torch.Generator().manual_seed(4)
    norm = {name: torch.randn(COUNT, generator=g) for name in ("weight", "bias", "running_mean")}
    norm["running_var"] = torch.rand(COUNT, generator=g) + 0.5
    beside = {f"encoder.final_block.1.{name}": value for name, value in norm.items()}
    counter = {"encoder.final_block.1.num_batches_tracked": torch.tensor(7)}
    torch.save({**state(), **beside, **counter}, tmp_path / "oc.pt")
    n = double(norm)
    scale = n["weight"] / np.sqrt(n["running_var"] + 1e-5)
    check(tmp_path / "oc.pt", oracle.relu((pre() - n["running_mean"]) * scale + n["bias"]))


def test_hidden_layers_are_refused(tmp_path: Path) -> None:
    torch.save({**state(), "encoder.mlp_blocks.0.weight": torch.ones(3, 3)}, tmp_path / "oc.pt")
    with pytest.raises(ClipDeskError, match="hidden layers"):
        read_latents(tmp_path / "oc.pt")
