"""How many units of a layer are dead, dense, clear and redundant."""

from __future__ import annotations

import numpy as np
import pytest

from clipdesk.activations.questions.layer import table
from clipdesk.activations.questions.overview import Overview, overview
from tests.activations.surveys import LAYER, direct_survey

COUNT = 1000


@pytest.fixture(scope="module")
def found() -> Overview:
    """Unit 0 is dead, 1 constant, 2 answers to one direction, 3 to chance, 4 is 3 with a little noise, 5 is 2 twice."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(COUNT, 8)) + 0.2
    z[:150, 0] += 12
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    a = np.zeros((COUNT, 6))
    a[:, 1] = 0.5
    a[:150, 2] = 1 + rng.random(150)
    a[:, 3] = rng.random(COUNT) - 0.95
    a[:, 4] = a[:, 3] + 0.01 * rng.normal(size=COUNT)
    a[:, 5] = 2 * a[:, 2]
    survey = direct_survey({(LAYER, "mean"): a}, z)
    pairs = z @ z.T
    found = overview(table(survey, survey.statistics[LAYER, "mean"], rectified=True), survey.embeddings)
    assert found.chance == pytest.approx(pairs[~np.eye(COUNT, dtype=bool)].mean(), abs=1e-6)
    return found


def test_each_unit_is_what_it_is(found: Overview) -> None:
    assert found.units == 6
    assert [found.notes(unit) for unit in range(6)] == [
        ["dead"],
        ["dead"],
        ["dense", "clear", "redundant"],
        ["redundant"],
        ["redundant"],
        ["dense", "clear", "redundant"],
    ]


def test_the_kinds_count_units(found: Overview) -> None:
    assert {kind: int(which.sum()) for kind, which in found.kinds()} == {
        "dead": 2,
        "dense": 2,
        "clear": 2,
        "redundant": 4,
    }


def test_a_survey_of_one_picture_finds_nothing_clear() -> None:
    survey = direct_survey({(LAYER, "mean"): np.array([[0.5, 0.0]])}, np.array([[0.6, 0.8]]))
    found = overview(table(survey, survey.statistics[LAYER, "mean"], rectified=True), survey.embeddings)
    assert not found.clear.any()
    assert found.dead.all()
