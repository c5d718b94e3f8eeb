"""Groups among a unit's top pictures."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from clipdesk.activations.questions.clusters import Clusters, clusters, k_means, mean_silhouette
from tests.activations.surveys import LAYER, direct_survey


def grouped(sizes: list[int], *, spread: float = 0.1, seed: int = 0) -> Clusters:
    """The clusters of a unit whose top pictures are around orthogonal directions, so many around each."""
    rng = np.random.default_rng(seed)
    shown = np.repeat(np.arange(len(sizes)), sizes)
    z = np.eye(16)[shown] + spread * rng.normal(size=(len(shown), 16))
    a = 1 + rng.random((len(shown), 1))
    return clusters(direct_survey({(LAYER, "mean"): a}, z), LAYER, 0)


@pytest.mark.parametrize("sizes", [[60, 40], [40, 30, 30], [30, 30, 20, 20], [20, 20, 20, 20, 20]])
def test_the_groups_are_found_with_their_number(sizes: list[int]) -> None:
    found = grouped(sizes)
    ends = np.cumsum([0, *sizes])
    wanted = {frozenset(range(first, last)) for first, last in pairwise(ends)}
    assert {frozenset(group) for group in found.groups} == wanted
    assert [len(group) for group in found.groups] == sizes
    assert found.silhouette > 0.5


def test_pictures_of_one_kind_are_one_group() -> None:
    found = grouped([100], spread=0.05)
    assert len(found.groups) == 1
    assert sorted(found.groups[0]) == list(range(100))
    assert np.isnan(found.silhouette)
    assert found.polysemanticity < 0.1


def test_polysemanticity_is_the_angle_of_two_centres() -> None:
    found = grouped([60, 40], spread=1e-3)
    assert found.polysemanticity == pytest.approx(1, abs=0.01)


def test_the_most_typical_picture_is_first() -> None:
    z = np.eye(4)[[0, 0, 0, 0, 1, 1, 1]] + np.array([[0, 0, x, 0] for x in (0.3, -0.3, 0.02, 0.1, 0.2, 0, -0.2)])
    found = clusters(direct_survey({(LAYER, "mean"): np.arange(7.0)[:, None]}, z), LAYER, 0)
    assert [group[0] for group in found.groups] == [2, 5]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_pictures_are_one_group(count: int) -> None:
    found = grouped([1] * count)
    assert [len(group) for group in found.groups] == [count]
    assert np.isnan(found.polysemanticity) == (count == 1)


def test_copies_of_one_picture_are_one_group() -> None:
    found = clusters(direct_survey({(LAYER, "mean"): np.arange(1.0, 10.0)[:, None]}, np.ones((9, 4))), LAYER, 0)
    assert [len(group) for group in found.groups] == [9]
    assert np.isnan(found.polysemanticity)


def test_pictures_that_leave_a_rectified_unit_at_zero_are_in_no_group() -> None:
    a = np.array([[0.0, 0.0, 0.0, 0.0, 2.0, 1.0]]).T
    found = clusters(direct_survey({(LAYER, "mean"): a}, np.eye(6)), LAYER, 0)
    assert found.groups == ((4, 5),)
    found = clusters(direct_survey({(LAYER, "mean"): 0 * a}, np.eye(6)), LAYER, 0)
    assert found.groups == ()


def test_the_same_seed_gives_the_same_groups() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 5))
    assert k_means(rows, 4, seed=1).tolist() == k_means(rows, 4, seed=1).tolist()
    assert set(k_means(rows, 4, seed=1)) == {0, 1, 2, 3}


def test_the_silhouette_is_that_of_its_definition() -> None:
    rng = np.random.default_rng(0)
    rows, groups = rng.normal(size=(30, 3)), np.array([0] * 14 + [1] * 15 + [2])
    values = []
    for place in range(30):
        away = np.linalg.norm(rows - rows[place], axis=1)
        own = (groups == groups[place]) & (np.arange(30) != place)
        inside = away[own].mean() if own.any() else 0
        outside = min(away[groups == other].mean() for other in {0, 1, 2} - {groups[place]})
        values.append((outside - inside) / max(inside, outside) if own.any() else 0)
    distances = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    assert mean_silhouette(distances, groups) == pytest.approx(np.mean(values))
