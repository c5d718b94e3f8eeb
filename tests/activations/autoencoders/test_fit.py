"""The fit against a direct computation in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clipdesk.activations.autoencoders import fit
from clipdesk.activations.autoencoders.fit import fit_of
from clipdesk.network.latents.activations import TopK
from clipdesk.network.latents.algebra import Latents


def test_the_fit_is_what_the_formulas_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "_CHUNK", 7)
    rng = np.random.default_rng(0)
    rows = rng.normal(3, 1, (50, 6)).astype(np.float32)
    encoder, decoder = rng.normal(size=(6, 12)), rng.normal(size=(12, 6)) / 6
    bias = np.r_[np.zeros(9), np.full(3, -1000.0)]
    tensors = [torch.tensor(each, dtype=torch.float32) for each in (encoder, bias, decoder, np.full(6, 3.0))]
    found = fit_of(Latents(tensors[0], tensors[1], tensors[2], tensors[3], TopK(4)), rows)

    pre = rows.astype(np.float64) @ encoder + bias
    kept = np.where(pre >= np.sort(pre, axis=1)[:, [-4]], np.maximum(pre, 0), 0)
    wrong = ((rows - kept @ decoder - 3) ** 2).sum()
    assert found.r2 == pytest.approx(1 - wrong / ((rows - rows.mean(axis=0)) ** 2).sum(), abs=1e-5)
    assert found.active == (kept > 0).sum() / 50
    assert found.dead == pytest.approx((kept == 0).all(axis=0).mean())
    assert found.rows == 50
    assert 3 / 12 <= found.dead < 1
    assert found.values()["rows"] == 50
