"""Correlations from sums are those of all values at once, however the pictures come."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from clipdesk.activations.comparing.pairs import CrossSums, PairSums

CPU = torch.device("cpu")


def drawn(units: int = 7, pictures: int = 90) -> tuple[torch.Tensor, torch.Tensor]:
    """Values far from zero, as residual streams have them; unit 3 of the second never varies."""
    maker = torch.Generator().manual_seed(0)
    first = torch.randn(pictures, units, generator=maker) + 50
    second = 0.5 * first + torch.randn(pictures, units, generator=maker)
    second[:, 3] = 2.5
    return first, second


def direct(first: torch.Tensor, second: torch.Tensor) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.corrcoef(first.double().numpy().T, second.double().numpy().T)
    return np.asarray(found[: first.shape[1], first.shape[1] :], dtype=np.float64)


@pytest.mark.parametrize("cuts", [[90], [1, 2, 87], [30, 30, 30]])
def test_pairs_correlate_as_all_values_do(cuts: list[int]) -> None:
    first, second = drawn()
    sums, merged = PairSums(7, CPU), PairSums(7, CPU)
    for a, b in zip(first.split(cuts), second.split(cuts), strict=True):
        sums.add(a, b)
        part = PairSums(7, CPU)
        part.add(a, b)
        merged.merge(part)
    wanted = np.diag(direct(first, second))
    for found in (sums.correlations(), merged.correlations()):
        assert np.isnan(found[3])
        assert np.delete(found, 3) == pytest.approx(np.delete(wanted, 3), abs=1e-9)


def test_a_unit_correlates_with_itself_by_one() -> None:
    first, _ = drawn()
    sums = PairSums(7, CPU)
    for part in first.split(13):
        sums.add(part, part)
    assert sums.correlations() == pytest.approx(np.ones(7), abs=1e-12)


@pytest.mark.parametrize("cuts", [[90], [1, 2, 87], [30, 30, 30]])
def test_each_correlates_with_each_as_all_values_do(cuts: list[int]) -> None:
    first, second = drawn()
    second = torch.cat([second, second[:, :2] * -3], dim=1)
    sums, merged = CrossSums(7, 9, CPU), CrossSums(7, 9, CPU)
    for a, b in zip(first.split(cuts), second.split(cuts), strict=True):
        sums.add(a, b)
        part = CrossSums(7, 9, CPU)
        part.add(a, b)
        merged.merge(part)
    wanted = direct(first, second)
    wanted[:, 3] = 0
    for found in (sums.correlations(), merged.correlations()):
        assert found == pytest.approx(wanted, abs=1e-5)
