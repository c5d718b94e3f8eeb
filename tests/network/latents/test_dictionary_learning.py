"""Each class of dictionary_learning, as its files hold it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from clipdesk.errors import ClipDeskError
from clipdesk.network.latents.algebra import Tokens
from clipdesk.network.latents.opening import read_latents
from tests.network.latents import oracle
from tests.network.latents.weights import COUNT, activations, double, gate, standard

W = standard()
MODULES = {"encoder.weight": W["W_enc"].T, "encoder.bias": W["b_enc"], "decoder.weight": W["W_dec"].T}


def write(folder: Path, weights: dict[str, Tensor], trainer: dict[str, object] | None = None) -> Path:
    torch.save(weights, folder / "ae.pt")
    if trainer is not None:
        (folder / "config.json").write_text(json.dumps({"trainer": trainer}))
    return folder


def check(folder: Path, f: oracle.Array) -> None:
    latents, w = read_latents(folder), double(W)
    assert np.abs(latents.encode(activations()).numpy() - f).max() < 1e-4 * max(1, np.abs(f).max() / 50)
    assert np.abs(latents.rebuilt(activations()).numpy() - (f @ w["W_dec"] + w["b_dec"])).max() < 1e-2
    assert latents.form == "dictionary_learning"


def pre(*, subtracted: bool) -> oracle.Array:
    w, x = double(W), activations().double().numpy()
    return (x - subtracted * w["b_dec"]) @ w["W_enc"] + w["b_enc"]


def test_an_auto_encoder_subtracts_its_bias(tmp_path: Path) -> None:
    check(write(tmp_path, {**MODULES, "bias": W["b_dec"]}), oracle.relu(pre(subtracted=True)))


def test_a_new_auto_encoder_does_not(tmp_path: Path) -> None:
    check(write(tmp_path, {**MODULES, "decoder.bias": W["b_dec"]}), oracle.relu(pre(subtracted=False)))


@pytest.mark.parametrize("threshold", [None, 1.5])
def test_top_k_stays_top_k_though_it_has_a_threshold_too(tmp_path: Path, threshold: float | None) -> None:
    weights = {**MODULES, "b_dec": W["b_dec"], "k": torch.tensor(4)}
    if threshold is not None:
        weights["threshold"] = torch.tensor(threshold)
    folder = write(tmp_path, weights, {"dict_class": "AutoEncoderTopK", "k": 4})
    check(folder, oracle.top_k(pre(subtracted=True), 4, rectified=True))


@pytest.mark.parametrize(("threshold", "trainer"), [(1.5, {"dict_class": "BatchTopKSAE"}), (1.5, None), (-1.0, {})])
def test_batch_top_k_is_a_threshold(tmp_path: Path, threshold: float, trainer: dict[str, object] | None) -> None:
    if threshold < 0:
        trainer = {"dict_class": "BatchTopKSAE"}
    weights = {**MODULES, "b_dec": W["b_dec"], "k": torch.tensor(4), "threshold": torch.tensor(threshold)}
    check(write(tmp_path, weights, trainer), oracle.above(pre(subtracted=True), max(threshold, 0)))


@pytest.mark.parametrize("name", ["MatryoshkaBatchTopKSAE", "MatroyshkaBatchTopKSAE", None])
def test_matryoshka_is_batch_top_k_with_its_weights_the_other_way_round(tmp_path: Path, name: str | None) -> None:
    weights = {
        **W,
        "k": torch.tensor(4),
        "threshold": torch.tensor(2.0),
        "group_sizes": torch.tensor([10, 30]),
    }
    folder = write(tmp_path, weights, {"dict_class": name} if name else None)
    check(folder, oracle.above(pre(subtracted=True), 2.0))


def test_jumprelu_does_not_subtract(tmp_path: Path) -> None:
    threshold = torch.linspace(-1, 9, COUNT)
    check(
        write(tmp_path, {**W, "threshold": threshold}), oracle.above(pre(subtracted=False), threshold.double().numpy())
    )


def test_a_gated_one(tmp_path: Path) -> None:
    g = gate()
    weights = {
        "encoder.weight": W["W_enc"].T,
        "decoder.weight": W["W_dec"].T,
        "decoder_bias": W["b_dec"],
        "gate_bias": g["b_gate"],
        "r_mag": g["r_mag"],
        "mag_bias": g["b_mag"],
    }
    w, own, x = double(W), double(g), activations().double().numpy()
    check(write(tmp_path, weights), oracle.gated(x - w["b_dec"], w["W_enc"], own["b_gate"], own["r_mag"], own["b_mag"]))


@pytest.mark.parametrize(
    ("trainer", "layer", "tokens"),
    [
        ({"layer": 22, "submodule_name": "post_mlp_residual"}, "blocks.22.hook_resid_post", Tokens.CLASS),
        ({"layer": -1, "submodule_name": "post_projection"}, "post_projection", Tokens.CLASS),
        ({"layer": -1}, "post_projection", None),
        (
            {"layer": 3, "submodule_name": "visual.transformer.resblocks.3.mlp"},
            "visual.transformer.resblocks.3.mlp",
            None,
        ),
        ({}, "", None),
    ],
)
def test_the_layer_is_where_the_trainer_read(
    tmp_path: Path, trainer: dict[str, object], layer: str, tokens: Tokens | None
) -> None:
    found = read_latents(write(tmp_path, {**MODULES, "bias": W["b_dec"]}, {"dict_class": "AutoEncoder", **trainer}))
    assert (found.layer, found.tokens) == (layer, tokens)


def test_neither_k_nor_threshold_is_said(tmp_path: Path) -> None:
    with pytest.raises(ClipDeskError, match="neither k nor a threshold"):
        read_latents(write(tmp_path, {**MODULES, "b_dec": W["b_dec"]}, {"dict_class": "AutoEncoderTopK"}))
