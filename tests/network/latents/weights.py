"""Weights of small sparse autoencoders for the tests, and activations to put in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

WIDTH, COUNT = 12, 40


def activations(seed: int = 5, tokens: int = 7) -> Tensor:
    """(pictures, tokens, width), with a mean that is far from zero."""
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(3, tokens, WIDTH, generator=generator) + torch.linspace(-3, 5, WIDTH)


def standard(seed: int = 0) -> dict[str, Tensor]:
    """W_enc, b_enc, W_dec and b_dec, none of them zero."""
    generator = torch.Generator().manual_seed(seed)
    return {
        "W_enc": torch.randn(WIDTH, COUNT, generator=generator),
        "b_enc": torch.randn(COUNT, generator=generator),
        "W_dec": torch.randn(COUNT, WIDTH, generator=generator),
        "b_dec": 2 * torch.randn(WIDTH, generator=generator),
    }


def gate(seed: int = 1) -> dict[str, Tensor]:
    """b_gate, r_mag and b_mag."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(COUNT, generator=generator) for name in ("b_gate", "r_mag", "b_mag")}


def double(weights: dict[str, Tensor]) -> dict[str, NDArray[np.float64]]:
    return {name: value.double().numpy() for name, value in weights.items()}


def sae_lens_folder(folder: Path, weights: dict[str, Tensor], config: dict[str, Any]) -> Path:
    """A folder as SAELens writes it."""
    folder.mkdir(parents=True)
    safetensors.torch.save_file(weights, folder / "sae_weights.safetensors")
    (folder / "cfg.json").write_text(json.dumps({"d_in": WIDTH, "d_sae": COUNT, **config}))
    return folder
