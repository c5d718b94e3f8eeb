"""SAELens' form: each architecture against float64, and what ClipDesk writes in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.network.latents.activations import Activation, Capped, Gated, Relu, Threshold, TopK
from clipdesk.network.latents.algebra import Latents, Norm, Tokens
from clipdesk.network.latents.opening import read_latents
from clipdesk.network.latents.sae_lens import write_sae_lens
from tests.network.latents import oracle
from tests.network.latents.weights import COUNT, activations, double, gate, sae_lens_folder, standard


def check(latents: Latents, wanted: oracle.Array, rebuilt: oracle.Array, tolerance: float = 1e-4) -> None:
    x = activations()
    assert np.abs(latents.encode(x).double().numpy() - wanted).max() < tolerance
    assert np.abs(latents.rebuilt(x).double().numpy() - rebuilt).max() < tolerance


@pytest.mark.parametrize("subtracted", [True, False, None])
def test_the_decoder_bias_is_subtracted_as_the_file_says(tmp_path: Path, subtracted: bool | None) -> None:
    weights = standard()
    config = {"architecture": "standard", "apply_b_dec_to_input": subtracted}
    latents = read_latents(sae_lens_folder(tmp_path / "sae", weights, config))
    w, x = double(weights), activations().double().numpy()
    taken = x if subtracted is False else x - w["b_dec"]
    f = oracle.relu(taken @ w["W_enc"] + w["b_enc"])
    check(latents, f, f @ w["W_dec"] + w["b_dec"])


def test_top_k_keeps_the_largest_and_none_below_zero(tmp_path: Path) -> None:
    weights = standard()
    weights["b_enc"] -= 12.0
    latents = read_latents(sae_lens_folder(tmp_path / "sae", weights, {"architecture": "topk", "k": 20.0}))
    w, x = double(weights), activations().double().numpy()
    f = oracle.top_k((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"], 20, rectified=True)
    assert (f > 0).sum(-1).min() < 20
    check(latents, f, f @ w["W_dec"] + w["b_dec"])


def test_top_k_may_choose_by_the_decoders_lengths(tmp_path: Path) -> None:
    weights = standard()
    weights["W_dec"] *= torch.linspace(0.1, 3, COUNT)[:, None]
    config = {"architecture": "topk", "k": 4, "rescale_acts_by_decoder_norm": True}
    latents = read_latents(sae_lens_folder(tmp_path / "sae", weights, config))
    w, x = double(weights), activations().double().numpy()
    lengths = np.linalg.norm(w["W_dec"], axis=1)
    f = oracle.top_k(((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"]) * lengths, 4, rectified=True)
    check(latents, f, (f / lengths) @ w["W_dec"] + w["b_dec"], 5e-4)


def test_jumprelu_compares_each_latent_with_its_own_threshold(tmp_path: Path) -> None:
    weights = {**standard(), "threshold": torch.linspace(-1, 9, COUNT)}
    config = {"architecture": "jumprelu", "apply_b_dec_to_input": False}
    latents = read_latents(sae_lens_folder(tmp_path / "sae", weights, config))
    w, x = double(weights), activations().double().numpy()
    f = oracle.above(x @ w["W_enc"] + w["b_enc"], w["threshold"])
    check(latents, f, f @ w["W_dec"] + w["b_dec"])


@pytest.mark.parametrize("subtracted", [True, False])
def test_a_gate_and_its_magnitude_are_one_encoder(tmp_path: Path, subtracted: bool) -> None:
    weights = {**standard(), **gate()}
    del weights["b_enc"]
    config = {"architecture": "gated", "apply_b_dec_to_input": subtracted}
    latents = read_latents(sae_lens_folder(tmp_path / "sae", weights, config))
    w, x = double(weights), activations().double().numpy()
    f = oracle.gated(x - subtracted * w["b_dec"], w["W_enc"], w["b_gate"], w["r_mag"], w["b_mag"])
    check(latents, f, f @ w["W_dec"] + w["b_dec"], 5e-4)


def test_layer_norm_divides_by_the_unbiased_deviation_and_is_undone(tmp_path: Path) -> None:
    weights = standard()
    config = {"architecture": "standard", "normalize_activations": "layer_norm"}
    latents = read_latents(sae_lens_folder(tmp_path / "sae", weights, config))
    w = double(weights)
    x, mean, deviation = oracle.layer_normed(activations().double().numpy())
    f = oracle.relu((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
    check(latents, f, (f @ w["W_dec"] + w["b_dec"]) * deviation + mean, 5e-4)


def test_rescaling_gives_each_token_the_same_length(tmp_path: Path) -> None:
    weights = standard()
    config = {"architecture": "standard", "normalize_activations": "constant_norm_rescale"}
    latents = read_latents(sae_lens_folder(tmp_path / "sae", weights, config))
    w, x = double(weights), activations().double().numpy()
    scale = np.linalg.norm(x, axis=-1, keepdims=True) / np.sqrt(x.shape[-1])
    f = oracle.relu((x / scale - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
    check(latents, f, (f @ w["W_dec"] + w["b_dec"]) * scale, 5e-4)


def test_a_form_before_version_6_says_its_function_and_its_layer_otherwise(tmp_path: Path) -> None:
    config = {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 3}, "hook_point": "blocks.1.hook_mlp_out"}
    latents = read_latents(sae_lens_folder(tmp_path / "old", standard(), config))
    assert latents.activation == TopK(3)
    assert latents.layer == "blocks.1.hook_mlp_out"


@pytest.mark.parametrize(
    "activation",
    [
        Relu(),
        TopK(5),
        Threshold(torch.tensor([1.5])),
        Threshold(torch.linspace(0, 3, COUNT)),
        Gated(torch.linspace(0.5, 2, COUNT), torch.linspace(-1, 1, COUNT)),
    ],
)
@pytest.mark.parametrize("norm", [Norm.NONE, Norm.LAYER_NORM, Norm.RESCALE])
def test_what_is_written_is_read_as_the_same(tmp_path: Path, activation: Activation, norm: Norm) -> None:
    w = standard()
    made = Latents(
        w["W_enc"],
        w["b_enc"],
        w["W_dec"],
        w["b_dec"],
        activation,
        norm=norm,
        layer="visual.transformer.resblocks.1",
        tokens=Tokens.PATCHES,
        model="demo",
    )
    folder = write_sae_lens(made, tmp_path / "own", {"images": "scenes:64"})
    read = read_latents(folder)
    x = activations()
    assert torch.allclose(read.encode(x), made.encode(x), atol=1e-4)
    assert torch.allclose(read.rebuilt(x), made.rebuilt(x), atol=1e-4)
    assert (read.layer, read.tokens, read.model) == (made.layer, Tokens.PATCHES, "demo")
    assert (read.norm, read.name, read.form, len(read.sha256)) == (norm, "own", "SAELens", 64)
    assert json.loads((folder / "cfg.json").read_text())["metadata"]["images"] == "scenes:64"
    assert sorted(each.name for each in folder.iterdir()) == ["cfg.json", "sae_weights.safetensors"]


def test_the_checksum_changes_with_the_weights_and_with_the_configuration(tmp_path: Path) -> None:
    weights = standard()
    first = read_latents(sae_lens_folder(tmp_path / "a", weights, {"architecture": "topk", "k": 4}))
    same = read_latents(sae_lens_folder(tmp_path / "b", weights, {"architecture": "topk", "k": 4}))
    other_k = read_latents(sae_lens_folder(tmp_path / "c", weights, {"architecture": "topk", "k": 5}))
    weights["b_dec"] = weights["b_dec"] + 1
    other = read_latents(sae_lens_folder(tmp_path / "d", weights, {"architecture": "topk", "k": 4}))
    assert first.sha256 == same.sha256
    assert len({first.sha256, other_k.sha256, other.sha256}) == 3


@pytest.mark.parametrize("activation", [TopK(3, rectified=False), Capped(Relu(), 1)])
def test_an_activation_that_the_form_lacks_is_not_written(tmp_path: Path, activation: Activation) -> None:
    w = standard()
    latents = Latents(w["W_enc"], w["b_enc"], w["W_dec"], w["b_dec"], activation)
    with pytest.raises(UsageError, match="no word for this activation"):
        write_sae_lens(latents, tmp_path / "own")
    with pytest.raises(UsageError, match="mean is taken off"):
        write_sae_lens(replace(latents, activation=Relu(), norm=Norm.CENTER), tmp_path / "own")
    assert not (tmp_path / "own").exists()


def broken(name: str, value: Tensor | None) -> dict[str, Tensor]:
    weights = standard()
    if value is None:
        del weights[name]
    else:
        weights[name] = value
    return weights


@pytest.mark.parametrize(
    ("weights", "config", "said"),
    [
        (broken("b_dec", None), {}, "'b_dec' is missing"),
        (broken("b_enc", torch.zeros(3)), {}, "'b_enc' has the shape 3 instead of 40"),
        (broken("W_dec", torch.zeros(3, 12)), {}, "decoder has the shape"),
        (broken("W_enc", torch.full((12, 40), torch.nan)), {}, "infinite or not a number"),
        (standard(), {"architecture": "temporal"}, "of the architecture temporal"),
        (standard(), {"architecture": "topk"}, "does not say k"),
        (standard(), {"architecture": "topk", "k": True}, "says True for k"),
        (standard(), {"architecture": "topk", "k": -1}, "says -1 for k"),
        (standard(), {"apply_b_dec_to_input": "yes"}, "not true or false"),
        (standard(), {"normalize_activations": "covariance_whitening"}, "covariance_whitening, which is not read"),
        (standard(), {"activation_fn_str": "swish"}, "activation function swish"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, weights: dict[str, Tensor], config: dict[str, Any], said: str
) -> None:
    folder = sae_lens_folder(tmp_path / "sae", weights, config)
    with pytest.raises(ClipDeskError, match="is not a sparse autoencoder") as found:
        read_latents(folder)
    assert said in str(found.value)
    assert "\n" not in str(found.value)
