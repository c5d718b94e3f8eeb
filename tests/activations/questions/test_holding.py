"""Statistics without the held-out pictures, against those of a survey that never had them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from clipdesk.activations.questions.holding import embeddings_without, held_out, others, statistics_without
from tests.activations.surveys import LAYER, direct_survey, toy


def test_sums_without_the_held_out_pictures_are_those_of_the_others() -> None:
    survey, a, z = toy(count=2000)
    held = held_out(survey)
    rest = others(survey, held)
    assert held.pictures.tolist() == survey.sample.tolist()
    assert sorted([*rest, *held.pictures]) == list(range(2000))
    direct = direct_survey({(LAYER, "mean"): a[rest]}, z[rest])
    wanted = direct.statistics[LAYER, "mean"]
    found = statistics_without(survey.statistics[LAYER, "mean"], survey.embeddings, held)
    left = embeddings_without(survey.embeddings, held)
    assert found.count == len(rest)
    # What is kept of the held-out pictures is rounded to float16.
    assert_allclose(found.means, wanted.means, atol=1e-4)
    assert_allclose(found.squares, wanted.squares, rtol=1e-4)
    assert_allclose(found.cross, wanted.cross, atol=1e-4 * np.abs(wanted.cross).max())
    assert_allclose(left.mean, direct.embeddings.mean, atol=1e-5)
    assert_allclose(left.scatter, direct.embeddings.scatter, atol=1e-4 * np.trace(direct.embeddings.scatter))


def test_the_lists_lose_the_held_out_pictures_and_keep_their_order() -> None:
    survey, _, _ = toy(count=2000)
    held = held_out(survey)
    statistics = survey.statistics[LAYER, "mean"]
    found = statistics_without(statistics, survey.embeddings, held)
    for before, after in ((statistics.top, found.top), (statistics.bottom, found.bottom)):
        for unit in range(statistics.units):
            kept = [index for index in before.pictures[unit] if index not in held.pictures]
            assert after.pictures[unit].tolist() == kept + [-1] * (100 - len(kept))
            assert np.isnan(after.values[unit, len(kept) :]).all()
            assert np.isin(after.values[unit, : len(kept)], before.values[unit]).all()


@pytest.mark.parametrize(("count", "held"), [(1, 0), (2, 0), (3, 1), (90, 30), (1535, 511), (1536, 512), (9000, 512)])
def test_two_thirds_of_a_small_set_are_left(count: int, held: int) -> None:
    survey, _, _ = toy(count=count, units=1, width=4)
    found = held_out(survey)
    assert len(found.pictures) == held
    assert survey.sample[found.columns].tolist() == found.pictures.tolist()
    assert len(set(found.pictures.tolist())) == held


def test_a_unit_that_only_a_held_out_picture_excites_does_not_vary_without_it() -> None:
    _, a, z = toy(count=2000, units=2)
    survey = direct_survey({(LAYER, "mean"): a}, z)
    a[:, 1] = 0.0
    a[survey.sample[7], 1] = 1 / 3
    survey = direct_survey({(LAYER, "mean"): a}, z)
    found = statistics_without(survey.statistics[LAYER, "mean"], survey.embeddings, held_out(survey))
    assert found.squares[1] == 0
    assert found.varies.tolist() == [True, False]
