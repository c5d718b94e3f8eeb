"""A layer's units in two dimensions."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from clipdesk.activations.questions.maps import can_map, on_grid, positions
from clipdesk.activations.statistics import UnitStatistics
from clipdesk.errors import UsageError
from tests.activations.surveys import LAYER, direct_survey

needs_map = pytest.mark.skipif(not can_map(), reason="openTSNE is not installed")
_KINDS, _EACH = 4, 12


def layer(constant: int = 0) -> UnitStatistics:
    """Units of four kinds: those of a kind are active in the same pictures. Constant ones come last."""
    chance = np.random.default_rng(0)
    kinds = chance.normal(size=(200, _KINDS))
    a = np.repeat(kinds, _EACH, axis=1) + 0.1 * chance.normal(size=(200, _KINDS * _EACH))
    a = np.concatenate([a, np.ones((200, constant))], axis=1)
    return direct_survey({(LAYER, "mean"): a}, chance.normal(size=(200, 8))).statistics[LAYER, "mean"]


@needs_map
def test_units_of_the_same_kind_are_close_together() -> None:
    found = positions(layer())
    distances = np.linalg.norm(found[:, None] - found, axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    kinds = np.arange(len(found)) // _EACH
    assert (kinds[nearest] == kinds).all()


@needs_map
def test_a_map_goes_from_zero_to_one() -> None:
    found = positions(layer())
    assert (found.min(axis=0) == 0).all()
    assert (found.max(axis=0) == 1).all()


@needs_map
def test_constant_units_have_no_position() -> None:
    found = positions(layer(constant=3))
    assert np.isnan(found[-3:]).all()
    assert not np.isnan(found[:-3]).any()


@needs_map
def test_a_map_that_is_no_longer_wanted_is_left_as_it_is() -> None:
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return True

    positions(layer(), stopped=stopped)
    assert len(asked) == 1


def test_very_few_units_stand_in_a_row() -> None:
    few = layer().only(np.array([0, 20, 40]))
    assert positions(few).tolist() == [[0, 0.5], [0.5, 0.5], [1, 0.5]]


def test_the_error_says_how_a_map_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(UsageError, match=r"clipdesk\[map\]"):
        positions(layer())


def test_it_is_known_without_loading_it_whether_maps_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleType(name))
    assert can_map()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert not can_map()


def scattered(count: int) -> NDArray[np.float64]:
    return np.random.default_rng(1).random((count, 2))


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (7, 3), (100, 12), (768, 34)])
def test_each_cell_of_the_grid_has_one_unit(count: int, columns: int) -> None:
    assert sorted(on_grid(scattered(count), columns)) == list(range(count))


def test_positions_on_a_grid_stay_where_they_are() -> None:
    cells = np.array([[column, row] for row in range(4) for column in range(6)], dtype=np.float64)
    mixed = np.random.default_rng(2).permutation(24)
    assert mixed[on_grid(cells[mixed], 6)].tolist() == list(range(24))


def test_neighbours_of_the_map_are_close_in_the_grid() -> None:
    places, columns = scattered(600), 30
    order = on_grid(places, columns)
    cells = np.stack([np.arange(600) % columns, np.arange(600) // columns], axis=1)[np.argsort(order)] / [29, 19]
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(distances, np.inf)
    moved = np.linalg.norm(cells - cells[distances.argmin(axis=1)], axis=1)
    assert np.median(moved) < 0.1


def test_units_without_a_position_come_last() -> None:
    places = scattered(20)
    places[[3, 11]] = np.nan
    assert on_grid(places, 5)[-2:].tolist() == [3, 11]
