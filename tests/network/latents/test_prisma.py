"""Prisma's and PatchSAE's files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from clipdesk.errors import ClipDeskError
from clipdesk.network.latents.algebra import Latents, Norm, Tokens
from clipdesk.network.latents.opening import read_latents
from tests.network.latents import oracle
from tests.network.latents.weights import COUNT, WIDTH, activations, double, gate, standard

# As a published file says it, for layer 11; the path is of another layer.
CONFIG = {
    "model_name": "open-clip:laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
    "hook_point_layer": 11,
    "layer_subtype": "hook_resid_post",
    "hook_point_head_index": None,
    "context_size": 50,
    "d_in": WIDTH,
    "d_sae": COUNT,
    "activation_fn_str": "relu",
    "activation_fn_kwargs": {},
    "cls_token_only": False,
    "use_patches_only": False,
    "normalize_activations": None,
    "architecture": "standard",
    "cached_activations_path": "/cache/blocks.9.hook_mlp_out",
    "dtype": {"__type__": "torch.dtype", "value": "torch.float32"},
}


def folder_of(folder: Path, weights: dict[str, torch.Tensor], **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    torch.save(weights, folder / "weights.pt")
    (folder / "config.json").write_text(json.dumps({**CONFIG, **changes}))
    return folder


def check(latents: Latents, f: oracle.Array, rebuilt: oracle.Array) -> None:
    x = activations()
    assert np.abs(latents.encode(x).double().numpy() - f).max() < 1e-4
    assert np.abs(latents.rebuilt(x).double().numpy() - rebuilt).max() < 1e-4 * max(1, np.abs(rebuilt).max())


def test_the_decoder_bias_is_subtracted(tmp_path: Path) -> None:
    weights = standard()
    latents = read_latents(folder_of(tmp_path, weights))
    w, x = double(weights), activations().double().numpy()
    f = oracle.relu((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
    check(latents, f, f @ w["W_dec"] + w["b_dec"])
    assert latents.form == "Prisma"


def test_the_layer_is_not_that_of_the_path_of_cached_activations(tmp_path: Path) -> None:
    latents = read_latents(folder_of(tmp_path, standard()))
    assert (latents.layer, latents.tokens) == ("blocks.11.hook_resid_post", Tokens.ALL)
    assert latents.model == CONFIG["model_name"]


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({"cls_token_only": True}, Tokens.CLASS),
        ({"context_size": 1}, Tokens.CLASS),
        ({"use_patches_only": True}, Tokens.PATCHES),
        ({}, Tokens.ALL),
        ({"context_size": None, "cls_token_only": None}, None),
    ],
)
def test_tokens_are_those_that_the_configuration_says(
    tmp_path: Path, changes: dict[str, object], tokens: Tokens | None
) -> None:
    assert read_latents(folder_of(tmp_path, standard(), **changes)).tokens is tokens


def test_top_k_is_rectified(tmp_path: Path) -> None:
    weights = standard()
    weights["b_enc"] -= 15
    config = {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 16}}
    latents = read_latents(folder_of(tmp_path, weights, **config))
    w, x = double(weights), activations().double().numpy()
    f = oracle.top_k((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"], 16, rectified=True)
    assert f.min() == 0
    check(latents, f, f @ w["W_dec"] + w["b_dec"])


def test_layer_norm_comes_before_the_decoder_bias_and_has_the_unbiased_deviation(tmp_path: Path) -> None:
    weights = standard()
    latents = read_latents(folder_of(tmp_path, weights, normalize_activations="layer_norm"))
    w = double(weights)
    x, mean, deviation = oracle.layer_normed(activations().double().numpy())
    f = oracle.relu((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
    check(latents, f, (f @ w["W_dec"] + w["b_dec"]) * deviation + mean)
    biased = activations().double().numpy()
    biased = (biased - biased.mean(-1, keepdims=True)) / biased.std(-1, keepdims=True)
    other = oracle.relu((biased - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
    assert np.abs(other - f).max() > 0.01


def test_a_gated_one(tmp_path: Path) -> None:
    weights = {**standard(), **gate()}
    latents = read_latents(folder_of(tmp_path, weights, architecture="gated"))
    w, x = double(weights), activations().double().numpy()
    f = oracle.gated(x - w["b_dec"], w["W_enc"], w["b_gate"], w["r_mag"], w["b_mag"])
    assert np.abs(latents.encode(activations()).numpy() - f).max() < 1e-4 * np.abs(f).max()


@pytest.mark.parametrize(
    ("model", "kind", "norm"),
    [
        ("open-clip:laion/CLIP-ViT-B-32", "hook_resid_post", Norm.NONE),
        ("openai/clip-vit-base-patch32", "hook_resid_post", Norm.CENTER),
        ("openai/clip-vit-base-patch32", "hook_mlp_out", Norm.NONE),
    ],
)
def test_the_residual_stream_of_other_loaders_had_no_mean(tmp_path: Path, model: str, kind: str, norm: Norm) -> None:
    latents = read_latents(folder_of(tmp_path, standard(), model_name=model, layer_subtype=kind))
    assert latents.norm is norm


@dataclass
class Settings:
    """A configuration as training scripts pickle it: an object of a class of theirs."""

    hook_point_layer: int = 4
    layer_subtype: str = "hook_mlp_out"
    context_size: int = 50
    activation_fn_kwargs: dict[str, int] = field(default_factory=lambda: {"k": 5})
    activation_fn_str: str = "topk"


def test_a_configuration_in_a_pickled_object_is_read_and_the_object_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = standard()
    torch.save({"cfg": Settings(), "state_dict": weights}, tmp_path / "n_images_2600058.pt")
    monkeypatch.setattr(Settings, "__new__", lambda *_: pytest.fail("it was made"))
    latents = read_latents(tmp_path)
    w, x = double(weights), activations().double().numpy()
    f = oracle.top_k((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"], 5, rectified=True)
    check(latents, f, f @ w["W_dec"] + w["b_dec"])
    assert (latents.layer, latents.name) == ("blocks.4.hook_mlp_out", "n_images_2600058")


@pytest.mark.parametrize("key", ["cfg", "config"])
def test_patch_sae_counts_layers_from_the_end_too(tmp_path: Path, key: str) -> None:
    weights = standard()
    config = {"block_layer": -2, "module_name": "resid", "class_token": False, "model_name": "openai/clip"}
    torch.save({key: config, "state_dict": weights}, tmp_path / "patch.pt")
    latents = read_latents(tmp_path / "patch.pt")
    w, x = double(weights), activations().double().numpy()
    f = oracle.relu((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
    check(latents, f, f @ w["W_dec"] + w["b_dec"])
    assert (latents.layer, latents.tokens, latents.form) == ("blocks.-2.hook_resid_post", Tokens.ALL, "PatchSAE")


def test_the_first_form_of_all_has_the_weights_one_deeper(tmp_path: Path) -> None:
    torch.save({"config": CONFIG, "autoencoder": {"state_dict": standard()}}, tmp_path / "v0.pt")
    assert read_latents(tmp_path / "v0.pt").layer == "blocks.11.hook_resid_post"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"normalize_activations": "batch"}, "normalises activations by batch"),
        ({"activation_fn_str": "swish"}, "activation function swish"),
        ({"activation_fn_str": "topk"}, "does not say k"),
    ],
)
def test_what_is_not_known_is_said(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ClipDeskError, match=said):
        read_latents(folder_of(tmp_path, standard(), **changes))
