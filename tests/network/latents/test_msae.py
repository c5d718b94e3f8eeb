"""MSAE's files: the activation is in their name, the constants that scale embeddings beside the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from clipdesk.errors import ClipDeskError
from clipdesk.network.latents.algebra import Latents, Norm
from clipdesk.network.latents.opening import read_latents
from tests.network.latents import oracle
from tests.network.latents.weights import COUNT, WIDTH, activations, double, standard

MEAN, SCALE = torch.linspace(-1, 2, WIDTH), 0.4


def state(**changes: object) -> dict[str, object]:
    w = standard()
    named = {"pre_bias": w["b_dec"], "encoder": w["W_enc"], "latent_bias": w["b_enc"], "decoder": w["W_dec"]}
    found = {**named, "latents_activation_frequency": torch.arange(100), **changes}
    return {name: value for name, value in found.items() if value is not None}


def saved(folder: Path, activation: str, rest: str = "False_False_0.0_cc3m", **changes: object) -> Path:
    path = folder / f"{COUNT}_{WIDTH}_{activation}_{rest}.pth"
    # The norm that was aimed at is a number of numpy's there.
    beside = {"mean_center": MEAN, "scaling_factor": SCALE, "target_norm": np.sqrt(WIDTH), **changes}
    torch.save({"model": state(), **beside}, path)
    return path


def pre(x: oracle.Array) -> oracle.Array:
    w = double(standard())
    scaled = (x - MEAN.double().numpy()) * SCALE
    found: oracle.Array = (scaled - w["b_dec"]) @ w["W_enc"] + w["b_enc"]
    return found


def rebuilt(f: oracle.Array) -> oracle.Array:
    w = double(standard())
    found: oracle.Array = (f @ w["W_dec"] + w["b_dec"]) / SCALE + MEAN.double().numpy()
    return found


def check(latents: Latents, f: oracle.Array) -> None:
    assert np.abs(latents.encode(activations()).numpy() - f).max() < 1e-4
    assert np.abs(latents.rebuilt(activations()).numpy() - rebuilt(f)).max() < 1e-3
    assert (latents.layer, latents.form) == ("visual", "MSAE")


X = activations().double().numpy()


@pytest.mark.parametrize(
    ("activation", "wanted"),
    [
        ("ReLU_003", oracle.relu(pre(X))),
        ("TopKReLU_5", oracle.top_k(pre(X), 5, rectified=True)),
        ("TopK_30", oracle.top_k(pre(X), 30, rectified=False)),
        # A picture of its own is a batch.
        ("BatchTopKReLU_5", oracle.top_k(pre(X), 5, rectified=True)),
        # Matryoshka: its number is that of the smallest of several, and all were trained.
        ("TopKReLU_5_UW", oracle.relu(pre(X))),
        ("TopKReLU_5_RW", oracle.relu(pre(X))),
    ],
)
def test_the_name_says_the_activation(tmp_path: Path, activation: str, wanted: oracle.Array) -> None:
    check(read_latents(saved(tmp_path, activation)), wanted)


def test_latents_are_capped_softly(tmp_path: Path) -> None:
    latents = read_latents(saved(tmp_path, "TopKReLU_5", "False_False_3.0_cc3m"))
    check(latents, 3 * np.tanh(oracle.top_k(pre(X), 5, rectified=True) / 3))
    assert latents.activation.name == "top-k (k = 5), capped at 3"


def test_a_tied_decoder_is_the_encoder(tmp_path: Path) -> None:
    path = saved(tmp_path, "ReLU_003", "True_False_0.0_cc3m")
    torch.save({"model": state(decoder=None), "mean_center": 0.0, "scaling_factor": 1.0}, path)
    latents, w = read_latents(path), double(standard())
    f = oracle.relu((X - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
    assert np.abs(latents.encode(activations()).numpy() - f).max() < 1e-4
    assert np.abs(latents.rebuilt(activations()).numpy() - (f @ w["W_enc"].T + w["b_dec"])).max() < 1e-3


def test_jump_relu_has_its_thresholds_beside_it(tmp_path: Path) -> None:
    path = saved(tmp_path, f"JumpReLU_{COUNT}")
    thresholds = torch.linspace(-1, 2, COUNT)
    beside = {"mean_center": MEAN, "scaling_factor": SCALE}
    torch.save({"model": state(**{"activation.log_threshold": thresholds}), **beside}, path)
    check(read_latents(path), oracle.above(pre(X), np.exp(thresholds.double().numpy())))


def of_length_one(x: Tensor) -> tuple[Tensor, float]:
    """The mean of embeddings of length 1, and what scales their distance from it to the root of their width."""
    rows = torch.nn.functional.normalize(x.reshape(-1, WIDTH), dim=1)
    mean = rows.mean(dim=0)
    return mean, float((WIDTH / (rows - mean).square().sum(dim=1).mean()).sqrt())


def test_embeddings_of_length_one_are_told_by_the_constants(tmp_path: Path) -> None:
    mean, scale = of_length_one(activations())
    latents = read_latents(saved(tmp_path, "ReLU_003", mean_center=mean, scaling_factor=scale))
    w, length = double(standard()), np.linalg.norm(X, axis=-1, keepdims=True)
    f = oracle.relu(((X / length - mean.numpy()) * scale - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
    assert latents.norm is Norm.RESCALE
    assert np.abs(latents.encode(activations()).numpy() - f).max() < 1e-4
    wanted = ((f @ w["W_dec"] + w["b_dec"]) / scale + mean.numpy()) * length
    assert np.abs(latents.rebuilt(activations()).numpy() - wanted).max() < 1e-3


def test_each_embedding_may_be_normed(tmp_path: Path) -> None:
    rest = "False_True_0.0_cc3m"
    latents = read_latents(saved(tmp_path, "ReLU_003", rest, mean_center=torch.zeros(WIDTH), scaling_factor=2.0))
    w, (normed, mean, deviation) = double(standard()), oracle.layer_normed(X)
    f = oracle.relu((normed - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
    assert np.abs(latents.encode(activations()).numpy() - f).max() < 1e-3
    wanted = (f @ w["W_dec"] + w["b_dec"]) * deviation + mean
    assert np.abs(latents.rebuilt(activations()).numpy() - wanted).max() < 2e-3
    with pytest.raises(ClipDeskError, match="takes off a mean and then norms"):
        read_latents(saved(tmp_path, "ReLU_003", rest))


@pytest.mark.parametrize("number", [np.float64(SCALE), np.float32(SCALE), torch.tensor(SCALE)])
def test_the_scale_may_be_a_number_of_numpys(tmp_path: Path, number: object) -> None:
    check(read_latents(saved(tmp_path, "ReLU_003", scaling_factor=number)), oracle.relu(pre(X)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine.pth", "its name does not say its activation. Give it the name that it had, such as 6144_768_TopK"),
        (f"{COUNT}_{WIDTH}_TopKabsReLU_5_False_False_0.0_cc3m.pth", "largest by their absolute values"),
        (f"{COUNT}_{WIDTH}_Identity_False_False_0.0_cc3m.pth", "its activation, Identity, is not read"),
        (f"{COUNT}_{WIDTH}_JumpReLU_False_False_0.0_cc3m.pth", "its activation, JumpReLU, is not read"),
        (f"{COUNT}_{WIDTH}_TopKReLU_0_False_False_0.0_cc3m.pth", "k, a whole number from 1"),
        (f"{COUNT + 1}_{WIDTH}_ReLU_003_False_False_0.0_cc3m.pth", f"its name says {WIDTH} x {COUNT + 1}, but"),
    ],
)
def test_a_name_that_does_not_say_it_is_refused(tmp_path: Path, name: str, message: str) -> None:
    saved(tmp_path, "ReLU_003").rename(tmp_path / name)
    with pytest.raises(ClipDeskError, match=message.replace("(", r"\(")):
        read_latents(tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean_center": torch.zeros(WIDTH + 1)}, f"its mean_center is not {WIDTH} numbers"),
        ({"mean_center": torch.full((WIDTH,), torch.nan)}, f"its mean_center is not {WIDTH} numbers"),
        ({"mean_center": "0"}, f"its mean_center is not {WIDTH} numbers"),
        ({"scaling_factor": 0.0}, "its scaling_factor is not a number above zero"),
        ({"scaling_factor": float("inf")}, "its scaling_factor is not a number above zero"),
        ({"scaling_factor": np.float32(-2)}, "its scaling_factor is not a number above zero"),
        ({"scaling_factor": np.str_("2")}, "its scaling_factor is not a number above zero"),
        ({"scaling_factor": np.arange(2.0)}, "its scaling_factor is not a number above zero"),
        ({"model": state(decoder=None)}, "'decoder' is missing"),
        ({"model": state(pre_bias=torch.zeros(3))}, f"'pre_bias' has the shape 3 instead of {WIDTH}"),
        ({"model": state(encoder="more")}, "not named as any of them names its own"),
        ({"model": state(latent_bias=torch.full((COUNT,), torch.inf))}, "infinite or not a number"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ClipDeskError, match=message) as found:
        read_latents(saved(tmp_path, "ReLU_003", "False_False_0.0_cc3m", **changes))
    assert "\n" not in str(found.value)
