"""The assignment has the largest sum, as trying all shows, and finds a permutation whole."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from clipdesk.activations.comparing.assignment import NOBODY, best_assignment


@pytest.mark.parametrize("seed", range(40))
def test_no_other_assignment_has_a_larger_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(1, 6)), int(rng.integers(6, 8))
    gains = rng.normal(size=(rows, columns)) if seed % 2 else rng.integers(0, 4, size=(rows, columns)).astype(float)
    best = max(gains[range(rows), chosen].sum() for chosen in map(list, permutations(range(columns), rows)))
    found = best_assignment(gains)
    assert len(set(found.tolist())) == rows
    assert gains[range(rows), found].sum() == pytest.approx(best)
    turned = best_assignment(gains.T)
    kept = turned != NOBODY
    assert kept.sum() == rows
    assert gains.T[kept, turned[kept]].sum() == pytest.approx(best)


def test_a_permutation_is_found_whole() -> None:
    rng = np.random.default_rng(0)
    order = rng.permutation(300)
    gains = rng.uniform(-1, 0.9, size=(300, 300))
    gains[np.arange(300), order] = 1
    assert np.array_equal(best_assignment(gains), order)


def test_where_all_want_the_same_each_gets_one() -> None:
    gains = np.tile(np.linspace(0, 1, 60), (60, 1))
    assert sorted(best_assignment(gains).tolist()) == list(range(60))


def test_nothing_has_no_partner() -> None:
    assert best_assignment(np.zeros((0, 3))).tolist() == []
    assert best_assignment(np.zeros((2, 0))).tolist() == [NOBODY, NOBODY]
