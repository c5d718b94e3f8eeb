"""How well a sparse autoencoder gives back the activations that it reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from clipdesk.network.latents.algebra import Latents

_CHUNK = 4_096


@dataclass(frozen=True)
class Fit:
    """How well some rows of activations are given back.

    Attributes:
        r2: Share of their variance about their mean: 1 - sum((x - x')²) / sum((x - mean(x))²).
        active: Latents that are active in a row, on average (L0).
        dead: Share of the latents that no row has activated.
        rows: How many rows that rests on.
    """

    r2: float
    active: float
    dead: float
    rows: int

    def values(self) -> dict[str, float]:
        """As plain values, rounded to what they are worth."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


@torch.no_grad()
def fit_of(latents: Latents, rows: NDArray[np.float32]) -> Fit:
    """Measure the fit on some rows, (rows, width)."""
    device = latents.encoder.device
    mean = torch.from_numpy(rows.mean(axis=0, dtype=np.float64)).to(device)
    wrong, all_of_it, active = 0.0, 0.0, 0
    fired = torch.zeros(latents.count, dtype=torch.bool, device=device)
    for start in range(0, len(rows), _CHUNK):
        values = torch.from_numpy(np.array(rows[start : start + _CHUNK])).to(device)
        found = latents.encode(values)
        rebuilt = latents.decode(found, like=values)
        wrong += float((values.double() - rebuilt.double()).square().sum())
        all_of_it += float((values.double() - mean).square().sum())
        active += int((found != 0).sum())
        fired |= (found != 0).any(dim=0)
    count = max(1, len(rows))
    return Fit(1 - wrong / all_of_it if all_of_it else 0.0, active / count, 1 - float(fired.float().mean()), len(rows))
