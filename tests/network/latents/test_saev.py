"""saev's files, with each header that it has had."""

from __future__ import annotations

import io
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
from tests.network.latents.weights import COUNT, WIDTH, activations, double, standard

OLDEST = {"d_vit": WIDTH, "exp_factor": 4, "sparsity_coeff": 4e-4, "ghost_grads": False}
ONE_A = {"schema": 1, "cls": "TopK", "cfg": {"d_vit": WIDTH, "top_k": 6}, "commit": "x", "lib": "0"}
ONE_A_RELU = {"schema": 1, "cls": "Relu", "cfg": {"d_vit": WIDTH}}
ONE_B = {
    "schema": 1,
    "cls": "SparseAutoencoderConfig",
    "cfg": {"d_vit": WIDTH, "activation": {"cls": "TopK", "params": {"top_k": 6}}},
}
TWO = {"schema": 2, "cfg": {"d_vit": WIDTH, "activation": {"cls": "TopK", "params": {"top_k": 6}}}}
FOUR = {"schema": 4, "cfg": {"d_model": WIDTH, "d_sae": COUNT, "activation": {"kind": "topk", "top_k": 6}}}
FIVE = {"schema": 5, "cfg": {"d_model": WIDTH, "activation": {"key": "batch-top-k", "top_k": 6}}}
FIVE_RELU = {"schema": 5, "cfg": {"d_model": WIDTH, "activation": {"key": "relu"}}}


def write(path: Path, header: object, weights: dict[str, Tensor]) -> Path:
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    path.write_bytes(json.dumps(header).encode() + b"\n" + buffer.getvalue())
    return path


@pytest.mark.parametrize(
    ("header", "subtracted", "kind", "unsure"),
    [
        (OLDEST, True, "relu", True),
        (ONE_A, True, "topk", True),
        (ONE_A_RELU, True, "relu", True),
        (ONE_B, True, "topk", True),
        (TWO, False, "topk", True),
        (FOUR, False, "topk", False),
        (FIVE_RELU, False, "relu", False),
    ],
)
def test_each_header_says_what_its_time_did(
    tmp_path: Path, header: object, subtracted: bool, kind: str, unsure: bool
) -> None:
    weights = standard()
    weights["b_enc"] -= 20  # so that the largest are not all above zero
    latents = read_latents(write(tmp_path / "sae.pt", header, weights))
    w, x = double(weights), activations().double().numpy()
    pre = (x - subtracted * w["b_dec"]) @ w["W_enc"] + w["b_enc"]
    f = oracle.relu(pre) if kind == "relu" else oracle.top_k(pre, 6, rectified=False)
    assert kind == "relu" or f.min() < 0
    assert np.abs(latents.encode(activations()).numpy() - f).max() < 1e-4
    assert np.abs(latents.rebuilt(activations()).numpy() - (f @ w["W_dec"] + w["b_dec"])).max() < 1e-3
    assert (latents.tokens, latents.form, latents.unsure, latents.layer) == (Tokens.PATCHES, "saev", unsure, "")


@pytest.mark.parametrize("threshold", [2.5, -1.0])
def test_batch_top_k_keeps_what_is_above_the_threshold_of_its_training(tmp_path: Path, threshold: float) -> None:
    weights = {**standard(), "activation.threshold": torch.tensor(threshold)}
    latents = read_latents(write(tmp_path / "sae.pt", FIVE, weights))
    w, x = double(standard()), activations().double().numpy()
    f = oracle.above(x @ w["W_enc"] + w["b_enc"], max(threshold, 0))
    assert np.abs(latents.encode(activations()).numpy() - f).max() < 1e-4


def test_a_header_whose_ninth_letter_is_a_brace_is_not_taken_for_safetensors(tmp_path: Path) -> None:
    path = write(tmp_path / "sae.pt", {"cfg": {"d_vit": WIDTH}, "schema": 1}, standard())
    assert path.read_bytes()[8:9] == b"{"
    assert read_latents(path).count == COUNT


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{]\n1234", "not JSON"),
        (b'{"d_vit": 3}\n', "a text|no weights follow"),
        (b'{"d_vit": 3}\nPK\x03\x04 and no more', "its end is missing"),
        (b'{"d_vit": ' + b"[" * 50_000 + b"\n12345", "not JSON"),
    ],
)
def test_damaged_ones_are_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "sae.pt").write_bytes(content)
    with pytest.raises(ClipDeskError, match=said) as found:
        read_latents(tmp_path)
    assert "\n" not in str(found.value)


def test_headers_of_the_future_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipDeskError, match="schema"):
        read_latents(write(tmp_path / "sae.pt", {**FIVE, "schema": 9}, standard()))
    with pytest.raises(ClipDeskError, match="activation swish"):
        read_latents(write(tmp_path / "sae.pt", {"schema": 5, "cfg": {"activation": {"key": "swish"}}}, standard()))
