"""The scale of nearness."""

import math

import numpy as np

from clipdesk.activations.checking.nearness import Space, nearness

RNG = np.random.default_rng(0)
AXIS = np.eye(32)[0]
TOPS = 3 * AXIS + RNG.normal(size=(12, 32)) / 3
OTHERS = RNG.normal(size=(40, 32))


def test_others_are_at_zero_and_top_pictures_at_one() -> None:
    others = [nearness(each, TOPS, OTHERS) for each in OTHERS]
    assert abs(float(np.mean(others))) < 0.01
    assert 0.9 < float(np.mean([nearness(each, TOPS, OTHERS) for each in TOPS])) < 1.2
    assert nearness(-AXIS, TOPS, OTHERS) < -0.5


def test_the_length_of_a_row_does_not_matter() -> None:
    assert math.isclose(nearness(AXIS, TOPS, OTHERS), nearness(100 * AXIS, TOPS, OTHERS))


def test_top_pictures_that_are_like_all_others_say_nothing() -> None:
    assert math.isnan(nearness(AXIS, OTHERS[:12], OTHERS[:12]))


def test_too_few_pictures_say_nothing() -> None:
    assert math.isnan(nearness(AXIS, TOPS[:1], OTHERS))
    assert math.isnan(nearness(AXIS, TOPS, OTHERS[:0]))


def test_a_space_is_white_but_for_directions_in_which_hardly_anything_varies() -> None:
    scales = np.array([4.0, 1.0, 1.0, 0.01])
    rows = RNG.normal(size=(4000, 4)) * scales + 7
    white = Space.of(rows.mean(axis=0), np.cov(rows.T))(rows)
    assert abs(float(white.mean())) < 1e-9
    deviations = np.sort(white.std(axis=0))
    assert deviations[0] < 0.02
    assert deviations[-1] < 1
    assert deviations[-1] / deviations[1] < 2, "of four times as much"
